"""Asking once more who may, within the transaction that changes something.

The guard of a route looks before its view begins. Until the change is written, somebody else may have taken the role of
whoever asks, or have ended her sessions; without a second look an administrator who is being removed could let herself
in again by a request that is under way.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from ..accounts.locks import lock_rights, take_turn
from ..sessions.lookup import Found, find_session_within
from ..sessions.rules import ended
from .actor import forget_visit, signed_in
from .denials import NotAllowed, NotSignedIn
from .state import state


@contextmanager
def changing() -> Iterator[Session]:
    """Yield a transaction in which whoever asks still may what the guard has let her do.

    Her role, her account and its locks stay as they are until it ends. Only a session that is ended alone, by herself
    elsewhere or by a command, is not held: its last change may be committed at the moment in which it ends.

    :raises NotSignedIn: if her session has ended meanwhile.
    :raises NotAllowed: if she has a lesser role meanwhile.
    """
    with state().database.transaction() as db:
        still_may(db)
        yield db


def still_may(db: Session) -> None:
    """Let a transaction go on, as the first thing in it, if whoever asks still may; see ``changing``."""
    seen = signed_in()
    lock_rights(db, seen.user_id, seen.role)
    _look_again(db, seen)


def may_still_go(db: Session) -> None:
    """Do the same for whoever erases herself: she needs the turn, which comes before any row, hers too."""
    take_turn(db)
    _look_again(db, signed_in())


def _look_again(db: Session, seen: Found) -> None:
    try:
        _compare(seen, find_session_within(db, seen.session_id))
    except (NotSignedIn, NotAllowed):
        forget_visit()
        raise


def _compare(seen: Found, now: Found | None) -> None:
    reason = None if now is None else ended(now.times, state().limits[now.role])
    if now is None or reason is not None:
        raise NotSignedIn(reason)
    if not now.role.includes(seen.role):
        raise NotAllowed(seen.role)
