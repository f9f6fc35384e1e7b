"""Giving committed events their place in the tree, in batches, behind a lock that no request waits for."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, insert, select, text
from sqlalchemy.orm import Session

from ..db.database import Database
from ..db.upsert import insert_of
from ..kernel.clock import utc_now
from ..kernel.context import Actor
from .events import AuditEvent
from .models import NEWEST_TREE, AuditCount, AuditEventRow, AuditLeaf, AuditTile, AuditTree
from .origins import log_of, origin_of
from .service import record
from .tree import EMPTY_ROOT, Frontier, leaf_hash

# On SQLite a batch holds the one write lock: this many take a few milliseconds.
BATCH = 500
# How long a transaction may take from the number of its event to its own, which no snapshot shows meanwhile.
SETTLING_S = 5.0

_NEWEST_EPOCH = select(func.max(AuditTree.epoch))
# Of the events above a tree's ``watermark``, the parameter, those that have no place yet.
UNSEALED = (
    select(AuditEventRow.id, AuditEventRow.body, AuditEventRow.event, AuditEventRow.outcome, AuditEventRow.occurred_at)
    .where(
        AuditEventRow.id > bindparam("watermark"),
        # The second condition says nothing new; it keeps a database from reading the leaves of ten years for it.
        ~exists().where(AuditLeaf.event_id == AuditEventRow.id, AuditLeaf.event_id > bindparam("watermark")),
    )
    .order_by(AuditEventRow.id)
)
_SNAPSHOT = text(
    "SELECT CAST(CAST(pg_snapshot_xmin(s) AS text) AS bigint), CAST(CAST(pg_snapshot_xmax(s) AS text) AS bigint)"
    " FROM pg_current_snapshot() AS s"
)


class Horizon:
    """Up to which number events are complete: below it nobody can bring another.

    PostgreSQL gives numbers before it commits, so that a lower one may arrive late. Numbers given until now are
    complete once every transaction that ran some seconds later has ended. Kept in memory: a process that begins anew
    asks a little longer, and a restored database is not told of another one's transactions.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: tuple[int, float] | None = None
        self._last_running: int | None = None

    def complete_to(self, oldest_running: int, next_transaction: int, newest: Callable[[], int]) -> int | None:
        """Return up to which event's id all have been committed or rolled back, or None if that is not known yet.

        :param oldest_running: the lowest transaction that has not ended (``pg_snapshot_xmin``).
        :param next_transaction: the first one that had not begun (``pg_snapshot_xmax``).
        :param newest: asks for the highest id that is there.
        """
        if self._noted is None:
            self._noted = newest(), self._clock()
            return None
        if self._last_running is None:
            if self._clock() - self._noted[1] >= SETTLING_S:
                self._last_running = next_transaction
            return None
        if oldest_running < self._last_running:
            return None
        complete = self._noted[0]
        self._noted = self._last_running = None
        return complete


class Sealer:
    """Seals the events of one database; one for each worker.

    :param host: of the application's address, with which the names of its trees begin.
    """

    def __init__(self, database: Database, host: str) -> None:
        self._database, self._host, self._horizon = database, host, Horizon()
        self._epoch: int | None = None

    def seal(self) -> int:
        """Seal whatever is committed and has no place yet; return how many that were.

        :raises DependencyUnavailable: if the database does not answer.
        """
        total = 0
        while self._is_needed():
            with self._database.transaction() as db:
                sealed = self._seal_batch(db)
            total += sealed
            if sealed < BATCH:
                break
        return total

    def _is_needed(self) -> bool:
        """Return whether there is anything to write, without taking a lock."""
        with self._database.reading() as connection:
            tree = connection.execute(NEWEST_TREE.with_only_columns(AuditTree.watermark)).first()
            if tree is None:
                return True
            first = connection.execute(UNSEALED.limit(1), {"watermark": tree.watermark}).first()
            return first is not None or self._may_advance(connection, tree.watermark)

    def _may_advance(self, connection: Connection, watermark: int) -> bool:
        return connection.dialect.name == "postgresql" and _newest_id(connection) > watermark

    def _seal_batch(self, db: Session) -> int:
        tree = _lock_newest(db, self._host)
        if tree is None:
            # Another worker is at it.
            return 0
        if tree.epoch != self._epoch:
            # A restore has taken numbers back that were noted before: below one of them there may be events to come.
            self._epoch, self._horizon = tree.epoch, Horizon()
        complete = self._complete_to(db)
        rows = db.execute(UNSEALED.limit(BATCH), {"watermark": tree.watermark}).all()
        if rows:
            _append(db, tree, rows)
        if db.connection().dialect.name == "sqlite":
            # Numbers are given under the lock that this transaction holds.
            tree.watermark = max([tree.watermark, *(row.id for row in rows)])
        elif complete is not None and len(rows) < BATCH:
            tree.watermark = max(tree.watermark, complete)
        return len(rows)

    def _complete_to(self, db: Session) -> int | None:
        if db.connection().dialect.name == "sqlite":
            return None
        oldest_running, next_transaction = db.execute(_SNAPSHOT).one()
        return self._horizon.complete_to(oldest_running, next_transaction, lambda: _newest_id(db))


