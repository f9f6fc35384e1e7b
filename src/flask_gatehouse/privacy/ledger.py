"""The ledger of erasures: a file apart from backups that says who must not come back with one.

It is written once the erasure has been committed, from a row that was committed with it. A crash between the two loses
nothing: whoever comes next, the worker at the latest, writes what is pending, and a line that stands there twice says
the same twice. One line is one JSON object; of people it knows ids, and marks that only their database can recompute.
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..accounts.leaving import Holding
from ..db.base import database_now, now_of
from ..db.database import Database
from ..db.upsert import insert_of
from ..kernel.errors import DependencyUnavailable
from ..kernel.files import keep_names
from ..kernel.identifiers import id_in
from .errors import DamagedLedger, UnreadableLedger, UnwritableLedger
from .models import LedgerKey, PendingErasure

VERSION = 1
BATCH = 500
# What a subject can be that has a number of its own.
NUMBERED = frozenset({"user", "invitation", "join_request"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One erasure.

    :param at: when it was, by the database's clock. What is held since later is about somebody who came anew.
    :param database: which database it was, as :func:`name_of` says.
    :param marks: of whatever she was known by, see :func:`marks_of`.
    :param subjects: to whom the values belonged that were erased from the trail.
    """

    at: datetime
    database: str
    marks: frozenset[str]
    subjects: tuple[str, ...]


def get_key(db: Session) -> bytes:
    """Return the key of this database, which its backups share."""
    if (row := db.get(LedgerKey, 1)) is None:
        values = {"id": 1, "key": secrets.token_bytes(32)}
        # Of two that find none at the same moment, the first one makes it for both.
        db.execute(insert_of(db)(LedgerKey).values(**values).on_conflict_do_nothing())
        row = db.get_one(LedgerKey, 1)
    return row.key


def name_of(key: bytes) -> str:
    """Return by which name a ledger knows the database of a key."""
    return hashlib.sha256(b"gatehouse ledger" + key).hexdigest()[:16]


def marks_of(key: bytes, held: Holding) -> dict[str, datetime]:
    """Return what stands in the ledger for whatever a person is known by, and since when she is known by it.

    An id alone would not do: after a restore it is given to somebody else.
    """
    known: dict[tuple[str, ...], datetime] = {("row", held.subject, held.since.astimezone(UTC).isoformat()): held.since}
    known |= {("account", *account): held.known_since.get(account, held.since) for account in held.accounts}
    known |= {("address", address): held.known_since.get(address, held.since) for address in held.addresses}
    return {hmac.digest(key, "\0".join(parts).encode(), "sha256").hex(): since for parts, since in known.items()}


def note_erasure(db: Session, held: Sequence[Holding], subjects: Sequence[str]) -> None:
    """Put an erasure on its way into the ledger, in its own transaction."""
    key = get_key(db)
    at = now_of(db)
    entry = {
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "database": name_of(key),
        "marks": sorted(set().union(*(marks_of(key, one) for one in held))),
        "subjects": sorted(subjects),
        "v": VERSION,
    }
    db.add(PendingErasure(entry=json.dumps(entry, separators=(",", ":"))))
    db.flush()


def write_out(database: Database, path: Path) -> int:
    """Write pending erasures into the ledger; return how many.

    :raises DependencyUnavailable: if the database cannot be used; nothing is lost by that.
    :raises UnwritableLedger: if the file cannot be; neither by that.
    """
    with database.transaction() as db:
        pending = select(PendingErasure.id, PendingErasure.entry).where(PendingErasure.written_at.is_(None))
        rows = db.execute(pending.order_by(PendingErasure.id).limit(BATCH).with_for_update(skip_locked=True)).all()
        if rows:
            try:
                append(path, [row.entry for row in rows], lambda torn: _waits(db, torn))
            except OSError as error:
                raise UnwritableLedger(error.strerror or type(error).__name__) from error
            written = update(PendingErasure).where(PendingErasure.id.in_([row.id for row in rows]))
            db.execute(written.values(written_at=database_now()).execution_options(synchronize_session=False))
    return len(rows)


