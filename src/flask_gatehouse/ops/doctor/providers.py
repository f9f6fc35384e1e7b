"""The identity providers: what they publish, whether they know us, and what to paste into their consoles."""

import base64
import binascii
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import parse_qs, urlsplit

from ...kernel.clock import utc_now
from ...settings import ProviderKind, ProviderSettings
from ...signin import strict_json
from ...signin.attempt import Purpose, begin_attempt
from ...signin.call import Answer
from ...signin.code_flow import authorization_url, token_request
from ...signin.discovery import Metadata, read_metadata
from ...signin.errors import ProviderUnavailable
from ...signin.http import ANSWER_LIMIT, DOCUMENT_LIMIT, ProviderHttp
from ...signin.rules import CLOCK_SKEW
from .finding import Check, Finding, Item, failed, ok, unknown, warning
from .site import made_up
from .subject import Subject

# What a page of a provider may have; none of it is believed.
_PAGE_LIMIT = 2 * 1024 * 1024
# How providers say that an address is not in their console.
_MISMATCH = re.compile(
    r"redirect.{0,3}ur[il].{0,80}(mismatch|match|invalid|registered)|invalid_redirect", re.IGNORECASE | re.DOTALL
)
# Of the errors of RFC 6749 section 5.2 and GitHub's own: our secret is refused, or it is right and the code is not.
_REFUSED = {"invalid_client", "unauthorized_client", "incorrect_client_credentials"}
_KNOWN = {"invalid_grant", "bad_verification_code"}


def configured(subject: Subject) -> Finding:
    names = [one.label for one in subject.settings.providers]
    if names:
        return ok(f"Whoever signs in can choose: {', '.join(names)}.")
    if subject.settings.development:
        return warning("There is the embedded provider alone.", "Configure one before others use this.")
    return failed("There is no provider: nobody can sign in.", "Set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.")


def discovery(provider: ProviderSettings, subject: Subject) -> Finding:
    """Fetch what the provider publishes, and see whether it is this issuer's."""
    try:
        answer = _published(provider, subject)
    except ProviderUnavailable:
        return failed(
            f"{_host(provider.issuer)} does not answer, or no authority that is believed vouches for it.",
            "Look whether this machine may reach it; for an authority of your own set SSL_CERT_FILE.",
        )
    if provider.kind is ProviderKind.GITHUB:
        return ok(f"{_host(subject.settings.github_api_url)} answered {answer.status}.")
    try:
        metadata = read_metadata(provider.issuer, answer.json())
    except ValueError as error:
        return failed(
            f"{provider.issuer} was asked for its discovery document, and {error}.",
            f"Set the issuer of {provider.name} exactly as the provider writes it, to the last slash.",
        )
    return ok(f"{provider.issuer} publishes itself; it signs with {', '.join(sorted(metadata.algorithms))}.")


def clock(provider: ProviderSettings, subject: Subject) -> Finding:
    """Compare this machine's clock with the provider's, by the header ``Date`` (RFC 9110 section 6.6.1)."""
    said = _published(provider, subject).header("Date")
    if not said:
        return unknown(f"{_host(provider.issuer)} does not say what time it is.")
    skew = (utc_now() - parsedate_to_datetime(said)).total_seconds()
    words = f"This machine is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} {_host(provider.issuer)}"
    if abs(skew) > CLOCK_SKEW.total_seconds():
        return failed(f"{words}: its ID tokens are refused.", "Let a time service set the clock (NTP).")
    return ok(f"{words}.")


def redirect_uri(provider: ProviderSettings, subject: Subject) -> Finding:
    """Begin a sign-in with our redirect URI, and one with a URI that nobody has registered, and compare."""
    ours = subject.settings.external_url(f"/auth/authorize/{provider.name}")
    paste = f"Paste exactly this into the console of {provider.label}: {ours}"
    answer, control = (_begun(provider, subject, uri) for uri in (ours, f"{ours}-{made_up()}"))
    if fault := _fault_of(answer, ours):
        if _MISMATCH.search(fault):
            return failed(f"redirect_uri_mismatch: {provider.label} does not know {ours}.", paste)
        return failed(f"{provider.label} refused to begin a sign-in ({answer.status}).", f"{paste}, and the client id.")
    if not _fault_of(control, ours):
        return unknown(f"{provider.label} looks at the redirect URI only once somebody has signed in.", paste)
    return ok(f"{provider.label} began a sign-in for {ours}, and refused one for a made-up address.")


