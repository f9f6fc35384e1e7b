"""The reference is made of the code, and holds all of it."""

import re
from pathlib import Path

from flask_gatehouse import signals, testing
from flask_gatehouse.app import main
from flask_gatehouse.audit import AuditEvent
from flask_gatehouse.settings import Settings
from flask_gatehouse.settings.table import SETTINGS
from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.answers import ANSWERS
from tools.documentation import MARK, PARTS
from tools.documentation.commands import commands

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
        "testing": set(testing.__all__),
    }
    for part, names in wanted.items():
        assert names, part
        said = PARTS[part]()
        assert {name for name in names if name not in said} == set(), part
