"""What how-to pages show is run, and what they say of others is compared with them."""

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from flask import Flask, render_template
from flask_sqlalchemy import SQLAlchemy
from jinja2 import Environment, meta, nodes
from playwright.sync_api import Page
from sqlalchemy import create_engine, text

import flask_gatehouse
from flask_gatehouse import Role
from flask_gatehouse.ops.doctor.finding import Item
from flask_gatehouse.settings import Settings
from flask_gatehouse.signin.errors import Reason
from flask_gatehouse.testing import (
    attach_provider,
    configuration,
    empty_database,
    sign_in_as,
    sign_in_through_provider,
)
from tests.chromium import assert_accessible
from tests.docs.pages import DOCS, blocks, headings, name_of, pages, words, write
from tests.docs.reader import Reader
from tests.docs.test_pages import AROUND
from tests.processes import PROGRAMS, running_gatehouse

HOW_TO = DOCS / "how-to"
# What every page of ours is given.
EVERYWHERE = {"gatehouse", "gatehouse_text", "gatehouse_plural", "gatehouse_static", "url_for"}
PACKAGE = DOCS.parent / "src/flask_gatehouse"


def typed(page: str, folder: Path) -> None:
    """Write every file of a page."""
    for block in blocks(HOW_TO / page):
        if block.file:
            write(block, folder)


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def documents(tmp_path: Path) -> Iterator[tuple[Flask, Any]]:
    typed("roles-and-object-rules.md", tmp_path)
    module = loaded(tmp_path / "documents.py")
    app = module.create_app(
        {**configuration(tmp_path), "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'documents.db'}"}
    )
    with empty_database(app):
        yield app, module


def test_a_rule_of_ones_own_decides(documents: tuple[Flask, Any]) -> None:
    app, module = documents
    editor, viewer, other = (app.test_client() for _ in range(3))
    who = sign_in_as(editor, Role.EDITOR, email="editor@example.com")
    reads = sign_in_as(viewer, Role.VIEWER, email="viewer@example.com")
    elsewhere = sign_in_as(other, Role.ADMIN, email="other@example.com")
    with app.app_context():
        module.db.session.add(module.Document(id=1, team="red", title="Plan"))
        module.db.session.add_all(module.Member(team="red", user_id=one.user_id) for one in (who, reads))
        module.db.session.commit()
    assert editor.get("/documents/1").text == "Plan Rename"
    assert viewer.get("/documents/1").text == "Plan"
    assert other.get("/documents/1").status_code == 403
    for client, hers, status in ((editor, who, 200), (viewer, reads, 403), (other, elsewhere, 403)):
        assert client.post("/documents/1/rename/New", headers=hers.headers).status_code == status
    assert editor.get("/documents").get_json() == ["New"]
    assert other.get("/documents").get_json() == []


