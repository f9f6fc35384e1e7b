"""What a check is, and what it finds."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .subject import Subject

# Seconds that a check may take. What it speaks to has shorter limits of its own.
DEADLINE_S = 20.0


class Result(StrEnum):
    """What came of a check. Of these, a warning is something to know, and does not make the examination fail."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "could not tell"


class Item(StrEnum):
    """What the checks are for: the points of a checklist of every application with sign-in."""

    HTTPS = "HTTPS enabled"
    SECRET_KEY = "Strong SECRET_KEY"  # noqa: S105 - the name of a point
    CSRF = "CSRF protection enabled"
    COOKIES = "Session cookies: Secure, HttpOnly, SameSite"
    REDIRECT_URI = "Redirect URIs configured for the production domain"
    CREDENTIALS = "Credentials in environment variables"
    RATE_LIMIT = "Rate limiting enabled"
    AUDIT = "Audit logging implemented"
    ERRORS = "Error pages don't leak information"
    INJECTION = "SQL injection prevention"
    XSS = "XSS prevention"
    MONITORING = "Monitor audit logs regularly"
    REVIEW = "Review user roles and permissions"
    BACKUP = "Test backup and restore procedures"
    ALERTS = "Set up security alerts"
    UPDATES = "Regular dependency updates"
    HEADERS = "Security headers"
    PRIVACY = "Data export and deletion"
    PRODUCTION = "Production environment"
    DATABASE = "Database migration"
    FIRST_ADMINISTRATOR = "First administrator"
    MISMATCH = "Common issue: redirect_uri_mismatch"
    PERSISTENCE = "Common issue: session not persisting"
    TOKEN_MISSING = "Common issue: the CSRF token is missing"  # noqa: S105 - the name of a point
    PROXY = "Behind a proxy"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found.

    :param evidence: what was asked or tried, and what the answer was; no secret.
    :param mend: what to do about it; empty where nothing is to be done.
    """

    result: Result
    evidence: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    :param name: by which scripts know it.
    :param title: what is so if it is well.
    :param about: the provider that it is about, where there is one for each.
    :param is_last: whether it waits for the others, because they would suffer from it.
    :param deadline: seconds.
    """

    name: str
    title: str
    item: Item
    look: Callable[[Subject], Finding]
    about: str = ""
    is_last: bool = False
    deadline: float = DEADLINE_S


def ok(evidence: str) -> Finding:
    return Finding(Result.OK, evidence)


def warning(evidence: str, mend: str) -> Finding:
    return Finding(Result.WARNING, evidence, mend)


def failed(evidence: str, mend: str) -> Finding:
    return Finding(Result.FAILED, evidence, mend)


def unknown(evidence: str, mend: str = "") -> Finding:
    return Finding(Result.UNKNOWN, evidence, mend)