def oldest_unsealed(connection: Connection) -> datetime | None:
    """Return when the first event happened that has no place yet; None if all have one."""
    watermark = connection.execute(NEWEST_TREE.with_only_columns(AuditTree.watermark)).scalar() or 0
    oldest = UNSEALED.with_only_columns(AuditEventRow.occurred_at).limit(1)
    return connection.execute(oldest, {"watermark": watermark}).scalar()


def seal_lag(connection: Connection) -> float:
    """Return for how many seconds the oldest event has waited for its place; 0 if none waits."""
    since = oldest_unsealed(connection)
    return 0.0 if since is None else max(0.0, (utc_now() - since).total_seconds())


def begin_epoch(db: Session, *, after: int = 0, actor: Actor | None = None) -> None:
    """Begin a new tree, as after a restored backup: the old one has signed what is not here any more.

    The first event of the new one says where the old one ended. Whatever was not sealed yet goes into the new one.

    :param after: the highest number of an epoch that is known elsewhere, which the backup need not know: two trees of
        one number would contradict each other, as two that somebody has forged do.
    """
    old = db.scalars(NEWEST_TREE.with_for_update()).first()
    if old is None:
        # Nothing was ever sealed, and so nothing signed.
        return
    number = max(old.epoch, after) + 1
    db.add(_tree(log_of(old.origin), number, old.watermark))
    db.flush()
    details = {"epoch": old.epoch, "size": old.size, "root": old.root.hex(), "begins": number}
    record(AuditEvent.RESTORED, details=details, session=db, actor=actor)


def _tree(log: str, epoch: int, watermark: int) -> AuditTree:
    now = utc_now()
    return AuditTree(
        epoch=epoch,
        origin=origin_of(log, epoch),
        size=0,
        root=EMPTY_ROOT,
        frontier=b"",
        watermark=watermark,
        cut=0,
        created_at=now,
        sealed_at=now,
    )


def _lock_newest(db: Session, host: str) -> AuditTree | None:
    """Return the newest tree for writing, the first one if there is none; None if another worker has it."""
    if db.scalars(select(AuditTree.epoch).limit(1)).first() is None:
        first = _tree(f"{host}/gatehouse/{secrets.token_hex(8)}", 1, 0)
        values = {column.name: getattr(first, column.name) for column in AuditTree.__table__.columns}
        # Two workers may find none at the same moment, and the first one names it.
        db.execute(insert_of(db)(AuditTree).values(**values).on_conflict_do_nothing())
    # By its number: whoever asks for the newest one that is free gets the one before it.
    epoch = db.scalars(_NEWEST_EPOCH).one()
    locked = select(AuditTree).where(AuditTree.epoch == epoch).with_for_update(skip_locked=True)
    tree = db.scalars(locked.execution_options(populate_existing=True)).first()
    # A restore may have begun another one between the two questions.
    return tree if tree is not None and db.scalars(_NEWEST_EPOCH).one() == epoch else None


def _newest_id(db: Session | Connection) -> int:
    return db.execute(select(func.coalesce(func.max(AuditEventRow.id), 0))).scalar_one()


def _append(db: Session, tree: AuditTree, rows: Sequence[Any]) -> None:
    frontier = Frontier.parse(tree.size, tree.frontier)
    leaves: list[dict[str, object]] = []
    tiles: list[dict[str, object]] = []
    counts: Counter[tuple[datetime, str, Any]] = Counter()
    for row in rows:
        digest = leaf_hash(_octets(row.body))
        leaves.append({"epoch": tree.epoch, "position": frontier.size, "event_id": row.id, "hash": digest})
        tiles += [
            {"epoch": tree.epoch, "level": tile.level, "index": tile.index, "hash": tile.hash}
            for tile in frontier.append(digest)
        ]
        counts[row.occurred_at.replace(minute=0, second=0, microsecond=0), _name(row.event), row.outcome] += 1
    db.execute(insert(AuditLeaf), leaves)
    if tiles:
        db.execute(insert(AuditTile), tiles)
    _count(db, counts)
    tree.size, tree.root, tree.frontier, tree.sealed_at = frontier.size, frontier.root, bytes(frontier), utc_now()


def _octets(held: str | bytes) -> bytes:
    """Return what SQLite holds; what is no text has a leaf too, or nothing behind it would ever have one."""
    return held if isinstance(held, bytes) else held.encode(errors="surrogateescape")


def _name(held: str | bytes) -> str:
    """Return under which name an event is counted."""
    return held if isinstance(held, str) and held.isascii() else _octets(held).decode(errors="replace")


def _count(db: Session, counts: Counter[tuple[datetime, str, Any]]) -> None:
    statement = insert_of(db)(AuditCount)
    statement = statement.on_conflict_do_update(
        index_elements=["hour", "event", "outcome"], set_={"count": AuditCount.count + statement.excluded.count}
    )
    # In one order for all, so that two workers cannot wait for each other.
    rows = [
        {"hour": hour, "event": event, "outcome": outcome, "count": number}
        for (hour, event, outcome), number in sorted(counts.items())
    ]
    db.execute(statement, rows)
