"""One check at a time, of a configuration that is real: its files, servers and database are there, or away."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from flask import Flask

from flask_gatehouse.app import create_app
from flask_gatehouse.cli.doctor import subject_of
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops.doctor.checklist import checklist
from flask_gatehouse.ops.doctor.finding import Finding
from flask_gatehouse.ops.doctor.running import carry_out
from flask_gatehouse.ops.doctor.site import Site
from flask_gatehouse.web.state import EXTENSION


class Look(Protocol):
    """Carries out one check."""

    def __call__(
        self,
        name: str,
        env: Mapping[str, str] | None = None,
        *,
        about: str = "",
        change: Callable[[Flask], object] | None = None,
        site: Site | None = None,
        send: bool = False,
    ) -> Finding: ...


@pytest.fixture
def environment(sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    """What a small site in production is started with."""
    tmp_path.chmod(0o700)
    return {
        "GATEHOUSE_ENV": "production",
        "GATEHOUSE_BASE_URL": "https://localhost",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "DATABASE_URL": sqlite_url,
        "PIP_NO_INDEX": "1",
    }


@pytest.fixture
def look(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    with ExitStack() as stack:

        def look(
            name: str,
            env: Mapping[str, str] | None = None,
            *,
            about: str = "",
            change: Callable[[Flask], object] | None = None,
            site: Site | None = None,
            send: bool = False,
        ) -> Finding:
            for key, value in (environment | dict(env or {})).items():
                monkeypatch.setenv(key, value)
            app = create_app()
            stack.callback(app.extensions[EXTENSION].database.engine.dispose)
            if change is not None:
                change(app)
            with app.app_context():
                subject = subject_of(app, site, send=send)
            (check,) = [one for one in checklist(subject) if (one.name, one.about) == (name, about)]
            return carry_out(check, subject)

        yield look


@pytest.fixture
def database(environment: dict[str, str]) -> Iterator[Database]:
    """The database of the site, as somebody else changes it."""
    engine = make_engine(environment["DATABASE_URL"])
    yield Database(lambda: engine)
    engine.dispose()
