"""What is measured: the name, the kind, the labels and the meaning of each metric. Every label has few values."""

from dataclasses import dataclass
from enum import StrEnum

from ..sessions.telling import MOST_COUNTED


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Refused(StrEnum):
    """Why a request was refused, for an operator who looks for attacks."""

    NOT_ALLOWED = "not_allowed"
    CROSS_SITE = "cross_site"
    CONFIRMATION_REQUIRED = "confirmation_required"
    TOO_MANY = "too_many"
    TOO_MANY_REFUSALS = "too_many_refusals"
    SIGN_IN = "sign_in"
    LIMITER_AWAY = "limiter_away"


# The outcome of a sign-in whose provider did not answer.
UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric, as Prometheus knows it.

    :param labels: what it is counted by; none holds what people send.
    :param buckets: of a histogram, the upper edges, in seconds.
    """

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


# Ordinary pages take a few milliseconds; a provider has eight seconds for each of its answers.
REQUESTS = Measure(
    "gatehouse_request_seconds",
    Kind.HISTOGRAM,
    "Time that requests of the gate took, by route",
    ("route", "method", "status"),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
SIGN_INS = Measure(
    "gatehouse_sign_ins_total",
    Kind.COUNTER,
    "Sign-ins that came to an end, by what it was: success, confirm, link, unavailable, or why it was refused",
    ("provider", "outcome"),
)
REFUSALS = Measure("gatehouse_refusals_total", Kind.COUNTER, "Requests that were refused, by reason", ("reason",))
LOST_LINES = Measure("gatehouse_log_lines_lost_total", Kind.COUNTER, "Lines of the log that nobody took in time")
PROVIDER = Measure(
    "gatehouse_provider_seconds",
    Kind.HISTOGRAM,
    "Time that sign-ins waited for their provider",
    ("provider",),
    (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
)
DATABASE_UP = Measure(
    "gatehouse_database_up", Kind.GAUGE, "Whether the database answers; without it the other gauges are missing"
)
SESSIONS = Measure("gatehouse_sessions", Kind.GAUGE, f"Sessions that have not ended, counted up to {MOST_COUNTED}")
SEAL_LAG = Measure("gatehouse_seal_lag_seconds", Kind.GAUGE, "Age of the oldest event that is not sealed yet")
ALERT_LAG = Measure(
    "gatehouse_alert_lag_seconds",
    Kind.GAUGE,
    "Age of the oldest event that a sink of alerts has not looked at yet",
    ("sink",),
)
MEASURES = (REQUESTS, SIGN_INS, REFUSALS, LOST_LINES, PROVIDER, DATABASE_UP, SESSIONS, SEAL_LAG, ALERT_LAG)
