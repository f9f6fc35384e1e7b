"""A trail with checkpoints elsewhere, and somebody who can write to its database and nothing else."""

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from sqlalchemy import Connection, Engine, insert, text

from flask_gatehouse.audit import record
from flask_gatehouse.audit.body import canonical, commitment
from flask_gatehouse.audit.models import AuditCheckpoint
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.audit.notes import Checkpoint, sign_checkpoint
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.audit.tree import Frontier, leaf_hash
from flask_gatehouse.audit.verifying import Held, Report, verify
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import Actor

START = datetime(2026, 3, 1, tzinfo=UTC)
TABLES = ("events", "leaves", "tiles", "trees", "checkpoints")
COLUMNS = [
    "occurred_at",
    "event",
    "outcome",
    "actor_kind",
    "actor_id",
    "session_id",
    "target_type",
    "target_id",
    "request_id",
    "ip",
    "body",
    "personal",
]


@dataclass
class Trail:
    """A trail of which one event happens each minute."""

    database: Database
    folder: Path
    key: SigningKey = field(default_factory=lambda: SigningKey.generate("gate.example.com"))
    minutes: int = 0

    @property
    def engine(self) -> Engine:
        return self.database.engine

    def happen(self, count: int = 1, event: str = "article.published", **words: Any) -> None:
        with time_machine.travel(self.now, tick=False) as clock, self.database.transaction() as db:
            for _ in range(count):
                clock.move_to(self.now)
                number = self.minutes
                who = Actor(
                    user_id=number % 7,
                    session_id=f"{number % 5:022d}",
                    ip=f"203.0.113.{number % 250}",
                    user_agent="Browser/1",
                    kind="user",
                    request_id=f"{number:032x}",
                )
                said = {"details": {"number": number}} if number % 3 else {"change": {"status": ["draft", number]}}
                record(event, session=db, **{"actor": who, "resource": ("article", number), **said, **words})
                self.minutes += 1

    @property
    def now(self) -> datetime:
        return START + timedelta(minutes=self.minutes)

    def seal(self) -> None:
        Sealer(self.database, "gate.example.com").seal()

    def sign(self) -> Path:
        """Seal, and sign a checkpoint, of which one copy stays in the database and one leaves it."""
        self.seal()
        with self.engine.connect() as connection:
            tree = connection.execute(
                text("SELECT epoch, origin, size, root FROM gatehouse_audit_trees ORDER BY epoch DESC LIMIT 1")
            ).one()
        note = sign_checkpoint(Checkpoint(tree.origin, tree.size, bytes(tree.root)), self.key)
        with self.database.transaction() as db:
            row = {"epoch": tree.epoch, "size": tree.size, "note": note, "created_at": START, "delivered_at": None}
            db.execute(insert(AuditCheckpoint), [row])
        path = self.folder / f"{tree.epoch}-{tree.size:012d}.note"
        path.write_text(note, encoding="utf-8")
        return path

    def verify(self, *, outside: bool = True) -> Report:
        """Verify, with what was kept elsewhere or without it."""
        return verify(self.engine, Held([self.key.verifier], folder=self.folder if outside else None))


def first(report: Report) -> tuple[str, int, int] | None:
    """Return kind and positions of the first finding."""
    found = report.findings.first
    return found and (found.kind.value, found.first, found.last)


