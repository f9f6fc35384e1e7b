"""How a sign-in begins at a deployment: cookies as they are really sent, redirect URI, key."""

import re
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from ...signin.attempt import AttemptSigner
from ...signin.errors import Reason, SignInRefused
from .finding import Check, Finding, Item, failed, ok, unknown
from .site import Reply, made_up
from .subject import Subject

_ATTEMPT = re.compile(r"-attempt-[0-9a-f]{12}$")
# Flask-WTF's own words, which somebody searches for who meets them.
_TOKEN_MISSING = "The CSRF token is missing"  # noqa: S105 - an error message


def cookies(subject: Subject) -> Finding:
    """Begin a sign-in, and look at the cookie that comes with it."""
    begun = _begun(subject)
    if isinstance(begun, Finding):
        return begun
    lines = begun.all("Set-Cookie")
    if not lines:
        return failed("A sign-in began without a cookie: the proxy keeps it back.", "Let the proxy pass Set-Cookie on.")
    for line in lines:
        name, _, rest = line.partition("=")
        flags = {part.strip().lower() for part in rest.split(";")[1:]}
        missing = [flag for flag in ("secure", "httponly", "path=/") if flag not in flags]
        if not flags & {"samesite=lax", "samesite=strict"}:
            missing.append("samesite=lax")
        if any(flag.startswith("domain") for flag in flags) or not name.startswith("__Host-"):
            missing.append("the name __Host-…, without a domain")
        if missing:
            return failed(
                f"The cookie {name} came without: {', '.join(missing)}.",
                "Serve it as https, set GATEHOUSE_BASE_URL to that, and let the proxy leave cookies as they are.",
            )
    return ok(f"{len(lines)} cookies came with a sign-in: __Host-, Secure, HttpOnly, SameSite, Path=/, no domain.")


def redirect_uri(subject: Subject) -> Finding:
    """Begin a sign-in, and compare the address that the provider is told to come back to."""
    begun = _begun(subject)
    if isinstance(begun, Finding):
        return begun
    ours = subject.settings.external_url(f"/auth/authorize/{first_provider(subject)}")
    said = begun.parameter("redirect_uri")
    if said != ours:
        return failed(
            f"The deployment sends the redirect URI {said}, and this configuration says {ours}"
            " (redirect_uri_mismatch).",
            "Start the deployment with the same GATEHOUSE_BASE_URL and prefix, and register that address.",
        )
    base = urlsplit(subject.settings.base_url).netloc
    if urlsplit(subject.live.url).netloc != base:
        return failed(
            f"People come back to {base}, where the cookie that {subject.live.url} gave them is not sent.",
            "Set GATEHOUSE_BASE_URL to the address that people type.",
        )
    return ok(f"The deployment sends the redirect URI {said}, as configured.")


def key(subject: Subject) -> Finding:
    """See whether what the deployment has signed is signed with the key of this configuration."""
    begun = _begun(subject)
    if isinstance(begun, Finding):
        return begun
    value, state = _attempt_cookie(begun), begun.parameter("state") or ""
    if value is None:
        return unknown("A sign-in began without a cookie of ours.")
    try:
        AttemptSigner(subject.signing_keys).open(value, state, first_provider(subject))
    except SignInRefused as refusal:
        if refusal.reason is Reason.STATE_EXPIRED:
            return failed("What it signed just now is ten minutes old: the clocks disagree.", "Set the clocks (NTP).")
        return failed(
            "The deployment signs with another SECRET_KEY than this configuration holds: sessions do not persist"
            " where nodes, or the starts of one, have keys of their own.",
            "Give every node the same SECRET_KEY, in its environment, and do not make one at start.",
        )
    return ok("A sign-in that the deployment has signed was opened with the SECRET_KEY of this configuration.")


def fixation(subject: Subject) -> Finding:
    """Come with a session that we have made up: nobody may be signed in by it, and none may be kept."""
    site, planted = subject.live, made_up() * 2
    sent = {"Cookie": f"{subject.session_cookie}={planted}"}
    entered = site.ask("/account", sent)
    if entered.status == 200:
        return failed("A made-up session was let in.", "This is a fault: tell us.")
    kept = [line for answer in (entered, site.ask("/auth/login", sent)) for line in answer.all("Set-Cookie")]
    if any(planted in line for line in kept):
        return failed("A session that a stranger made up was kept: she could plant hers.", "This is a fault: tell us.")
    return ok(f"A made-up session was refused ({entered.status}) and not kept.")


def foreign_change(subject: Subject) -> Finding:
    """Post from another site: nothing may come of it."""
    origin = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    answer = subject.live.ask("/auth/logout", origin, method="POST")
    if _TOKEN_MISSING in answer.body:
        return failed(
            f'The application answers "{answer.status} Bad Request: {_TOKEN_MISSING}" before Gatehouse does.',
            "Exempt the blueprint of Gatehouse from nothing, and send the token: <meta name=csrf-token>, X-CSRFToken.",
        )
    if answer.status < 300:
        return failed(f"A change from another site was answered {answer.status}.", "This is a fault: tell us.")
    if answer.status >= 500:
        return unknown(f"A change from another site was answered {answer.status}.")
    return ok(f"A change from another site, without a session and a token, came to nothing ({answer.status}).")


def first_provider(subject: Subject) -> str:
    return next((one.name for one in subject.settings.providers), "dev")


def _begun(subject: Subject) -> Reply | Finding:
    """Return how a sign-in begins, or what is told by its not beginning."""
    name = first_provider(subject)
    answer = subject.live.begin_sign_in(name)
    if answer.status == 429:
        return unknown("No sign-in could begin: too many did just now.", "Ask again in a minute.")
    if answer.status != 302:
        return unknown(f"No sign-in could begin with {name}: {answer.status}.", "Look at what discovery says.")
    return answer


def _attempt_cookie(answer: Reply) -> str | None:
    for line in answer.all("Set-Cookie"):
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(line)
        except CookieError:
            continue
        for name, morsel in jar.items():
            if _ATTEMPT.search(name):
                return morsel.value
    return None


CHECKS = (
    Check("cookies", "Cookies are Secure, HttpOnly, SameSite and bound to the host", Item.COOKIES, cookies),
    Check("redirect_uri_sent", "The redirect URI is the configured one", Item.MISMATCH, redirect_uri),
    Check("shared_key", "The deployment has the configured SECRET_KEY", Item.PERSISTENCE, key),
    Check("session_fixation", "A made-up session is not kept", Item.COOKIES, fixation),
    Check("foreign_change", "A change from another site comes to nothing", Item.TOKEN_MISSING, foreign_change),
)
