"""Linking another account at a provider to the person of a session, and unlinking one."""

from sqlalchemy.orm import Session

from ..accounts.errors import AddressTaken, IdentityNotFound, IdentityTaken
from ..accounts.linking import find_identity, link_identity, unlink_identity
from ..db.database import Database
from ..kernel.context import Actor
from ..sessions.service import account_of, end_other_sessions, end_sessions_of_account
from .assertion import Assertion
from .attempt import Attempt
from .errors import IdentityInUse, Reason, SignInRefused
from .service import spend


def link(database: Database, attempt: Attempt, assertion: Assertion, *, actor: Actor) -> bool:
    """Link the account that a provider has asserted to the person who began this; return whether that is new.

    All her other sessions end: whoever had come in before she did would otherwise stay (pre-hijacking, Sudhodanan and
    Paverd, USENIX Security 2022).

    :param actor: the signed-in person.
    :raises SignInRefused: if the attempt was used or belongs to another session, or the account to somebody else.
    """
    provider = assertion.profile.provider
    with database.transaction() as db:
        spend(db, attempt)
        user_id, session_id = actor.user_id, actor.session_id
        # Without it, an answer that somebody has begun elsewhere would link his account to hers.
        if user_id is None or session_id is None or session_id != attempt.session_id:
            raise SignInRefused(Reason.STATE_UNKNOWN, provider)
        try:
            is_new = link_identity(db, user_id, assertion.profile, actor=actor)
        except IdentityTaken as error:
            raise SignInRefused(Reason.IDENTITY_TAKEN, provider) from error
        except AddressTaken as error:
            raise SignInRefused(Reason.LINKED_ADDRESS_TAKEN, provider) from error
        if end_other_sessions(db, user_id, keep=session_id) is None:
            raise SignInRefused(Reason.STATE_UNKNOWN, provider)
    return is_new


def unlink(db: Session, identity_id: int, *, actor: Actor) -> None:
    """Unlink one of a person's accounts, and end the sessions that were begun with it.

    :param actor: the signed-in person.
    :raises IdentityInUse: if this very session was begun with it: she could not confirm anything any more.
    :raises IdentityNotFound: if it is none of hers.
    :raises LastIdentity: if it is her only one.
    """
    user_id, session_id = actor.user_id, actor.session_id
    if user_id is None or session_id is None:
        raise IdentityNotFound
    account = find_identity(db, user_id, identity_id)
    if account is not None and account == account_of(db, session_id):
        raise IdentityInUse
    end_sessions_of_account(db, user_id, *unlink_identity(db, user_id, identity_id, actor=actor), actor=actor)
