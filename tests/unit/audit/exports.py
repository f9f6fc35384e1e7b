"""Small exports, as docs/reference/audit-export.md describes them, to be checked and to be tampered with."""

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flask_gatehouse.audit.body import Personal, canonical, seal_personal
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.audit.notes import Checkpoint, sign_checkpoint
from flask_gatehouse.audit.proofs import StoredTree
from flask_gatehouse.audit.tree import Frontier, leaf_hash

KEY = SigningKey("app.example.com", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
STRANGER = SigningKey("app.example.com", Ed25519PrivateKey.from_private_bytes(bytes(32)))
VKEY = str(KEY.verifier)
LOG = "app.example.com/gatehouse/0123456789abcdef"

Lines = list[Any]


def event(number: int) -> tuple[str, dict[str, Any]]:
    said = {"ip": Personal(f"203.0.113.{number}", None), "name": Personal("Zoë 🗝", f"user:{number}")}
    committed, kept = seal_personal(said, lambda length: hashlib.shake_256(bytes([number])).digest(length))
    body = {
        "v": 1,
        "event": "user_updated",
        "id": f"event {number}",
        "personal": committed,
        "details": {"say": '"\\\n'},
    }
    return canonical(body), kept


def epoch(number: int, size: int, key: SigningKey | None = KEY, **filters: Any) -> Lines:
    """Return a header, and all events below it."""
    events = [event(at) for at in range(size)]
    leaves = [leaf_hash(body.encode()) for body, _ in events]
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    tree = StoredTree(size, lambda _level, start, end: leaves[start:end])
    checkpoint = Checkpoint(f"{LOG}/{number}", size, frontier.root)
    header = {
        "format": "gatehouse-audit-export",
        "version": 1,
        "origin": checkpoint.origin,
        "epoch": number,
        "size": size,
        "root": frontier.root.hex(),
        "checkpoint": sign_checkpoint(checkpoint, key) if key else None,
        "key": str(key.verifier) if key else None,
        "exported_at": "2026-11-24T15:00:00.123456Z",
        "filters": filters,
    }
    return [
        header,
        *(
            {"position": at, "body": body, "personal": kept, "proof": [node.hex() for node in tree.inclusion_proof(at)]}
            for at, (body, kept) in enumerate(events)
        ),
    ]


def unproven(number: int) -> dict[str, Any]:
    body, kept = event(number)
    return {"position": None, "body": body, "personal": kept}


def end(lines: Lines) -> Lines:
    return [*lines, {"end": True, "events": sum("body" in line for line in lines)}]


def write(path: Path, lines: Lines) -> Path:
    texts = (line if isinstance(line, str | bytes) else json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_bytes(b"".join(text.encode() if isinstance(text, str) else text for text in texts))
    return path
