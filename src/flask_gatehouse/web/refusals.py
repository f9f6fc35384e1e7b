"""What a person is told when a sign-in is refused: what happened, and what she can do next."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..signin.errors import Reason


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    title: str
    explanation: str
    advice: str


_AGAIN = "Start again from the sign-in page."
_STALE = Refusal(
    400,
    "That sign-in is no longer open",
    "The answer that came back does not belong to a sign-in that this browser has open.",
    f"This happens after the back button, or when cookies are blocked. {_AGAIN}",
)
_UNBELIEVABLE = Refusal(
    400,
    "We could not verify the answer",
    "The sign-in service answered, but its answer did not pass our checks. Nobody was signed in.",
    f"{_AGAIN} If it happens again, tell the people who run this site, with the code below.",
)

REFUSALS: dict[Reason, Refusal] = {
    Reason.STATE_MISSING: _STALE,
    Reason.STATE_UNKNOWN: _STALE,
    Reason.STATE_EXPIRED: Refusal(
        400, "That took a little too long", "A sign-in is open for ten minutes, and this one is older.", _AGAIN
    ),
    Reason.STATE_REUSED: Refusal(
        400,
        "This sign-in has been used",
        "Each answer signs in once, and this one already did.",
        "If you are signed in by now, simply go on. Otherwise start again from the sign-in page.",
    ),
    Reason.PROVIDER_DENIED: Refusal(
        403, "You did not sign in", "The sign-in was cancelled.", "That is fine. Sign in whenever you like."
    ),
    Reason.PROVIDER_ERROR: Refusal(
        400,
        "The sign-in service refused",
        "The sign-in service reported an error of its own.",
        f"{_AGAIN} If it happens again, tell the people who run this site, with the code below.",
    ),
    Reason.EMAIL_UNVERIFIED: Refusal(
        403,
        "Your address is not verified",
        "The service you signed in with has not verified your primary e-mail address.",
        "Verify the address there, then sign in again.",
    ),
    Reason.ADDRESS_TAKEN: Refusal(
        409,
        "This address already has an account",
        "Somebody with this e-mail address already signs in here in another way.",
        "Sign in the way you did the first time. We never join accounts because of an address alone: "
        "whoever gets hold of an address would get the account.",
    ),
    Reason.DOMAIN_NOT_ALLOWED: Refusal(
        403,
        "This account is from elsewhere",
        "Only accounts of certain organisations may come in here, and this one is not among them.",
        "Sign in with your work account, or ask for an invitation.",
    ),
    Reason.NOT_INVITED: Refusal(
        403,
        "You need an invitation",
        "Only people who were invited can come in here.",
        "The administrators see your request to join, and you can sign in as soon as one has approved it.",
    ),
    Reason.DEACTIVATED: Refusal(
        403,
        "Your account is deactivated",
        "An administrator has deactivated this account.",
        "Ask an administrator if you think that this is a mistake.",
    ),
    Reason.OTHER_PERSON: Refusal(
        403,
        "That was somebody else's account",
        "To confirm that it is you, sign in with the account that you use here.",
        "Nothing has changed. Go back and confirm with your own account.",
    ),
    Reason.TOO_OLD: Refusal(
        403,
        "That was not a fresh sign-in",
        "The sign-in service did not ask you again, so that it proves nothing about now.",
        "Sign out there, then confirm again.",
    ),
}


def refusal_answer(reason: Reason, facts: Mapping[str, object]) -> Refusal:
    """Return what to say about a reason; all failed checks of a provider's answer share one text."""
    found = REFUSALS.get(reason, _UNBELIEVABLE)
    providers = facts.get("providers")
    if reason is Reason.ADDRESS_TAKEN and isinstance(providers, tuple) and providers:
        names = " or ".join(str(name).title() for name in providers)
        return Refusal(found.status, found.title, found.explanation, f"Sign in with {names}. {found.advice}")
    return found
