"""Writing an export: docs/reference/audit-export.md says how one looks, and verify_export.py checks it elsewhere.

The trail is read as it is at one moment, in pieces of the tree, so that its length takes time and no memory.
"""

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ...db.database import Database
from ...kernel.context import Actor, acting
from ..agreement import Row
from ..body import Personal, moment
from ..errors import NothingSealed, UnprovableEvent
from ..events import AuditEvent, Outcome
from ..note_keys import VerifierKey
from ..proofs import MissingHashes
from ..service import record
from ..snapshot import Snapshot, snapshot
from ..watching import lasting
from .choosing import Advance, stretches, unsealed
from .csv_lines import CSV_HEADER, csv_line
from .event import ExportedEvent
from .ocsf import as_ocsf
from .sections import Section, sections
from .selection import Selection

Lines = Generator[str, None, None]
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
# Octets in a column of texts are written as CSV has them.
_encode_columns = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str).encode


class Format(StrEnum):
    """How an export can be written; the first one proves itself."""

    JSONL = "jsonl"
    CSV = "csv"
    OCSF = "ocsf"


MEDIA_TYPES = {
    Format.JSONL: "application/jsonl",
    Format.CSV: "text/csv; charset=utf-8; header=present",
    Format.OCSF: "application/jsonl",
}
SUFFIXES = {Format.JSONL: "jsonl", Format.CSV: "csv", Format.OCSF: "ocsf.jsonl"}


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be exported, and how.

    :param keys: the public keys that may have signed checkpoints, of which an export carries the newest.
    :param with_unproven: also events that no signed tree holds yet; other formats, which prove nothing, always have
        them.
    :param advance: is told how many more events have been read.
    """

    format: Format = Format.JSONL
    selection: Selection = field(default_factory=Selection)
    keys: Sequence[VerifierKey] = ()
    with_unproven: bool = False
    advance: Advance = lambda events: None


def take_export(
    database: Database, export: Export, now: datetime, *, actor: Actor | None = None
) -> Generator[bytes, None, None]:
    """Record that the trail is exported, and return its pieces; what is refused is recorded as refused.

    It has been recorded before anything of it leaves, and is recorded once more as a failure if it turns out on the way
    that something cannot be proven. That whoever takes it goes away is not known.

    :param actor: who takes it; the person of the running request by default.
    :raises NothingSealed: if there is no tree yet that anything could be proven by.
    """
    # Of the request, which is over before the last piece is asked for.
    who, is_possible = actor or acting(), can_be_taken(database, export)
    with database.transaction() as db:
        record_export(db, export, None if is_possible else "nothing_sealed", actor=who)
    if not is_possible:
        raise NothingSealed
    return _watched(database.detached(), export, now, who)


def can_be_taken(database: Database, export: Export) -> bool:
    """Return whether there is a tree that an export could be proven by, if it is to prove anything."""
    with snapshot(database.engine) as trail:
        return export.format is not Format.JSONL or bool(trail.trees())


def _watched(database: Database, export: Export, now: datetime, who: Actor) -> Generator[bytes, None, None]:
    try:
        yield from export_trail(database.engine, export, now)
    except (NothingSealed, UnprovableEvent) as error:
        why = "nothing_sealed" if isinstance(error, NothingSealed) else "unprovable"
        with database.transaction() as db:
            record_export(db, export, why, actor=who)
        raise


def export_trail(engine: Engine, export: Export, now: datetime) -> Generator[bytes, None, None]:
    """Yield an export in pieces of UTF-8. Closing it early ends the transaction in which it reads.

    :raises NothingSealed: before the first piece, if there is no tree yet that anything could be proven by.
    :raises UnprovableEvent: if hashes are missing that a proof consists of. The export then has no end.
    """
    write = {Format.JSONL: _json_lines, Format.CSV: _csv_lines, Format.OCSF: _ocsf_lines}[export.format]
    with snapshot(engine) as trail:
        for piece in write(trail, export, now):
            # What is not Unicode was put there by somebody; an export of it is refused wherever it is checked.
            yield piece.encode(errors="surrogatepass")


def count_events(engine: Engine) -> int:
    """Return about how many events an export has to read, for whoever shows how far it is."""
    with snapshot(engine) as trail:
        return sum(section.end - section.first for section in sections(trail, ()))


def count_unproven(engine: Engine, keys: Sequence[VerifierKey]) -> int:
    """Return how many events the tree of no checkpoint holds yet: those that an export has only if it is asked to."""
    with snapshot(engine) as trail:
        chosen = list(sections(trail, keys))
        watermark = trail.number("SELECT max(watermark) FROM gatehouse_audit_trees")
        waiting = trail.number(
            "SELECT count(*) FROM gatehouse_audit_events e LEFT JOIN gatehouse_audit_leaves l ON l.event_id = e.id"
            " WHERE l.event_id IS NULL AND e.id > ?",
            watermark,
        )
    return waiting + sum(section.end - section.size for section in chosen)


def record_export(db: Session, export: Export, failure: str | None, *, actor: Actor) -> None:
    """Record that the trail is exported, by whom and what of it; to be committed before anything of it leaves.

    :param failure: why nothing of it leaves, or no more; None if it is taken.
    """
    filters = lasting(db.connection(), export.selection.filters)
    # An address is about a person, and details stay for good.
    address = filters.pop("ip", None)
    personal = {} if address is None else {"ip_asked_for": Personal(address, None)}
    details = {"format": export.format.value, "filters": filters, "unproven": export.with_unproven}
    record(
        AuditEvent.TRAIL_EXPORTED,
        details=details,
        personal=personal,
        reason=failure,
        outcome=Outcome.FAILURE if failure else None,
        session=db,
        actor=actor,
    )


def archive_lines(trail: Snapshot, section: Section, to: int, now: datetime) -> Lines:
    """Yield the export of one epoch's positions from the first that is there up to, and without, another."""
    yield _header(section, {"positions": [section.first, to]}, now)
    count = 0
    for events in _proven(trail, section, Selection(), to, lambda events: None):
        count += len(events)
        yield "".join(events)
    yield _end(count)


