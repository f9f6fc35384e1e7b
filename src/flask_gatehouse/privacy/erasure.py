"""Erasing a person: whatever is held about her goes in one transaction, and with it what the trail knows of her.

What happened stays in the trail, under a number that nobody else gets. An administrator's deletion is an erasure too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.orm import Session

from ..accounts.bulk import Action, BulkResult, Change
from ..accounts.leaving import Holding, delete_holdings, delete_user, held_declined, held_for
from ..accounts.queries import UserQuery
from ..accounts.service import change_many
from ..audit.erasure import erase_personal
from ..audit.traces import subjects_named, subjects_of_user
from ..db.base import now_of
from ..db.database import Database
from ..kernel.context import Actor
from ..sessions.expiring import forget_sessions_of
from ..settings import Settings
from .errors import NothingHeld
from .ledger import note_erasure
from .leftovers import carry_out, overwrite_what_is_deleted

# Retention runs a little after its time: what has just ended may still have its values.
SLACK = timedelta(days=1)


def erase_user(
    database: Database,
    settings: Settings,
    user_id: int,
    *,
    herself: bool = False,
    actor: Actor | None = None,
    check: Callable[[Session], None] | None = None,
) -> None:
    """Erase a user; she is gone once this returns, and signing in again makes a new one.

    :param herself: whether it is she who wants it.
    :param check: the first thing in the transaction; it raises if whoever asks for this may not any more.
    :raises NotOnYourself: if she would do it to herself where another one is meant.
    :raises LastAdministrator: if she is the only administrator.
    :raises UserNotFound: if there is no such user.
    """
    with _erasing(database, settings, check) as db:
        held = delete_user(db, user_id, herself=herself, actor=actor)
        erase_traces(db, settings, held, actor)


def erase_many(
    database: Database,
    settings: Settings,
    selection: Iterable[int] | UserQuery,
    *,
    actor_id: int | None,
    after: int = 0,
    check: Callable[[Session], None] | None = None,
) -> BulkResult:
    """Erase many users in one transaction; see ``change_many`` for who is left as she is, and for ``after``.

    :param check: the first thing in the transaction; it raises if whoever asks for this may not any more.
    """
    change = Change(Action.REMOVE, removed=lambda db, held: erase_traces(db, settings, held))
    with _erasing(database, settings, check) as db:
        return change_many(db, selection, change, actor_id=actor_id, after=after)


def erase_address(
    database: Database, settings: Settings, addresses: Sequence[str], *, actor: Actor | None = None
) -> None:
    """Erase what is held for the owner of an address who is no user: invitations, and requests to join.

    :param addresses: the forms of hers, case-folded. That it is hers was found out by whoever asks for this.
    :raises NothingHeld: if there is nothing.
    """
    with _erasing(database, settings) as db:
        held, _ = get_waiting(db, settings, addresses)
        delete_holdings(db, held)
        erase_traces(db, settings, held, actor, addresses=addresses)


@contextmanager
def _erasing(
    database: Database, settings: Settings, check: Callable[[Session], None] | None = None
) -> Iterator[Session]:
    """Yield a transaction that leaves nothing of what it deletes, and write the ledger once it is committed."""
    with database.transaction() as db:
        if check is not None:
            check(db)
        overwrite_what_is_deleted(db)
        yield db
    carry_out(database, settings)


def get_waiting(db: Session, settings: Settings, addresses: Sequence[str]) -> tuple[list[Holding], set[str]]:
    """Return what is held for the owner of an address who is no user, and whose values in the trail are hers.

    What is held is invitations and requests to join, declined ones too.

    :param addresses: the forms of hers, case-folded.
    :raises NothingHeld: if there is nothing.
    """
    named = ended_for(db, settings, (), addresses)
    held = held_for(db, (), addresses, stated=True) + held_declined(db, named, stated=True)
    if not held and not named:
        raise NothingHeld(addresses[0])
    return held, named.union(one.subject for one in held)


def erase_traces(
    db: Session,
    settings: Settings,
    held: Sequence[Holding],
    actor: Actor | None = None,
    *,
    addresses: Sequence[str] = (),
) -> None:
    """Erase what is left elsewhere of what was deleted, and note it for the ledger; the last thing of a transaction."""
    users = [one.id for one in held if one.kind == "user"]
    forget_sessions_of(db, users)
    subjects = {one.subject for one in held}.union(*(subjects_of_user(db, user_id) for user_id in users))
    named = ended_for(db, settings, held, addresses)
    declined = held_declined(db, named)
    delete_holdings(db, declined)
    subjects |= named
    about = ("user", users[0]) if len(users) == 1 else None
    erase_personal(db, subjects, about=about, actor=actor)
    note_erasure(db, [*held, *declined], sorted(subjects))


def ended_for(db: Session, settings: Settings, held: Iterable[Holding], addresses: Iterable[str] = ()) -> set[str]:
    """Return the ended invitations and requests to the users among these, and to these addresses.

    Those are left out from which retention has taken the values. Of a user, an address counts if a provider may be
    believed about it: whoever only states one must not take along what belongs to its owner.
    """
    wanted = {address for one in held if one.kind == "user" for address in one.addresses}.union(addresses)
    if not wanted:
        return set()
    since = now_of(db) - settings.invitation_retention - SLACK
    return subjects_named(db, wanted, since)