def append(path: Path, lines: Sequence[str], waits: Callable[[bytes], bool]) -> None:
    """Add lines to the file so that a power cut afterwards does not take them back.

    :param waits: whether a line that begins like this has still to be written.
    :raises OSError: if the file cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Nobody else may read it: it says at least how many people have left.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _end_last_line(file.fileno(), waits)
        if os.fstat(file.fileno()).st_size == 0:
            # Before anything is in it: where this fails, the next one finds it empty still, and tries again. Its name
            # does not change afterwards, and to keep it may flush every disk while others wait for the database.
            keep_names(path.parent)
        file.write("".join(f"{line}\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())


def read_ledger(path: Path) -> Iterator[Entry]:
    """Yield the erasures of a ledger; none if there is no file.

    :raises DamagedLedger: at a line that is no erasure, also a last one that is cut off.
    :raises UnreadableLedger: if the operating system does not let it be read.
    """
    try:
        if not path.exists():
            return
        with path.open("rb") as file:
            # What another process is writing just now is not taken for a line that is cut off.
            fcntl.flock(file, fcntl.LOCK_SH)
            for number, line in enumerate(file, 1):
                torn = None if line.endswith(b"\n") or _is_whole(line) else line
                yield _parsed(path, number, line, torn)
    except OSError as error:
        raise UnreadableLedger(path, error.strerror or type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Known:
    """What a ledger knows, before anything is done with it.

    :param entries: how many erasures, of all databases; None if there is no ledger.
    :param torn: the number of the last line if it is cut off and nothing is lost by that.
    """

    entries: int | None
    torn: int | None = None


def look_into_ledger(path: Path, database: Database | None) -> Known:
    """Return what a ledger knows. Nothing is changed.

    :param database: which may still have to write what is cut off; None if there is none.
    :raises DamagedLedger: at a line that is no erasure, unless it is cut off and the database will write it again.
    :raises UnreadableLedger: if the operating system does not let it be read.
    """
    entries = 0
    try:
        for _ in read_ledger(path):
            entries += 1
    except DamagedLedger as error:
        if database is None or error.torn is None or not _waits_in(database, error.torn):
            raise
        return Known(entries, error.line)
    return Known(entries if path.exists() else None)


def highest_numbers(database: str, path: Path) -> dict[str, int]:
    """Return the highest number of each kind of whatever the ledger knows to have been erased in a database.

    :param database: its name there, as :func:`name_of` says.

    :raises DamagedLedger: if a line cannot be read.
    :raises UnreadableLedger: if the file cannot be read.
    """
    highest: dict[str, int] = {}
    for entry in read_ledger(path):
        for subject in entry.subjects if entry.database == database else ():
            kind, _, number = subject.partition(":")
            if kind in NUMBERED and (found := id_in(number)) is not None:
                highest[kind] = max(found, highest.get(kind, 0))
    return highest


def _parsed(path: Path, number: int, line: bytes, torn: bytes | None) -> Entry:
    try:
        found = json.loads(line)
        if found["v"] != VERSION:
            raise DamagedLedger(path, number)
        marks, subjects = frozenset(found["marks"]), tuple(found["subjects"])
        at = datetime.fromisoformat(found["at"]).astimezone(UTC)
        return Entry(at, str(found["database"]), marks, subjects)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedLedger(path, number, torn) from error


def _is_whole(line: bytes) -> bool:
    """Return whether nothing but the end of the line is missing: no beginning of an object of JSON is one."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _end_last_line(descriptor: int, waits: Callable[[bytes], bool]) -> None:
    """End a line that a power cut, or an editor, has left without an end, so that the next one does not continue it.

    It is cut off only if it is going to be written again. Any other one may be all that keeps somebody from coming
    back: it stays, and stops a restore.
    """
    end = start = os.fstat(descriptor).st_size
    while start and os.pread(descriptor, 1, start - 1) != b"\n":
        start -= 1
    torn = os.pread(descriptor, end - start, start)
    if torn and not _is_whole(torn) and waits(torn):
        os.ftruncate(descriptor, start)
    elif torn:
        os.write(descriptor, b"\n")


def _waits_in(database: Database, torn: bytes) -> bool:
    try:
        with database.reading() as connection:
            return _waits(connection, torn)
    except (DependencyUnavailable, SQLAlchemyError):
        # It may be broken, which is why it is replaced.
        return False


def _waits(db: Session | Connection, torn: bytes) -> bool:
    """Return whether a line that begins like this has still to be written, by whichever process."""
    entries = select(PendingErasure.entry).where(PendingErasure.written_at.is_(None))
    # A power cut may leave zeros where the file had grown already.
    return any(entry.encode().startswith(torn.rstrip(b"\0")) for (entry,) in db.execute(entries))
