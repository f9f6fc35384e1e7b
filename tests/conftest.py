"""Fixtures for all tests: isolation, databases, nodes and a browser. ``services`` and ``processes`` do the work."""

import os
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from flask_gatehouse.db import migrate
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from tests.compiled import compile_once
from tests.databases import WorkerDatabase
from tests.services import Services, need, running_services
from tools import provision

# How fast this machine is at this moment is no property of the code.
settings.register_profile("gatehouse", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gatehouse")

pytest_plugins = ["tests.processes", "tests.chromium", "tests.faults.report"]

_SERVERS = pytest.StashKey[ExitStack]()
_SERVICES = pytest.StashKey[Services]()
_OURS = re.compile(
    r"GATEHOUSE_.*|DATABASE_URL|REDIS_URL|SECRET_KEY.*|GOOGLE_.*|GITHUB_(CLIENT_|URL|API_URL).*|PORT|FLASK_.*"
)
# Folders whose tests are pure: a run of these alone starts no server.
_PURE = ("tests/unit", "tests/architecture")
# Folders whose tests start processes. A file of theirs may take a minute: at the end of a run, one of them would keep
# one core busy and the others idle.
_PROCESSES = ("nodes", "deployment", "faults", "conformance", "doctor", "docs", "browser")
# More of them in one run are no chance.
_MOST_SECOND_TRIES = 5


def pytest_configure(config: pytest.Config) -> None:
    # What a developer has configured for herself must be out of reach before anything of ours is loaded:
    # a suite that drops its tables would drop hers.
    for name in [name for name in os.environ if _OURS.fullmatch(name)]:
        del os.environ[name]
    compile_once()
    if hasattr(config, "workerinput"):
        config.stash[_SERVICES] = _received(config.workerinput)
    elif getattr(config.option, "numprocesses", None) and not _is_pure(config):
        _services(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    if stack := config.stash.get(_SERVERS, None):
        stack.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    services = node.config.stash.get(_SERVICES, Services(None, None, None))
    node.workerinput["gatehouse_services"] = [
        services.postgresql_url,
        str(services.postgresql_log) if services.postgresql_log else None,
        services.redis_url,
    ]


def _received(workerinput: dict[str, Any]) -> Services:
    postgresql_url, log, redis_url = workerinput["gatehouse_services"]
    return Services(postgresql_url, Path(log) if log else None, redis_url)


def _is_pure(config: pytest.Config) -> bool:
    names = [argument.partition("::")[0] for argument in config.args]
    paths = [(config.invocation_params.dir / name).resolve() for name in names]
    pure = [config.rootpath / name for name in _PURE]
    return config.option.collectonly or all(any(path.is_relative_to(folder) for folder in pure) for path in paths)


def _services(config: pytest.Config) -> Services:
    """Return the running servers; the first call of a run starts them."""
    if _SERVICES not in config.stash:
        stack = config.stash[_SERVERS] = ExitStack()
        config.stash[_SERVICES] = stack.enter_context(running_services())
    return config.stash[_SERVICES]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what drives a browser last: from then on the thread has an event loop, in which coroutines cannot be awaited
    by code that is none. Before that, what takes long comes first; and of each of these kinds the longest file, or one
    core would be busy with it at the end and the others idle.

    Where ``CI`` is set, what waits for other processes has a second try: of thousands of such tests one meets a machine
    that stands still for a moment. The end of the run says who needed it and why. Elsewhere chance shows at once.
    """
    lengths = Counter(item.path for item in items)
    items.sort(
        key=lambda item: (
            "chromium" in getattr(item, "fixturenames", ()),
            not _starts_processes(item),
            -lengths[item.path],
        )
    )
    for item in items if os.environ.get("CI") else ():
        if _starts_processes(item):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in _second_tries(terminalreporter):
        terminalreporter.section(f"needed a second try: {report.nodeid}", bold=True)
        terminalreporter.line(report.longreprtext)
    if len(_second_tries(terminalreporter)) > _MOST_SECOND_TRIES:
        terminalreporter.section(f"more than {_MOST_SECOND_TRIES} second tries fail a run", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and len(_second_tries(reporter)) > _MOST_SECOND_TRIES:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _second_tries(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    return reporter.stats.get("rerun", [])


def _starts_processes(item: pytest.Item) -> bool:
    return item.path.parent.name in _PROCESSES


@pytest.fixture(autouse=True)
def an_empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test where no ``.env`` and no ``instance/`` of a developer can be found."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def services(request: pytest.FixtureRequest) -> Services:
    """The servers of this run; ask for ``postgresql_url`` or ``redis_url`` instead where one is meant."""
    return _services(request.config)


@pytest.fixture(scope="session")
def postgresql_services(services: Services) -> Services:
    if services.postgresql_url is None:
        need(provision.POSTGRESQL)
    return services


@pytest.fixture(scope="session")
def worker_name() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def postgresql_database(postgresql_services: Services, worker_name: str) -> WorkerDatabase:
    return WorkerDatabase(postgresql_services, worker_name)


@pytest.fixture
def postgresql_url(postgresql_database: WorkerDatabase) -> str:
    """The address of a fresh, migrated PostgreSQL database of this test alone."""
    return postgresql_database.fresh()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file that tests copy."""
    path = tmp_path_factory.mktemp("template") / "gatehouse.db"
    engine = make_engine(f"sqlite:///{path}")
    migrate.upgrade(engine)
    engine.dispose()
    # What still stands in the write-ahead log is not in the file that is copied.
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a fresh, migrated SQLite file of this test alone."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'gatehouse.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database; each test that asks for it runs on both kinds."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def database(engine: Engine) -> Database:
    return Database(lambda: engine)


@pytest.fixture
def redis_url(services: Services, worker_name: str) -> str:
    """The address of an empty Redis database that other workers do not use."""
    if services.redis_url is None:
        need(provision.REDIS)
    number = int(worker_name.removeprefix("gw")) if worker_name.startswith("gw") else 0
    url = f"{services.redis_url}?db={number}"
    client = redis.Redis.from_url(url)
    client.flushdb()
    client.close()
    return url