def test_sqlite_of_a_host_is_as_the_doctor_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed("postgresql-and-redis.md", tmp_path)
    monkeypatch.setenv("GATEHOUSE_ENV", "development")
    module = loaded(tmp_path / "shop.py")
    with module.app.app_context():
        found = {
            name: module.db.session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
        module.db.session.remove()
        module.db.engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


@pytest.mark.parametrize("page", ["htmx.md", "roles-and-object-rules.md"])
def test_views_that_are_shown_are_guarded(page: str, tmp_path: Path) -> None:
    app = Flask("host")
    app.config.from_mapping(configuration(tmp_path))
    flask_gatehouse.Gatehouse(app)
    known = vars(flask_gatehouse) | {"app": app, "render_template": render_template}
    shown = [block.text for block in blocks(HOW_TO / page, "python") if block.text.startswith("@app.")]
    for text_ in shown:
        exec(text_, known)  # noqa: S102 - it is our own page
    with empty_database(app):
        client = app.test_client()
        rules = [rule for rule in app.url_map.iter_rules() if "." not in rule.endpoint and rule.endpoint != "static"]
        assert len(rules) == len(shown) > 0
        for rule in rules:
            method = "POST" if "POST" in (rule.methods or ()) else "GET"
            assert client.open(rule.rule, method=method).location.startswith("/gate/auth/login")


def test_a_theme_dresses_the_gate(tmp_path: Path, page: Page) -> None:
    typed("theming.md", tmp_path)
    host = tmp_path / "host.py"
    host.write_text(
        "from flask import Flask\nfrom flask_gatehouse import Gatehouse\napp = Flask(__name__)\nGatehouse(app)\n"
    )
    with running_gatehouse(host=host, directory=tmp_path) as node:
        page.goto(f"{node.base_url}/gate/auth/login")
        found = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--radius')")
        assert_accessible(page)
    assert found == ".25rem"


def test_an_event_is_recorded_outside_of_a_request(tmp_path: Path) -> None:
    typed("audit-events.md", tmp_path)
    environment = {"PATH": str(PROGRAMS), "GATEHOUSE_ENV": "development"}
    for arguments in (("gatehouse", "db", "upgrade"), ("import",)):
        command = [PROGRAMS / "flask", "--app", "nightly", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    engine = create_engine(f"sqlite:///{tmp_path / 'instance/nightly.db'}")
    with engine.connect() as connection:
        row = connection.execute(text("SELECT event, actor_kind FROM gatehouse_audit_events")).one()
    engine.dispose()
    assert row == ("import.finished", "system")


def test_a_value_of_an_event_goes_with_whom_it_belongs_to(tmp_path: Path) -> None:
    (shown,) = (block.text for block in blocks(HOW_TO / "audit-events.md", "python") if "Personal(" in block.text)
    app = Flask("host")
    app.config.from_mapping({**configuration(tmp_path), "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'host.db'}"})
    db = SQLAlchemy(app)
    flask_gatehouse.Gatehouse(app, db=db)

    @app.post("/publish")
    @flask_gatehouse.login_required
    def publish() -> str:
        exec(shown, {**vars(flask_gatehouse), "article": SimpleNamespace(id=7)})  # noqa: S102 - it is our own page
        flask_gatehouse.audit.record("article.seen", resource=("article", 7), personal={"author": "Ada"})
        db.session.commit()
        return "published"

    def authors() -> dict[str, bool]:
        wanted = text("SELECT event, personal FROM gatehouse_audit_events WHERE event LIKE 'article%'")
        with app.app_context():
            return {event: "author" in (personal or "") for event, personal in db.session.execute(wanted)}

    with empty_database(app):
        client = app.test_client()
        who = sign_in_as(client, name="Ada", email="ada@example.com")
        assert client.post("/publish", headers=who.headers).text == "published"
        assert authors() == {"article.published": True, "article.seen": True}
        gone = client.post("/gate/account/delete", data={"confirm": "ada@example.com"}, headers=who.headers)
        assert gone.status_code == 303
        assert authors() == {"article.published": False, "article.seen": True}


def test_a_host_reacts_to_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed("signals.md", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEHOUSE_ENV", "development")
    monkeypatch.setenv("GATEHOUSE_BASE_URL", "http://localhost")
    module = loaded(tmp_path / "team.py")
    app = module.app
    attach_provider(app)
    with app.app_context():
        module.db.create_all()
    with empty_database(app):
        client = app.test_client()
        sign_in_through_provider(client, email="ada@example.com", name="Ada")
        assert _rows(module, module.Profile.user_id, module.Profile.greeting) == [(1, "Hello, Ada!")]
        boss = app.test_client()
        who = sign_in_as(boss, Role.ADMIN, email="boss@example.com", name="Boss")
        assert boss.delete("/gate/users/1", headers=who.headers).status_code == 303
        assert _rows(module, module.Profile.greeting) == [("Hello, Boss!",)]


def _rows(module: ModuleType, *columns: Any) -> list[tuple[Any, ...]]:
    with module.app.app_context():
        return [tuple(row) for row in module.db.session.execute(module.db.select(*columns))]


def test_the_tests_of_a_host_run(tmp_path: Path) -> None:
    folder = tmp_path / "typed"
    folder.mkdir()
    reader = Reader(HOW_TO / "testing.md", folder)
    printed = reader.type(headings(reader.page)[0])
    wanted = (folder / "test_shop.py").read_text().count("def test_")
    assert f"{wanted} passed" in printed


def test_listeners_are_those_that_a_browser_has_tried() -> None:
    """``tests/browser/test_hosts_htmx.py`` runs the example's script with each version of htmx."""
    tried = _plain((DOCS.parent / "examples/articles/static/articles.js").read_text())
    shown = blocks(HOW_TO / "htmx.md", "javascript")
    assert len(shown) >= 3
    assert [block.line for block in shown if _plain(block.text) not in tried] == []
    layout = _plain((DOCS.parent / "examples/articles/templates/articles/layout.html").read_text())
    for block in blocks(HOW_TO / "htmx.md", "html"):
        assert _plain(block.text) in layout


def _plain(script: str) -> str:
    return "\n".join(line.strip() for line in script.splitlines() if line.strip())


@pytest.mark.parametrize("page", [page.name for page in pages("how-to") if page.name.startswith("sign-in-with")])
def test_the_redirect_uri_is_the_one_that_is_sent(page: str, tmp_path: Path) -> None:
    path = HOW_TO / page
    lines = blocks(path, "ini")[0].text.splitlines()
    given = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    settings = Settings.load({}, AROUND | given, directory=tmp_path, url_prefix="/gate")
    (provider,) = settings.providers
    said = " ".join(words(path))
    wanted = settings.external_url(f"/auth/authorize/{provider.name}")
    assert wanted in said or f"/auth/authorize/{provider.name}" in words(path)
    assert set(re.findall(r"/auth/authorize/(\w+)", said)) == {provider.name}


def test_error_texts_are_the_ones_that_people_see() -> None:
    source = "\n".join(
        path.read_text() for kind in ("*.py", "*.html", "*.po") for path in PACKAGE.rglob(kind) if path.is_file()
    )
    page = HOW_TO / "when-something-goes-wrong.md"
    quoted = [found[1] for heading in headings(page) if (found := re.fullmatch(r"`(.+)`", heading))]
    assert len(quoted) > 10
    unknown = [said for said in quoted if said.removeprefix("400 Bad Request: ") not in source]
    assert unknown == []


def test_the_checks_that_find_something_are_the_doctors() -> None:
    known = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "reference/doctor.md").read_text(), re.MULTILINE))
    text_ = (HOW_TO / "when-something-goes-wrong.md").read_text()
    named = {name for group in re.findall(r"\((`\w+`(?:, `\w+`)*)\)", text_) for name in re.findall(r"\w+", group)}
    assert len(named) > 10
    assert named <= known