def client(provider: ProviderSettings, subject: Subject) -> Finding:
    """Try to exchange a made-up code: whether our secret is right is told before the code is looked at."""
    answer = _exchanged(provider, subject)
    try:
        document = strict_json.loads(answer.body)
    except ValueError:
        document = None
    error = document.get("error") if isinstance(document, dict) else None
    if error in _REFUSED or (error is None and answer.status == 401):
        return failed(
            f"{provider.label} does not accept the client's id and secret ({error or 401}).",
            f"Copy both from the console of {provider.label} once more.",
        )
    if error in _KNOWN:
        return ok(f"{provider.label} accepted the client's secret, and refused a made-up code ({error}).")
    return unknown(f"{provider.label} answered a made-up code with {answer.status}.")


def _http(provider: ProviderSettings) -> ProviderHttp:
    return ProviderHttp(provider.name, provider.issuer)


def _published(provider: ProviderSettings, subject: Subject) -> Answer:
    if provider.kind is ProviderKind.GITHUB:
        return _http(provider).get(subject.settings.github_api_url, limit=_PAGE_LIMIT)
    url = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
    return _http(provider).get(url, limit=DOCUMENT_LIMIT)


def _metadata(provider: ProviderSettings, subject: Subject) -> Metadata | None:
    if provider.kind is ProviderKind.GITHUB:
        return None
    try:
        return read_metadata(provider.issuer, _published(provider, subject).json())
    except ValueError as error:
        raise ProviderUnavailable(provider.name) from error


def _begun(provider: ProviderSettings, subject: Subject, uri: str) -> Answer:
    metadata = _metadata(provider, subject)
    endpoint = metadata.authorization_endpoint if metadata else f"{provider.issuer.rstrip('/')}/login/oauth/authorize"
    attempt = begin_attempt(provider.name, next=None, purpose=Purpose.SIGN_IN, session_id=None)
    url = authorization_url(provider, endpoint, attempt, uri, nonce=attempt.nonce)
    return _http(provider).get(url, limit=_PAGE_LIMIT, headers={"Accept": "text/html"})


def _fault_of(answer: Answer, ours: str) -> str:
    """Return what a provider says against beginning a sign-in; empty if it began one."""
    location = answer.header("Location")
    query = parse_qs(urlsplit(location).query)
    if answer.status >= 400:
        return answer.body.decode("utf-8", "replace") or str(answer.status)
    if location.startswith(ours) and "error" in query:
        return query["error"][0]
    # Google leads to a page of its own, which is told what is wrong in this form.
    for said in query.get("authError", ()):
        try:
            return base64.urlsafe_b64decode(f"{said}==").decode("utf-8", "replace")
        except binascii.Error:
            return said
    return ""


def _exchanged(provider: ProviderSettings, subject: Subject) -> Answer:
    metadata = _metadata(provider, subject)
    endpoint = metadata.token_endpoint if metadata else f"{provider.issuer.rstrip('/')}/login/oauth/access_token"
    method = metadata.token_auth_method if metadata else "client_secret_post"
    uri = subject.settings.external_url(f"/auth/authorize/{provider.name}")
    form, headers = token_request(provider, method, made_up(), made_up() * 2, uri)
    return _http(provider).post(endpoint, form, headers, limit=ANSWER_LIMIT)


def _host(url: str) -> str:
    return urlsplit(url).netloc


CHECKS = (Check("providers", "Somebody can sign in", Item.REDIRECT_URI, configured),)
_OF_EACH = (
    ("discovery", "The provider answers and is who it says", Item.REDIRECT_URI, discovery),
    ("clock", "This machine and the provider agree about the time", Item.PERSISTENCE, clock),
    ("redirect_uri", "The provider knows our redirect URI", Item.MISMATCH, redirect_uri),
    ("client", "The provider accepts our client secret", Item.CREDENTIALS, client),
)


def checks_of(provider: ProviderSettings) -> Iterator[Check]:
    """Yield the checks of one provider."""
    for name, title, item, look in _OF_EACH:
        yield Check(name, title, item, partial(look, provider), about=provider.name)
