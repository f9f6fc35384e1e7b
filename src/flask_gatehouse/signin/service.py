"""From a provider's assertion to a session: one transaction, used once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import cast

from sqlalchemy import Table, bindparam, delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..accounts.errors import AccountDeactivated, AccountHeld, AddressTaken, ConcurrentRegistration
from ..accounts.rules import Role
from ..accounts.service import (
    Profile,
    SignedInUser,
    find_approved_role,
    find_invited_role,
    register,
    remember_language,
    request_to_join,
    sign_in_known,
)
from ..audit import AuditEvent, record
from ..audit.service import together
from ..db.base import database_now, now_of
from ..db.database import Database
from ..kernel.context import Actor
from ..sessions.rules import EndReason, limits_of
from ..sessions.service import Begun, account_of, begin_session, end_session, renew_token
from ..settings import Settings
from .assertion import Assertion
from .attempt import MAX_AGE, Attempt, Purpose
from .errors import Reason, SignInRefused, TooManyRefusals
from .models import SpentAttempt
from .rules import confirmation_is_fresh, sign_up_refusal
from .slowing import Account, clear_account, count_and_record

# An attempt is remembered for longer than any copy of it can be valid, whatever the clocks say.
REMEMBER_SPENT = timedelta(seconds=3 * MAX_AGE)
# Built once, and of the table: each sign-in writes one row and needs no entity.
_SPEND = insert(cast("Table", SpentAttempt.__table__)).values(
    state_digest=bindparam("state_digest"), spent_at=database_now()
)
_REFUSED = {
    Purpose.SIGN_IN: AuditEvent.LOGIN_FAIL,
    Purpose.CONFIRM: AuditEvent.REAUTH_FAIL,
    Purpose.LINK: AuditEvent.IDENTITY_LINK_FAIL,
}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person who has come in, and her new session."""

    user: SignedInUser
    session: Begun


@dataclass(frozen=True, slots=True)
class Browser:
    """What the browser says that somebody signs in with.

    :param knows: whether this person, by her id and ``session_generation``, has signed in with it before.
    :param language: in which its pages are shown.
    """

    knows: Callable[[int, int], bool] = lambda user_id, generation: False
    language: str | None = None

    def is_new_to(self, user: SignedInUser) -> bool:
        """Return whether she signs in with it for the first time, having signed in with another one before."""
        first = user.is_new or user.previous_sign_in_at is None
        return not first and not self.knows(user.id, user.session_generation)


def complete(
    database: Database,
    settings: Settings,
    attempt: Attempt,
    assertion: Assertion,
    *,
    actor: Actor,
    replaces: str | None,
    browser: Browser | None = None,
) -> SignedIn:
    """Let a person in whom a provider has asserted, once for each attempt.

    :param attempt: what this browser began, which its cookie has proved.
    :param assertion: who she is, after every check of the protocol.
    :param actor: the anonymous caller: address and browser.
    :param replaces: the public id of the session that this browser had until now, which ends (fixation).
    :param browser: what it remembers of her; without it, it remembers nothing.
    :raises SignInRefused: if she may not come in, or the attempt has been used.
    :raises ConcurrentRegistration: if somebody else gets her account or her address at this very moment, twice.
    :raises DependencyUnavailable: if the database does not answer.
    """
    browser = browser or Browser()
    try:
        try:
            return _complete(database, settings, attempt, assertion, actor, replaces, browser)
        except ConcurrentRegistration:
            # Two tabs of a new person: the other one has made her account, so that she is found now.
            return _complete(database, settings, attempt, assertion, actor, replaces, browser)
    except SignInRefused as refusal:
        if refusal.reason is Reason.NOT_INVITED:
            declined_for = _put_into_the_queue(database, assertion.profile, actor)
            if declined_for is not None:
                days = ceil(declined_for / timedelta(days=1))
                raise SignInRefused(Reason.DECLINED, assertion.profile.provider, days=days) from refusal
        raise


def _complete(
    database: Database,
    settings: Settings,
    attempt: Attempt,
    assertion: Assertion,
    actor: Actor,
    replaces: str | None,
    browser: Browser,
) -> SignedIn:
    profile = assertion.profile
    with database.transaction() as db, together(db):
        spend(db, attempt)
        try:
            user = sign_in_known(db, profile, actor=actor) or _sign_up(db, settings, assertion, actor)
        except AccountDeactivated as error:
            raise SignInRefused(Reason.DEACTIVATED, profile.provider, user_id=error.user_id) from error
        except AccountHeld as error:
            raise SignInRefused(Reason.HELD, profile.provider, user_id=error.user_id) from error
        except AddressTaken as error:
            raise SignInRefused(Reason.ADDRESS_TAKEN, profile.provider, providers=error.providers) from error
        if replaces is not None:
            end_session(db, replaces, EndReason.REPLACED)
        person = replace(actor, user_id=user.id, kind="user")
        lifetime = limits_of(settings, user.role).absolute
        begun = begin_session(
            db,
            user_id=user.id,
            generation=user.session_generation,
            provider=profile.provider,
            issuer=profile.issuer,
            subject=profile.subject,
            provider_session_id=assertion.provider_session_id,
            previous_sign_in_at=user.previous_sign_in_at,
            lifetime=lifetime,
            actor=person,
            proved_at=assertion.authenticated_at,
            now=user.signed_in_at,
        )
        details = {"provider": profile.provider, "first": user.is_new, "new_device": browser.is_new_to(user)}
        if browser.language not in {None, user.language}:
            remember_language(db, user.id, browser.language)
        person = replace(person, session_id=begun.session_id)
        clear_account(db, settings, (profile.issuer, profile.subject))
        record(AuditEvent.LOGIN_SUCCESS, resource=("user", user.id), details=details, session=db, actor=person)
    return SignedIn(user, begun)