def test_each_common_issue_of_the_checklist_has_its_error_text() -> None:
    issues = [item.value.partition(": ")[2].lower() for item in Item if item.value.startswith("Common issue")]
    page = (HOW_TO / "when-something-goes-wrong.md").read_text().lower()
    assert issues
    assert [issue for issue in issues if issue not in page] == []


@pytest.mark.parametrize(
    "page", ["when-something-goes-wrong.md", "sign-in-with-any-provider.md", "sign-in-with-github.md"]
)
def test_reasons_are_those_of_a_refused_sign_in(page: str) -> None:
    reasons = {str(reason) for reason in Reason}
    text_ = (HOW_TO / page).read_text()
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", text_, re.MULTILINE)
    said = re.findall(r"reason(?: below)? is (`\w+`(?: or `\w+`)?)|refused\s+with (`\w+`)", text_)
    named = {word for part in (*rows, *map("".join, said)) for word in re.findall(r"\w+", part)} - {"or"}
    assert named
    assert named <= reasons


def test_a_theme_sets_what_there_is() -> None:
    page = HOW_TO / "theming.md"
    style = (PACKAGE / "static/gatehouse/gatehouse.css").read_text()
    named_first = style.partition(":root {")[2].partition("\n  }")[0]
    said = set(re.findall(r"`(--[\w-]+)`", page.read_text()))
    assert said == set(re.findall(r"^ +(--[\w-]+):", named_first, re.MULTILINE))
    (theme,) = blocks(page, "css")
    assert {name for name in re.findall(r"--[a-z][a-z-]*", theme.text) if f"{name}:" not in style} == set()


def test_templates_and_blocks_of_the_table_exist() -> None:
    rows = re.findall(r"^\| `(gatehouse/[\w/]+\.html)` \| (.*) \|", (HOW_TO / "theming.md").read_text(), re.MULTILINE)
    assert len(rows) > 4
    for name, about in rows:
        template = (PACKAGE / "templates" / name).read_text()
        blocks_ = about.partition("Blocks: ")[2] or ""
        values = re.findall(r"`(\w+)`", about.partition("; ")[2])
        for block in re.findall(r"`(\w+)`", blocks_):
            assert f"block {block} %}}" in template, (name, block)
        if values:
            tree = Environment(autoescape=True).parse(template)
            own = {one.name for one in tree.find_all(nodes.Name) if one.ctx == "store"}
            own |= {one.name for one in tree.find_all(nodes.Macro)}
            assert set(values) == meta.find_undeclared_variables(tree) - own - EVERYWHERE, name


@pytest.mark.parametrize("page", pages("tutorials", "how-to"), ids=name_of)
def test_a_page_is_short(page: Path) -> None:
    """A page is about one thing, and read by somebody in a hurry."""
    assert len(page.read_text().splitlines()) <= (400 if page.parent.name == "tutorials" else 200)
