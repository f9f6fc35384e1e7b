"""The one table from failures to answers: what each says, to a person and to a program."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Any

from ..accounts.errors import (
    AccountDeactivated,
    AccountHeld,
    AddressTaken,
    AlreadyAdministrator,
    AlreadyAUser,
    AlreadyInvited,
    AlreadySo,
    ConcurrentRegistration,
    EditConflict,
    IdentityNotFound,
    IdentityTaken,
    InvalidField,
    InvalidQuery,
    InvitationNotFound,
    JoinRequestChanged,
    JoinRequestNotFound,
    LastAdministrator,
    LastIdentity,
    NotOnYourself,
    ReviewUnfinished,
    RoleNotYours,
    UserNotFound,
)
from ..alerts.errors import LetterRefused, LinkNotUsable
from ..audit.errors import (
    CutNotAllowed,
    InconsistentTree,
    InvalidNote,
    MalformedKey,
    NothingSealed,
    UnprovableEvent,
    UnusableKeyFile,
)
from ..db.database import SchemaMissing
from ..kernel.errors import DependencyUnavailable, GatehouseError
from ..limiting import TooManyRequests
from ..ops.backups.errors import BackupRefused
from ..privacy.errors import DamagedLedger, NothingHeld, UnreadableLedger
from ..settings import ConfigurationError
from ..signin.errors import IdentityInUse, ProviderUnavailable, SignInRefused, TooManyRefusals, UnknownProvider
from .denials import (
    ConfirmationRequired,
    CrossSiteRequest,
    HttpsRequired,
    NotAllowed,
    NotFound,
    NotSignedIn,
    NotYourself,
    ObjectNotAllowed,
    OnlyAPage,
    ProviderGone,
)
from .fields import in_words, unknown_in_words
from .labels import role_in_words
from .language import marked as _, text
from .moments import length_of_time
from .refusals import refusal_answer
from .statuses import HTTP_ANSWERS, Answer, said


def _always(answer: Answer) -> Callable[[GatehouseError], Answer]:
    return lambda error: said(answer)


def _away(answer: Answer) -> Callable[[DependencyUnavailable], Answer]:
    """Return what makes the answer for something that does not answer us.

    :param answer: whose advice says when to try again, as ``%(seconds)s``.
    """
    return lambda error: said(answer, text(answer.advice, seconds=error.retry_after), retry_after=error.retry_after)


def _slowed_down(error: TooManyRefusals) -> Answer:
    advice = text(
        "Try again in %(wait)s. It is never more than a quarter of an hour, and nobody is signed out by it.",
        wait=length_of_time(error.wait),
    )
    explanation = _("Too many sign-ins were refused lately.")
    slower = replace(HTTP_ANSWERS[429], explanation=explanation)
    return said(slower, advice, retry_after=ceil(error.wait.total_seconds()))


def _too_many(error: TooManyRequests) -> Answer:
    advice = text("Try again in %(wait)s.", wait=length_of_time(timedelta(seconds=error.retry_after)))
    return said(HTTP_ANSWERS[429], advice, retry_after=error.retry_after)


def _invalid(error: InvalidField) -> Answer:
    return _with_reasons(said(HTTP_ANSWERS[422]), error)


def _bad_query(error: InvalidQuery) -> Answer:
    return _with_reasons(said(_BAD_QUERY), error)


def _decided_meanwhile(error: JoinRequestChanged) -> Answer:
    role = error.current.approved_role
    if role is None:
        told = text("Somebody has declined this request to join meanwhile.")
        return replace(said(HTTP_ANSWERS[409], text("An invitation lets this person in at once.")), explanation=told)
    told = text("Somebody has approved this request to join meanwhile, as %(role)s.", role=role_in_words(role))
    advice = text("Withdraw the approval, then decide anew.")
    return replace(said(HTTP_ANSWERS[409], advice), explanation=told)


def _with_reasons(answer: Answer, error: InvalidField) -> Answer:
    """Return an answer with what is wrong, field by field."""
    words, unknown = in_words(error.fields), unknown_in_words(error.fields)
    others = [name for name, problem in error.fields.items() if not unknown_in_words({name: problem})]
    reasons = " ".join(f"{name}: {words[name]}" for name in others)
    return replace(answer, explanation=unknown or answer.explanation, fields=words, reasons=reasons)


_BAD_QUERY = replace(
    HTTP_ANSWERS[422],
    explanation=_("This list does not know what was asked for."),
    advice=_("Go back, and use the page."),
)
_CONFLICT = _always(HTTP_ANSWERS[409])
_FORBIDDEN = _always(HTTP_ANSWERS[403])
_NOT_FOUND = _always(HTTP_ANSWERS[404])
_NOT_ON_YOURSELF = _always(
    Answer(
        403, _("Not on yourself"), _("Nobody deactivates or deletes themselves here."), _("Ask another administrator.")
    )
)
_MISCONFIGURED = _always(Answer(500, _("Not set up yet"), _("The configuration of this application is incomplete.")))

# Every expected failure of every room; a test holds it complete. The nearest ancestor of a class counts. What makes an
# answer takes that class, which no type of a mapping can say.
ANSWERS: dict[type[GatehouseError], Callable[[Any], Answer]] = {
    NotSignedIn: _always(Answer(401, _("Please sign in"), _("This is for people who are signed in."))),
    NotAllowed: _always(
        Answer(403, _("Not allowed"), _("Your role does not include this."), _("Ask an administrator if you need it."))
    ),
    ObjectNotAllowed: _always(
        Answer(403, _("Not allowed"), _("You may not do this here."), _("Reload the page and look again."))
    ),
    CrossSiteRequest: _always(
        Answer(
            400,
            _("Please reload the page"),
            _("This page is too old, or the request came from elsewhere."),
            _("Go back to the page, reload it, then try again."),
        )
    ),
    ConfirmationRequired: _always(
        Answer(
            403,
            _("Is it you?"),
            _("This needs a fresh confirmation."),
            _("Nothing has been changed."),
            problem_type="confirmation-required",
        )
    ),
    ProviderGone: _always(
        Answer(
            403,
            _("You cannot confirm that it is you"),
            _("The service that you signed in with is no longer offered here."),
            _("Sign out, and sign in with another account."),
        )
    ),
    HttpsRequired: _always(
        Answer(
            403,
            _("Only by https"),
            _("This was sent without encryption, so that others may have read it. Nothing was done."),
            _("Use the address that begins with https://."),
            problem_type="https-required",
        )
    ),
    NotFound: _NOT_FOUND,
    OnlyAPage: _always(
        Answer(406, _("Only for people"), _("There is a page at this address, and nothing for programs."))
    ),
    UserNotFound: _always(
        Answer(
            404,
            _("Nobody here"),
            _("There is no such account, or it was deleted meanwhile."),
            _("Reload the list and look again."),
        )
    ),
    UnknownProvider: _NOT_FOUND,
    SignInRefused: lambda error: refusal_answer(error.reason, error.facts),
    TooManyRefusals: _slowed_down,
    AddressTaken: _CONFLICT,
    AlreadyAdministrator: _CONFLICT,
    AlreadyAUser: _CONFLICT,
    AlreadyInvited: _CONFLICT,
    AlreadySo: _CONFLICT,
    ConcurrentRegistration: _CONFLICT,
    EditConflict: _CONFLICT,
    LastAdministrator: _always(
        Answer(
            409,
            _("The last administrator stays"),
            _("Without this person nobody would be left who lets people in."),
            _("Make somebody else an administrator first."),
        )
    ),
    ReviewUnfinished: _always(
        Answer(
            409,
            _("The review is not complete"),
            _("Somebody still waits for a decision."),
            _("Decide about everybody on both lists, then complete it."),
        )
    ),
    NotOnYourself: _NOT_ON_YOURSELF,
    NotYourself: _NOT_ON_YOURSELF,
    RoleNotYours: _always(
        Answer(
            403,
            _("Not allowed"),
            _("Only administrators change roles."),
            _("Ask an administrator if you need another one."),
        )
    ),
    InvalidField: _invalid,
    InvalidQuery: _bad_query,
    InvitationNotFound: _NOT_FOUND,
    IdentityNotFound: _NOT_FOUND,
    IdentityTaken: _CONFLICT,
    LastIdentity: _always(
        Answer(
            409,
            _("Your only way to sign in"),
            _("Without this account you would never come in again."),
            _("Link another one first."),
        )
    ),
    IdentityInUse: _always(
        Answer(
            409,
            _("You are signed in with it"),
            _("This session was begun with that very account."),
            _("Sign in with another of your accounts, then unlink it."),
        )
    ),
    JoinRequestChanged: _decided_meanwhile,
    JoinRequestNotFound: _NOT_FOUND,
    NothingHeld: _NOT_FOUND,
    DamagedLedger: _MISCONFIGURED,
    UnreadableLedger: _MISCONFIGURED,
    # A sign-in tells of these as what it is refused for.
    AccountHeld: _FORBIDDEN,
    AccountDeactivated: _FORBIDDEN,
    ProviderUnavailable: _away(
        Answer(
            503,
            _("The sign-in service does not answer"),
            _("The service that you sign in with does not answer right now. Nothing is wrong with your account."),
            _("Try again in %(seconds)s seconds, or choose another way to sign in."),
        )
    ),
    TooManyRequests: _too_many,
    DependencyUnavailable: _away(
        replace(HTTP_ANSWERS[503], advice=_("Nobody is signed out by that. Try again in %(seconds)s seconds."))
    ),
    SchemaMissing: _always(
        Answer(
            503,
            _("Not set up yet"),
            _("This application is being set up or updated."),
            _("Try again later."),
            retry_after=30,
        )
    ),
    ConfigurationError: _MISCONFIGURED,
    LetterRefused: _MISCONFIGURED,
    LinkNotUsable: _always(
        Answer(
            404,
            _("This link cannot be used"),
            _("It is too old, or not whole: some programs for mail break long links."),
            _(
                "Copy the whole link from the e-mail. "
                "If you think that somebody else uses your account, tell an administrator."
            ),
        )
    ),
    # Commands and the worker meet these; a page that does has a key or a folder of checkpoints that is none.
    InconsistentTree: _MISCONFIGURED,
    InvalidNote: _MISCONFIGURED,
    MalformedKey: _MISCONFIGURED,
    UnusableKeyFile: _MISCONFIGURED,
    CutNotAllowed: _MISCONFIGURED,
    NothingSealed: _always(
        Answer(
            503,
            _("Nothing to export yet"),
            _("No event has been given its place in the trail yet, so that nothing could be proven."),
            _("Try again in a moment. If this stays, the worker is not running."),
            retry_after=5,
        )
    ),
    UnprovableEvent: _always(
        Answer(
            500,
            _("The trail cannot be proven"),
            _("A part of the audit trail is gone that an export needs to prove itself."),
            _("Ask whoever operates this application to verify the trail."),
        )
    ),
    BackupRefused: _MISCONFIGURED,
}
