"""Who may be believed about an address, and who may sign up. Pure."""

from datetime import datetime, timedelta
from typing import Any

from ..settings import ProviderKind, SignUp
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


def confirmation_is_fresh(authenticated_at: datetime | None, now: datetime, max_age: timedelta) -> bool:
    """Return whether a confirmation proves that she is there now.

    A provider that says when she proved herself (``auth_time``) is held to it. One that does not, such as Google
    for most projects, proves only that she has an open session there: ASVS 6.8.4 asks to say so, and we do.
    """
    return authenticated_at is None or authenticated_at >= now - max_age - CLOCK_SKEW
