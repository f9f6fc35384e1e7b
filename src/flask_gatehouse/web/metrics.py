"""Counting what ``measures`` names, and how Prometheus reads it."""

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
from ..sessions.telling import count_live_sessions
from . import measures
from .measures import Measure

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "gatehouse_"


class Metrics:
    """The counts of one application in this process, or in all processes that share ``PROMETHEUS_MULTIPROC_DIR``."""

    def __init__(self) -> None:
        own = self._own = CollectorRegistry()
        self.requests = _histogram(measures.REQUESTS, own)
        self.sign_ins = _counter(measures.SIGN_INS, own)
        self.refusals = _counter(measures.REFUSALS, own)
        self.lost_lines = _counter(measures.LOST_LINES, own)
        self.provider = _histogram(measures.PROVIDER, own)
        for reason in measures.Refused:
            self.refusals.labels(reason)

    def expect(self, provider: str) -> None:
        """Say that nobody has been kept out by a provider yet.

        What is counted for the first time has come out of nowhere: to Prometheus, nothing has increased.
        """
        self.sign_ins.labels(provider, measures.UNAVAILABLE)

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


def _counter(measure: Measure, registry: CollectorRegistry) -> Counter:
    return Counter(measure.name, measure.about, measure.labels, registry=registry)


def _histogram(measure: Measure, registry: CollectorRegistry) -> Histogram:
    return Histogram(measure.name, measure.about, measure.labels, registry=registry, buckets=measure.buckets)


def _gauge(measure: Measure, value: float | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(measure.name, measure.about, value, labels=measure.labels or None)


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
        up = _gauge(measures.DATABASE_UP)
        found: list[Metric] = []
        try:
            with self._database.reading() as connection:
                found.append(_gauge(measures.SESSIONS, count_live_sessions(connection)))
                found.append(_gauge(measures.SEAL_LAG, seal_lag(connection)))
                lag = _gauge(measures.ALERT_LAG)
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
