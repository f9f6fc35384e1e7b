"""The reference is made of the code, and holds all of it."""

import re
from pathlib import Path

import pytest

from flask_gatehouse import signals, testing
from flask_gatehouse.alerts.overdue import OVERDUE
from flask_gatehouse.alerts.rules import RULES
from flask_gatehouse.app import main
from flask_gatehouse.audit import AuditEvent
from flask_gatehouse.db.database import Database
from flask_gatehouse.settings import Settings
from flask_gatehouse.settings.table import SETTINGS
from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.answers import ANSWERS
from flask_gatehouse.web.measures import MEASURES
from flask_gatehouse.web.metrics import Metrics
from tests.architecture.source import name_of
from tests.docs.recordings import events_of, fields_of, recording_files
from tools.documentation import MARK, PARTS
from tools.documentation.commands import commands
from tools.documentation.event_facts import FACTS, Said
from tools.documentation.openapi import document
from tools.documentation.recorded import ANYWHERE, BY_COMMANDS, BY_ROUTES

RECORDING = recording_files()
ROOT = Path(__file__).parents[2]
PRODUCTION = {
    "SECRET_KEY": "gA8rG3tZ0wq9mX1vB7nC5kL2pJ4hF6dS",
    "GATEHOUSE_BASE_URL": "https://app.example.com",
}


def test_every_part_is_on_one_page() -> None:
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
    assert sorted(name for page in pages for name in MARK.findall(page)) == sorted(PARTS)


def test_every_setting_that_the_code_names_is_described() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/flask_gatehouse").rglob("*.py"))
    named = set(re.findall(r"\bGATEHOUSE_(?!OIDC_)[A-Z_]*[A-Z]\b", code))
    assert {name for name in named if name not in SETTINGS} <= {"GATEHOUSE_NAMES"}
    assert {name for name in SETTINGS if name not in PARTS["settings"]()} == set()


def test_what_is_called_a_default_is_what_holds_without_the_setting(tmp_path: Path) -> None:
    said = {name: setting.default for name, setting in SETTINGS.items() if setting.default and "<" not in name}
    silent = Settings.load({}, PRODUCTION, directory=tmp_path)
    assert Settings.load({}, PRODUCTION | said, directory=tmp_path) == silent
    assert len(said) > 20


def test_the_lists_hold_everything_that_there_is() -> None:
    wanted = {
        "commands": {path for path, _ in commands(main, "gatehouse")},
        "routes": {route.rule for route in ROUTES},
        "events": set(AuditEvent),
        "errors": {kind.__name__ for kind in ANSWERS},
        "templates": {path.name for path in (ROOT / "src/flask_gatehouse/templates").rglob("*.*")},
        "api": {"Gatehouse", "require_role", "rate_limit", "object_rule"},
        "signals": {*signals.__all__} - {"RecordedEvent"},
        "metrics": {one.name for one in MEASURES},
        "alerts": {rule.name for rule in (*RULES, *OVERDUE)},
        "openapi": {f"{method.upper()} {path}" for path, known in document()["paths"].items() for method in known},
        "testing": set(testing.__all__),
    }
    for part, names in wanted.items():
        assert names, part
        said = PARTS[part]()
        assert {name for name in names if name not in said} == set(), part


def test_every_event_says_what_it_holds_and_who_records_it() -> None:
    assert set(FACTS) == set(AuditEvent)
    assert set(BY_ROUTES) <= {(route.rule, method) for route in ROUTES for method in route.may}
    assert set(BY_COMMANDS) <= {path for path, _ in commands(main, "gatehouse")}
    recorded = {event for events in (*BY_ROUTES.values(), *BY_COMMANDS.values(), ANYWHERE) for event in events}
    assert recorded == set(AuditEvent)


def test_every_metric_that_is_answered_is_listed(database: Database) -> None:
    answered = re.findall(r"^# TYPE (\w+) (\w+)$", Metrics().text(database).decode(), re.MULTILINE)
    # The library says of a counter when it began, beside it.
    answered = [(name, kind) for name, kind in answered if not name.endswith("_created")]
    assert sorted(answered) == sorted((one.name, one.kind.value) for one in MEASURES)


@pytest.mark.parametrize("path", RECORDING, ids=name_of)
def test_the_fields_of_events_are_those_that_the_code_writes(path: Path) -> None:
    known = {name for event in events_of(path) for name in _names(FACTS[event])}
    assert fields_of(path) - known == set()


def test_every_field_of_an_event_is_written_somewhere() -> None:
    written = {event: {name for path in RECORDING if event in events_of(path) for name in fields_of(path)}
               for event in AuditEvent}  # fmt: skip
    # A name and when it was so are put together: ``name.before``.
    unwritten = {
        (event.value, name)
        for event, said in FACTS.items()
        for name in (*said.change, *said.details, *said.personal)
        if name not in written[event] and not set(name.split(".")) <= written[event]
    }
    assert unwritten == set()


def _names(said: Said) -> set[str]:
    """Return the fields of an event, and of what they consist."""
    fields = {**said.change, **said.details, **said.personal}
    within = {word for meaning in fields.values() for word in re.findall(r"`(\w+)`", meaning)}
    return {part for name in fields for part in (name, *name.split("."))} | within