class Thief:
    """Writes to the database as its owner can, past every guard in it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def at_work(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET session_replication_role = replica"))
            else:
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                for (name,) in connection.exec_driver_sql(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'gatehouse_audit%'"
                ).all():
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            try:
                yield connection
                connection.commit()
            finally:
                connection.rollback()
                connection.invalidate()

    def run(self, *statements: str, **values: Any) -> None:
        with self.at_work() as connection:
            for statement in statements:
                connection.execute(text(statement), values)

    def event_id(self, position: int, epoch: int = 1) -> int:
        with self._engine.connect() as connection:
            found = connection.execute(
                text("SELECT event_id FROM gatehouse_audit_leaves WHERE epoch = :epoch AND position = :position"),
                {"epoch": epoch, "position": position},
            ).scalar_one()
        return int(found)

    def rewrite(self, change: Callable[[list[dict[str, Any]]], object], *, renumber: bool = True) -> None:
        """Change the events of the newest epoch as a list, and then everything that is computed from them.

        :param change: changes the list, whose members hold the columns of an event.
        :param renumber: give ids without a gap, in the order of the list.
        """
        with self.at_work() as connection:
            epoch = connection.execute(text("SELECT max(epoch) FROM gatehouse_audit_trees")).scalar_one()
            events = [
                dict(row._mapping)
                for row in connection.execute(
                    text(
                        "SELECT e.* FROM gatehouse_audit_leaves l JOIN gatehouse_audit_events e ON e.id = l.event_id"
                        " WHERE l.epoch = :epoch ORDER BY l.position"
                    ),
                    {"epoch": epoch},
                )
            ]
            ids = [event["id"] for event in events]
            change(events)
            if renumber:
                for event, number in zip(events, range(ids[0], ids[0] + len(events)), strict=True):
                    event["id"] = number
            self._write_events(connection, ids, events)
            self._write_tree(connection, epoch, events)

    def _write_events(self, connection: Connection, ids: Sequence[int], events: Sequence[dict[str, Any]]) -> None:
        connection.execute(text("DELETE FROM gatehouse_audit_events WHERE id = :id"), [{"id": one} for one in ids])
        names = ["id", *COLUMNS]
        statement = f"INSERT INTO gatehouse_audit_events ({', '.join(names)}) VALUES (:{', :'.join(names)})"
        if events:
            connection.execute(text(statement), list(events))
        if connection.dialect.name == "postgresql":
            # SQLite takes note of the highest number by itself.
            connection.execute(
                text("SELECT setval(:name, greatest(last_value, :highest)) FROM gatehouse_audit_events_id_seq"),
                {"name": "gatehouse_audit_events_id_seq", "highest": max((e["id"] for e in events), default=1)},
            )

    def _write_tree(self, connection: Connection, epoch: int, events: Sequence[dict[str, Any]]) -> None:
        for table in ("leaves", "tiles", "checkpoints"):
            connection.execute(text(f"DELETE FROM gatehouse_audit_{table} WHERE epoch = :epoch"), {"epoch": epoch})
        frontier, leaves, tiles = Frontier(), [], []
        for event in events:
            digest = leaf_hash(event["body"].encode())
            leaves.append({"epoch": epoch, "position": frontier.size, "event_id": event["id"], "hash": digest})
            tiles += [
                {"epoch": epoch, "level": tile.level, "index": tile.index, "hash": tile.hash}
                for tile in frontier.append(digest)
            ]
        for table, rows in (("leaves", leaves), ("tiles", tiles)):
            if rows:
                names = ", ".join(f'"{name}"' for name in rows[0])
                values = ", ".join(f":{name}" for name in rows[0])
                connection.execute(text(f"INSERT INTO gatehouse_audit_{table} ({names}) VALUES ({values})"), rows)
        values = {
            "size": frontier.size,
            "root": frontier.root,
            "frontier": bytes(frontier),
            "watermark": max((event["id"] for event in events), default=0),
        }
        connection.execute(
            text(
                "UPDATE gatehouse_audit_trees SET size = :size, root = :root, frontier = :frontier,"
                " watermark = :watermark WHERE epoch = :epoch"
            ),
            {**values, "epoch": epoch},
        )

    def forget_numbers(self) -> None:
        """Let the database believe that it never gave out more numbers than there are events."""
        with self.at_work() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT setval('gatehouse_audit_events_id_seq', (SELECT max(id) FROM gatehouse_audit_events))")
                )
            else:
                connection.exec_driver_sql(
                    "UPDATE sqlite_sequence SET seq = (SELECT max(id) FROM gatehouse_audit_events)"
                    " WHERE name = 'gatehouse_audit_events'"
                )


def forge(event: dict[str, Any], **changes: Any) -> None:
    """Change what an event says, in its body and in the columns that repeat it."""
    body = json.loads(event["body"]) | changes
    event["body"] = canonical(body)
    for name in ("event", "outcome"):
        event[name] = body[name]
    if "at" in changes:
        event["occurred_at"] = body["at"][:-1].replace("T", " ")


def lie_about_ip(event: dict[str, Any], ip: str) -> None:
    """Give an event another address, and commit to it with another salt."""
    body, kept = json.loads(event["body"]), json.loads(event["personal"])
    salt = secrets.token_bytes(32)
    body["personal"]["ip"]["commitment"] = commitment(salt, "ip", ip)
    kept["ip"] = {"salt": salt.hex(), "value": ip}
    event.update(body=canonical(body), personal=canonical(kept), ip=ip)