def confirm(
    database: Database, settings: Settings, attempt: Attempt, assertion: Assertion, *, actor: Actor, now: datetime
) -> Begun:
    """Confirm that the person in a session is still she, and give the session a new token.

    :param actor: the signed-in person.
    :param now: our clock, which a provider's ``auth_time`` is held against.
    :raises SignInRefused: if another account answered, or the session belongs to another browser.
    """
    profile = assertion.profile
    with database.transaction() as db:
        spend(db, attempt)
        session_id = actor.session_id
        if session_id is None or session_id != attempt.session_id:
            raise SignInRefused(Reason.STATE_UNKNOWN, profile.provider)
        # Another person's account at the same provider must not confirm for this one (GHSA-97r5-pg8x-p63p), nor one
        # that somebody has linked to hers from a browser that she left open.
        if account_of(db, session_id) != (profile.issuer, profile.subject):
            raise SignInRefused(Reason.OTHER_PERSON, profile.provider)
        if not confirmation_is_fresh(assertion.proved_at, now, settings.confirm_max_age):
            raise SignInRefused(Reason.TOO_OLD, profile.provider)
        renewed = renew_token(db, session_id, proved_at=assertion.proved_at, actor=actor)
        if renewed is None:
            raise SignInRefused(Reason.STATE_UNKNOWN, profile.provider)
        # How much this proves: a provider that names no time may have asked her nothing (ASVS 6.8.4).
        details = {"provider": profile.provider, "time_of_proof_known": assertion.authenticated_at is not None}
        record(AuditEvent.REAUTH_SUCCESS, resource=("session", session_id), details=details, session=db, actor=actor)
    return renewed


def record_refusal(
    database: Database,
    settings: Settings,
    refusal: SignInRefused,
    *,
    purpose: Purpose,
    actor: Actor,
    account: Account | None = None,
    in_session: bool = False,
) -> None:
    """Write a refused sign-in into the trail, in a transaction of its own: there is no change to go with it.

    :param purpose: what she was about to do.
    :param account: issuer and subject of whoever was refused, where a provider has vouched for them.
    :param in_session: whether her living session has asked for it, to confirm or to link. It is recorded always, and
        counted for nobody: the limit of requests bounds it.
    :raises TooManyRefusals: if it came when she, or her network, had to wait. Then it is counted and not recorded.
    """
    event = _REFUSED[purpose]
    if refusal.reason is Reason.STATE_REUSED:
        event = AuditEvent.TOKEN_REUSE
    with database.transaction() as db:
        # Whoever sits at somebody's open browser would otherwise have her network wait first, by refusals that are
        # nobody's, and then try confirmations and links of which no trace is left.
        counts = refusal.by_caller and not in_session
        wait = count_and_record(db, settings, account, actor) if counts else timedelta()
        if not wait:
            record(
                event,
                resource=None if refusal.user_id is None else ("user", refusal.user_id),
                details={"provider": refusal.provider},
                reason=refusal.reason,
                session=db,
                actor=actor,
            )
    if wait:
        raise TooManyRefusals(wait)


def forget_spent_attempts(db: Session) -> int:
    """Delete used attempts that can no longer be replayed; return how many."""
    limit = now_of(db) - REMEMBER_SPENT
    return len(
        db.scalars(delete(SpentAttempt).where(SpentAttempt.spent_at < limit).returning(SpentAttempt.spent_at)).all()
    )


def spend(db: Session, attempt: Attempt) -> None:
    """Use the attempt up. Of several requests with the same one, on any node, exactly one passes."""
    try:
        db.connection().execute(_SPEND, {"state_digest": attempt.state_digest})
    except IntegrityError as error:
        raise SignInRefused(Reason.STATE_REUSED, attempt.provider) from error


def _put_into_the_queue(database: Database, profile: Profile, actor: Actor) -> timedelta | None:
    """Let an administrator decide about somebody who was not invited; the refusal has undone all else.

    :returns: for how long she may not ask, because an administrator has declined.
    """
    try:
        with database.transaction() as db:
            return request_to_join(db, profile, actor=actor)
    except ConcurrentRegistration:
        # Her other tab has asked.
        return None


def _sign_up(db: Session, settings: Settings, assertion: Assertion, actor: Actor) -> SignedInUser:
    profile = assertion.profile
    invited = find_invited_role(db, profile.binding_address)
    approved = find_approved_role(db, profile)
    refusal = (
        None
        if invited or approved
        else sign_up_refusal(
            settings.signup, settings.allowed_domains, profile.binding_address, assertion.hosted_domain
        )
    )
    if refusal is not None:
        raise SignInRefused(refusal, profile.provider)
    return register(db, profile, approved or invited or Role(settings.default_role), actor=actor)
