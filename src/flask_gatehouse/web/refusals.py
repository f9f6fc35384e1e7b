"""What a person is told when a sign-in is refused: what happened, and what she can do next."""

from collections.abc import Mapping

from ..signin.errors import Reason
from .labels import label_of
from .language import marked as _, plural, text
from .statuses import Answer, said

_AGAIN = _("Start again from the sign-in page.")
_STALE = Answer(
    400,
    _("That sign-in is no longer open"),
    _("The answer that came back does not belong to a sign-in that this browser has open."),
    _("This happens after the back button, or when cookies are blocked. Start again from the sign-in page."),
)
_UNBELIEVABLE = Answer(
    400,
    _("We could not verify the answer"),
    _("The sign-in service answered, but its answer did not pass our checks. Nobody was signed in."),
    _(
        "Start again from the sign-in page. "
        "If it happens again, tell the people who run this site, with the code below."
    ),
)

REFUSALS: dict[Reason, Answer] = {
    Reason.STATE_MISSING: _STALE,
    Reason.STATE_UNKNOWN: _STALE,
    Reason.STATE_EXPIRED: Answer(
        400, _("That took a little too long"), _("A sign-in is open for ten minutes, and this one is older."), _AGAIN
    ),
    Reason.STATE_REUSED: Answer(
        400,
        _("This sign-in has been used"),
        _("Each answer signs in once, and this one already did."),
        _("If you are signed in by now, simply go on. Otherwise start again from the sign-in page."),
    ),
    Reason.PROVIDER_DENIED: Answer(
        403, _("You did not sign in"), _("The sign-in was cancelled."), _("That is fine. Sign in whenever you like.")
    ),
    Reason.PROVIDER_ERROR: Answer(
        400,
        _("The sign-in service refused"),
        _("The sign-in service reported an error of its own."),
        _(
            "Start again from the sign-in page. "
            "If it happens again, tell the people who run this site, with the code below."
        ),
    ),
    Reason.EMAIL_UNVERIFIED: Answer(
        403,
        _("Your address is not verified"),
        _("The service you signed in with has not verified your primary e-mail address."),
        _("Verify the address there, then sign in again."),
    ),
    Reason.ADDRESS_TAKEN: Answer(
        409,
        _("This address already has an account"),
        _("Somebody with this e-mail address already signs in here in another way."),
        _(
            "Sign in the way you did the first time. We never join accounts because of an address alone: "
            "whoever gets hold of an address would get the account."
        ),
    ),
    Reason.DOMAIN_NOT_ALLOWED: Answer(
        403,
        _("This account is from elsewhere"),
        _("Only accounts of certain organisations may come in here, and this one is not among them."),
        _("Sign in with your work account, or ask for an invitation."),
    ),
    Reason.NOT_INVITED: Answer(
        403,
        _("You need an invitation"),
        _("Only people who were invited can come in here."),
        _("The administrators see your request to join, and you can sign in as soon as one has approved it."),
    ),
    Reason.DECLINED: Answer(
        403,
        _("Your request to join was declined"),
        _("An administrator has looked at it, and did not let you in."),
        _("If you think that this is a mistake, ask somebody here to invite you: an invitation counts at once."),
    ),
    Reason.DEACTIVATED: Answer(
        403,
        _("Your account is deactivated"),
        _("An administrator has deactivated this account."),
        _("Ask an administrator if you think that this is a mistake."),
    ),
    Reason.HELD: Answer(
        403,
        _("Your account is locked"),
        _("Somebody said, with the link of an e-mail, that it was not you who signed in with this account."),
        _("Ask an administrator to look at it with you, and to let you in again."),
    ),
    Reason.OTHER_PERSON: Answer(
        403,
        _("That was somebody else's account"),
        _("To confirm that it is you, sign in with the account that you use here."),
        _("Nothing has changed. Go back and confirm with your own account."),
    ),
    Reason.IDENTITY_TAKEN: Answer(
        409,
        _("This account belongs to somebody else here"),
        _("Somebody signs in here with it already, so it cannot open your account as well."),
        _("Nothing has changed. If both accounts are yours, ask an administrator which one shall stay."),
    ),
    Reason.LINKED_ADDRESS_TAKEN: Answer(
        409,
        _("Its address belongs to somebody else here"),
        _("Somebody has the e-mail address of this account here already, so it cannot open yours."),
        _("Nothing has changed. If both accounts are yours, ask an administrator which one shall stay."),
    ),
    Reason.TOO_OLD: Answer(
        403,
        _("That was not a fresh sign-in"),
        _("The sign-in service did not ask you again, so that it proves nothing about now."),
        _("Sign out there, then confirm again."),
    ),
}


def refusal_answer(reason: Reason, facts: Mapping[str, object]) -> Answer:
    """Return what to say about a reason; all failed checks of a provider's answer share one text."""
    found = REFUSALS.get(reason, _UNBELIEVABLE)
    providers, advice = facts.get("providers"), text(found.advice)
    if reason is Reason.ADDRESS_TAKEN and isinstance(providers, tuple) and providers:
        names = text(" or ").join(label_of(str(name)) for name in providers)
        way = text("Sign in with %(providers)s.", providers=names)
        advice = f"{way} {advice}"
    days = facts.get("days")
    if reason is Reason.DECLINED and isinstance(days, int):
        when = plural("You can ask again in one day.", "You can ask again in %(count)s days.", days)
        advice = f"{when} {advice}"
    return said(found, advice, template="gatehouse/auth/refused.html", facts={"reason": reason})
