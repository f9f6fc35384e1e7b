"""Erasing again whoever was erased after a backup was made that is restored now."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from ..accounts.leaving import Holding, all_holdings, delete_holdings, delete_user
from ..audit.erasure import erase_personal
from ..audit.events import Upkeep
from ..db.database import Database
from ..kernel.context import COMMAND_LINE
from ..sessions.expiring import forget_sessions_of
from .ledger import Entry, get_key, marks_of, name_of, read_ledger
from .leftovers import overwrite_what_is_deleted, scrub


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay has done.

    :param entries: how many erasures of this database the ledger knows.
    :param foreign: how many are those of other databases, which were left alone.
    :param users: how many people had come back.
    :param others: how many invitations and requests to join had.
    :param has_ledger: whether there is a ledger at all. Without one nobody can be erased again.
    """

    entries: int
    foreign: int
    users: int
    others: int
    has_ledger: bool


def replay(database: Database, ledger: Path) -> Replayed:
    """Erase whoever stands in the ledger and is in the database again, in one transaction; doing it twice is harmless.

    For a database that was restored and that nobody uses yet. Somebody is only taken for whom the ledger means if what
    is held about her began before she was erased: whoever came back by herself since is a new person. The last
    administrator goes too, because she had gone; ``create-admin`` makes another.

    :raises DamagedLedger: if a line cannot be read; nothing was done then.
    :raises DependencyUnavailable: if the database does not answer.
    :raises UnreadableLedger: if the file cannot be read; nothing was done then.
    """
    everything, has_ledger = list(read_ledger(ledger)), ledger.exists()
    with database.transaction() as db:
        overwrite_what_is_deleted(db)
        key = get_key(db)
        entries = [entry for entry in everything if entry.database == name_of(key)]
        back = _who_is_back(db, key, entries)
        for one in back:
            if one.kind == "user":
                delete_user(db, one.id, herself=True, even_last=True, actor=COMMAND_LINE)
        delete_holdings(db, [one for one in back if one.kind != "user"])
        users = [one.id for one in back if one.kind == "user"]
        forget_sessions_of(db, users)
        _erase_values(db, entries, back)
    scrub(database)
    foreign, others = len(everything) - len(entries), len(back) - len(users)
    return Replayed(len(entries), foreign, len(users), others, has_ledger)


def _who_is_back(db: Session, key: bytes, entries: list[Entry]) -> list[Holding]:
    erased_at: dict[str, datetime] = {}
    for entry in entries:
        for mark in entry.marks:
            erased_at[mark] = max(entry.at, erased_at.get(mark, entry.at))
    if not erased_at:
        return []
    return [
        one
        for one in all_holdings(db)
        # By when the mark became hers: an account that she linked after its former owner was erased is not that owner.
        if any(mark in erased_at and since < erased_at[mark] for mark, since in marks_of(key, one).items())
    ]


def _erase_values(db: Session, entries: list[Entry], back: list[Holding]) -> None:
    for entry in entries:
        # The same number may have been given to somebody else after an earlier restore.
        erase_personal(db, entry.subjects, before=entry.at, reason=Upkeep.REPLAYED, actor=COMMAND_LINE, if_any=True)
    if back:
        erase_personal(db, {one.subject for one in back}, reason=Upkeep.REPLAYED, actor=COMMAND_LINE)
