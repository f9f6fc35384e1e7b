"""Who may be believed about an address, who may sign up, and who has to wait. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..sessions.rules import is_confirmed
from ..settings import ProviderKind, Rate, SignUp
from .errors import Reason

# Between our clock and a provider's, in either direction.
CLOCK_SKEW = timedelta(seconds=60)


def domain_of(address: str | None) -> str | None:
    """Return the part after the last ``@``, in lower case; None if there is none."""
    local, at, domain = (address or "").rpartition("@")
    return domain.lower() if at and local and domain else None


def address_is_authoritative(
    kind: ProviderKind,
    email: str | None,
    email_verified: Any,
    hosted_domain: str | None,
    believed_domains: frozenset[str],
) -> bool:
    """Return whether a provider's word about an address may bind an account.

    ``email_verified`` must be JSON ``true``; the string ``"true"`` has been used to sign in as somebody else.
    Google owns the addresses at gmail.com and at its Workspace customers (``hd``); of any other address it
    only says that it was right when the Google account was made. GitHub's primary address is verified by mail.
    Any other provider is believed about the domains that the operator named, ``*`` for all. An address outside
    of ASCII binds nothing: letters that look or fold alike (a Kelvin sign is a ``k`` in lower case) have been
    used to receive what was meant for somebody else.

    :param email_verified: the claim exactly as it came.
    """
    domain = domain_of(email)
    if domain is None or email is None or not email.isascii() or email_verified is not True:
        return False
    if kind is ProviderKind.GOOGLE:
        return domain == "gmail.com" or bool(hosted_domain)
    if kind is ProviderKind.GITHUB:
        return True
    return "*" in believed_domains or domain in believed_domains


def sign_up_refusal(
    policy: SignUp, allowed_domains: frozenset[str], binding_address: str | None, hosted_domain: str | None
) -> Reason | None:
    """Return why a person whom nobody invited may not become a user, or None if she may."""
    if policy is SignUp.INVITED:
        return Reason.NOT_INVITED
    if policy is SignUp.DOMAINS:
        domains = {domain_of(binding_address), (hosted_domain or "").lower()}
        return None if domains & allowed_domains else Reason.DOMAIN_NOT_ALLOWED
    return None


def confirmation_is_fresh(proved_at: datetime | None, now: datetime, max_age: timedelta) -> bool:
    """Return whether a confirmation proves that she is there now, by the rule that what she wanted is held to then.

    A provider that says when she proved herself (``auth_time``) is held to it. One that does not, such as Google
    for most projects, proves only that she has an open session there: ASVS 6.8.4 asks to say so, and we do.

    :param proved_at: see ``assertion.Assertion``.
    """
    return proved_at is None or is_confirmed(proved_at, now, max_age)


# The first wait is shorter than it takes to find out why one was refused; the longest is one that a person waits out.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Tally:
    """The refused sign-ins of one account, or from one network, that have not been forgotten.

    :param since: when the first of them was.
    :param waits: how often they have been slowed down.
    :param wait_until: when the last wait ends, or ended.
    """

    count: int = 0
    since: datetime | None = None
    waits: int = 0
    wait_until: datetime | None = None

    def left(self, now: datetime) -> timedelta:
        """Return how long it has to wait; zero if it need not."""
        return max((self.wait_until or now) - now, timedelta())

    def forget_at(self, rate: Rate) -> datetime | None:
        """Return when there is nothing left to remember, unless there is another refusal."""
        last = max((moment for moment in (self.since, self.wait_until) if moment), default=None)
        return None if last is None else last + rate.within


def count_refusal(tally: Tally, now: datetime, rate: Rate) -> Tally:
    """Return a tally with one refusal more.

    Beyond the rate each refusal brings a wait, twice as long as the one before. What comes during a wait makes it no
    longer, so that nobody can keep somebody else waiting by not stopping.
    """
    forget_at = tally.forget_at(rate)
    if forget_at is None or now >= forget_at:
        tally = Tally(since=now)
    tally = replace(tally, count=min(tally.count + 1, _MOST))
    if tally.left(now) or tally.count < rate.times:
        return tally
    return replace(tally, waits=tally.waits + 1, wait_until=now + _wait(tally.waits))


# More than the column holds, or than anybody needs to know.
_MOST = 10**9


def _wait(waits: int) -> timedelta:
    """Return the wait after so many."""
    # Beyond the longest there is nothing to double.
    return min(FIRST_WAIT * (1 << min(waits, 16)), LONGEST_WAIT)
