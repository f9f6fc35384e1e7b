"""What is measured, and how Prometheus reads it. Every label has few values, whatever people send."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import MutexValue, ValueClass

from ..alerts.progress import alert_lags
from ..audit.sealing import seal_lag
from ..db.database import Database
from ..kernel.errors import DependencyUnavailable
from ..sessions.service import MOST_COUNTED, count_live_sessions

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "gatehouse_"
# Seconds. Ordinary pages take a few milliseconds; a provider has eight seconds for each of its answers.
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_PROVIDER_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class Metrics:
    """The counts of one application in this process, or in all processes that share ``PROMETHEUS_MULTIPROC_DIR``."""

    def __init__(self) -> None:
        own = self._own = CollectorRegistry()
        self.requests = Histogram(
            "gatehouse_request_seconds",
            "Time that requests of the gate took, by route",
            ("route", "method", "status"),
            registry=own,
            buckets=_REQUEST_BUCKETS,
        )
        self.sign_ins = Counter(
            "gatehouse_sign_ins", "Sign-ins that came to an end, by what it was", ("provider", "outcome"), registry=own
        )
        self.refusals = Counter(
            "gatehouse_refusals", "Requests that were refused, by reason", ("reason",), registry=own
        )
        self.lost_lines = Counter(
            "gatehouse_log_lines_lost", "Lines of the log that could not be written in time", registry=own
        )
        self.provider = Histogram(
            "gatehouse_provider_seconds",
            "Time that sign-ins waited for their provider",
            ("provider",),
            registry=own,
            buckets=_PROVIDER_BUCKETS,
        )

    def text(self, database: Database) -> bytes:
        """Return everything in Prometheus' text format, and what the database says at this moment."""
        asked = CollectorRegistry()
        if ValueClass is MutexValue:
            asked.register(_Only(self._own))
        else:
            everybody = CollectorRegistry()
            MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
            # A host's own metrics are in the same files, and are its own.
            asked.register(_Only(everybody))
        asked.register(_FromDatabase(database))
        return generate_latest(asked)


class _Only(Collector):
    """The metrics of a registry that are ours."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        return (metric for metric in self._registry.collect() if metric.name.startswith(_PREFIX))


class _FromDatabase(Collector):
    """What all nodes have in common: each question costs the same however much there is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("gatehouse_database_up", "Whether the database answers")
        found: list[Metric] = []
        try:
            with self._database.reading() as connection:
                live = f"Sessions that have not ended, counted up to {MOST_COUNTED}"
                found.append(GaugeMetricFamily("gatehouse_sessions", live, count_live_sessions(connection)))
                waiting = "Age of the oldest event that is not sealed yet"
                found.append(GaugeMetricFamily("gatehouse_seal_lag_seconds", waiting, seal_lag(connection)))
                untold = "Age of the oldest event that a sink of alerts has not looked at yet"
                lag = GaugeMetricFamily("gatehouse_alert_lag_seconds", untold, labels=("sink",))
                for sink, seconds in alert_lags(connection).items():
                    lag.add_metric((sink,), seconds)
                found.append(lag)
            up.add_metric((), 1)
        except DependencyUnavailable:
            # What is not known is not there, which an alert can tell from zero.
            found, up.samples = [], []
            up.add_metric((), 0)
        yield up
        yield from found