def _json_lines(trail: Snapshot, export: Export, now: datetime) -> Lines:
    chosen, filters, count = list(sections(trail, export.keys)), export.selection.filters, 0
    if not chosen:
        raise NothingSealed
    for section in chosen:
        here = filters or ({"positions": [section.first, section.size]} if section.first else {})
        yield _header(section, here, now)
        for events in _proven(trail, section, export.selection, section.size, export.advance):
            count += len(events)
            yield "".join(events)
    for event in _unproven(trail, chosen, export) if export.with_unproven else ():
        count += 1
        yield _encode({"position": None, **_said(event.row)}) + "\n"
    yield _end(count)


def _csv_lines(trail: Snapshot, export: Export, now: datetime) -> Lines:
    yield CSV_HEADER
    for event in _everything(trail, export):
        yield csv_line(event)


def _ocsf_lines(trail: Snapshot, export: Export, now: datetime) -> Lines:
    for event in _everything(trail, export):
        yield _encode_columns(as_ocsf(event)) + "\n"


def _header(section: Section, filters: dict[str, Any], now: datetime) -> str:
    header = {
        "format": "gatehouse-audit-export",
        "version": 1,
        "origin": section.origin,
        "epoch": section.epoch,
        "size": section.size,
        "root": section.root.hex(),
        "checkpoint": section.note,
        "key": None if section.key is None else str(section.key),
        "exported_at": f"{moment(now)}Z",
        "filters": filters,
    }
    return _encode(header) + "\n"


def _end(count: int) -> str:
    return _encode({"end": True, "events": count}) + "\n"


def _said(row: Row) -> dict[str, Any]:
    return {"body": row.body, "personal": _kept(row.personal)}


def _kept(personal: str | None) -> dict[str, dict[str, str]]:
    """Return the personal values of an event with their salts; nothing where the column holds something else.

    What is no salt or no value stays, for whoever checks the file to refuse: left out, it would look like an erasure.
    """
    try:
        kept = json.loads(personal or "{}")
    except (ValueError, RecursionError):
        return {}
    is_readable = isinstance(kept, dict) and all(isinstance(entry, dict) for entry in kept.values())
    return kept if is_readable else {}


def _proven(trail: Snapshot, section: Section, selection: Selection, to: int, advance: Advance) -> Iterator[list[str]]:
    """Yield the lines of each stretch of a section, with their proofs."""
    tree = section.tree(trail)
    for rows in stretches(trail, section, section.first, to, selection, advance):
        lines = []
        for row in rows:
            try:
                proof = [sister.hex() for sister in tree.inclusion_proof(row.position)]
            except MissingHashes as error:
                raise UnprovableEvent(section.epoch, row.position, str(error)) from error
            lines.append(_encode({"position": row.position, **_said(row), "proof": proof}) + "\n")
        yield lines


def _everything(trail: Snapshot, export: Export) -> Iterator[ExportedEvent]:
    """Yield what is asked for without a thought of proofs: every sealed event in its order, then the others."""
    chosen = list(sections(trail, ()))
    for section in chosen:
        for rows in stretches(trail, section, section.first, section.end, export.selection, export.advance):
            yield from (ExportedEvent(section.origin, section.epoch, row.position, row) for row in rows)
    yield from (ExportedEvent(None, None, None, row) for row in unsealed(trail, export.selection))


def _unproven(trail: Snapshot, chosen: Sequence[Section], export: Export) -> Iterator[ExportedEvent]:
    """Yield the sealed events that no header's tree holds yet, and then those that are not sealed."""
    for section in chosen:
        for rows in stretches(trail, section, section.size, section.end, export.selection, export.advance):
            yield from (ExportedEvent(None, None, None, row) for row in rows)
    yield from (ExportedEvent(None, None, None, row) for row in unsealed(trail, export.selection))
