"""What a deployment's answers carry: headers on each kind of them, and nothing about its insides."""

import json
import re
from collections.abc import Mapping
from functools import partial

from .finding import Check, Finding, Item, failed, ok, unknown, warning
from .site import Reply
from .subject import Subject

# What must stand in each header; the words that must not stand there are in ``_policy_faults``.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
    "X-Frame-Options": "DENY",
}
_KINDS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "page": ("a page", "/auth/login", {}),
    "error": ("an error", "/auth/login/nobody-is-called-this", {}),
    "fragment": ("an answer to htmx", "/users", {"HX-Request": "true"}),
    "static": ("a style sheet", "/static/gatehouse/gatehouse.css", {}),
    "json": ("an answer in JSON", "/users", {"Accept": "application/json"}),
}
# Words of a stack trace, of Werkzeug's debugger, of a database's driver.
_INSIDES = re.compile(r"Traceback \(most|File \"/|werkzeug\.|__debugger__|sqlalchemy\.|psycopg|sqlite3\.|SECRET_KEY")
_VERSIONED = re.compile(r"/\d")


def headers(kind: str, subject: Subject) -> Finding:
    """Ask for one kind of answer, and look at what comes with it."""
    words, path, sent = _KINDS[kind]
    answer = subject.live.ask(path, sent)
    if answer.status >= 500:
        return unknown(f"GET {path} was answered {answer.status}.")
    missing = [name for name, part in _HEADERS.items() if part not in (answer.get(name) or "")]
    doubled = [name for name in _HEADERS if len(answer.all(name)) > 1]
    faults = [f"{name} is not as Gatehouse sends it" for name in missing]
    faults += [f"{name} comes more than once" for name in doubled] + _policy_faults(answer)
    faults += _privacy_faults(answer) if kind != "static" else []
    if faults:
        return failed(f"{words.capitalize()} (GET {path}, {answer.status}): {'; '.join(faults)}.", _LEAVE)
    return ok(f"{words.capitalize()} (GET {path}, {answer.status}) came with all {len(_HEADERS)} of them.")


_LEAVE = "Let the proxy pass these headers on as they are, and add none of its own."


def _policy_faults(answer: Reply) -> list[str]:
    policy = answer.get("Content-Security-Policy") or ""
    faults = ["the policy allows what is unsafe"] if "unsafe" in policy or "*" in policy else []
    if "require-trusted-types-for 'script'" not in policy:
        faults.append("the policy asks for no Trusted Types")
    return faults


def _privacy_faults(answer: Reply) -> list[str]:
    """Return what would let a cache between us and a person give her page to somebody else."""
    faults = [] if "no-store" in (answer.get("Cache-Control") or "") else ["it may be kept by caches"]
    if "cookie" not in ",".join(answer.all("Vary")).lower():
        faults.append("Vary does not name Cookie")
    return faults


def leaks(subject: Subject) -> Finding:
    """Cause errors, and look for our insides in the answers; ask for Werkzeug's debugger."""
    site = subject.live
    provoked = {
        "a made-up answer of a provider": "/auth/authorize/nobody?state=%00%ff&code=%27",
        "a made-up letter": "/auth/not-me/%27%22%3Cscript%3E",
        "a page that is not there": "/users/%2e%2e/%00",
    }
    for words, path in provoked.items():
        answer = site.ask(path)
        if _INSIDES.search(answer.body):
            return failed(f"The answer to {words} ({answer.status}) shows our insides.", "Switch debug mode off.")
    debugger = site.ask("/auth/login?__debugger__=yes&cmd=resource&f=debugger.js")
    if "javascript" in (debugger.get("Content-Type") or ""):
        return failed(
            "Werkzeug's debugger answers: whoever finds its PIN runs code on this machine.",
            "Switch debug mode off, and serve with gunicorn.",
        )
    server = site.ask("/healthz").get("Server") or ""
    if _VERSIONED.search(server):
        return warning(f"Errors show nothing, but every answer names {server}.", "server_tokens off; (nginx)")
    return ok("Three errors were caused and Werkzeug's debugger asked for: no answer shows our insides.")


def health(subject: Subject) -> Finding:
    answer = subject.live.ask("/healthz")
    if answer.status != 200 or '"ok"' not in answer.body:
        return failed(f"GET /healthz was answered {answer.status}.", "Look whether the proxy leads to the application.")
    return ok("GET /healthz was answered: the process runs.")


def ready(subject: Subject) -> Finding:
    answer = subject.live.ask("/readyz")
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = {}
    told = {name: said.get(name) for name in ("database", "migrations", "clock", "limiter")}
    words = ", ".join(f"{name}: {value}" for name, value in told.items() if value)
    if answer.status != 200 or not words:
        return failed(f"GET /readyz was answered {answer.status} ({words}).", "Mend what it names.")
    return ok(f"GET /readyz was answered: {words}.")


def metrics(subject: Subject) -> Finding:
    """Ask for the metrics as a stranger, and as one who guesses."""
    for words, sent in (("without a token", {}), ("with a made-up token", {"Authorization": "Bearer made-up"})):
        answer = subject.live.ask("/metrics", sent)
        if answer.status == 200:
            return failed(
                f"GET /metrics was answered to a stranger, {words}.",
                "Set GATEHOUSE_METRICS_TOKEN, and let the proxy answer /metrics to your own network alone.",
            )
    return ok(f"GET /metrics was refused to a stranger ({answer.status}).")


def method_override(subject: Subject) -> Finding:
    """Ask with GET, and say in a header that it is another method: some frameworks would believe that."""
    site = subject.live
    plain = site.ask("/auth/login").status
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        answer = site.ask("/auth/login", {name: "DELETE"})
        if answer.status != plain:
            return failed(f"{name} changed the answer from {plain} to {answer.status}.", "Let the proxy drop it.")
    changed = site.ask("/healthz", {"X-HTTP-Method-Override": "GET"}, method="POST").status
    if changed < 400:
        return failed(f"A POST that calls itself GET was answered {changed}.", "Let the proxy drop that header.")
    return ok("Three headers that name another method changed nothing.")


def privacy(subject: Subject) -> Finding:
    """Ask as a stranger for what people can have and have deleted: it has to be there, and closed."""
    site = subject.live
    asked = {path: site.ask(path, method=method).status for path, method in (("/account", "GET"), *_RIGHTS)}
    said = ", ".join(f"{path} {status}" for path, status in asked.items())
    if 200 in asked.values():
        return failed(f"A stranger was let in: {said}.", "This is a fault: tell us.")
    if 404 in asked.values():
        return failed(f"People cannot have, or delete, what is held about them: {said}.", "Install a newer release.")
    return ok(f"It is there, and closed to strangers: {said}.")


_RIGHTS = (("/account/export", "GET"), ("/account/delete", "POST"))

CHECKS = (
    *(
        Check(f"headers_{kind}", f"Security headers come with {words}", Item.HEADERS, partial(headers, kind))
        for kind, (words, _, _) in _KINDS.items()
    ),
    Check("error_pages", "Errors show nothing of our insides", Item.ERRORS, leaks),
    Check("healthz", "The process answers", Item.PRODUCTION, health),
    Check("readyz", "Database, migrations, clock and limiter are in order", Item.PRODUCTION, ready),
    Check("metrics", "Metrics are closed to strangers", Item.ERRORS, metrics),
    Check("method_override", "A header does not make a GET a DELETE", Item.CSRF, method_override),
    Check("privacy", "People can have and delete what is held about them", Item.PRIVACY, privacy),
)
