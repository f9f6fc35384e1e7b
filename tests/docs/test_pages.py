"""Tutorials and how-to pages cannot go stale: what they name exists, and what they show is read by the program."""

import ast
import importlib
import re
from pathlib import Path

import click
import pytest

from flask_gatehouse.settings import Settings
from flask_gatehouse.settings.names import GATEHOUSE_NAMES, PLAIN_NAMES, oidc_name
from flask_gatehouse.web import ROUTES
from tests.docs.commands import invocations, understand
from tests.docs.pages import DOCS, blocks, changed, headings, links, name_of, pages, paragraphs, words

LANGUAGES = {"sh", "ini", "python", "jinja", "html", "css", "javascript", "diff", "sql", "yaml", "text"}
# Enough of a configuration for any block of settings to stand in.
AROUND = {
    "SECRET_KEY": "k9sJ2mQx7vTz4bNw8cRd1fGh5jLp3aYe",
    "GATEHOUSE_BASE_URL": "https://app.example.com",
    "GATEHOUSE_SMTP_URL": "smtp://mail.example.com",
    "GATEHOUSE_MAIL_FROM": "gate@example.com",
    "GATEHOUSE_ALERT_WEBHOOK_SECRET": "a secret of both ends",
}
# Of our own routes, so that an address of somebody's application is not taken for one of ours.
FIRST = {route.rule.split("/")[1] for route in ROUTES} - {""}
ADDRESS = re.compile(r"(?:[A-Z]+ )?(?:/gate)?(/[\w./<>-]+)(?:\?.*)?")
SETTING = re.compile(r"\b(?:GATEHOUSE_[A-Z0-9_<>]+|(?:SECRET_KEY|DATABASE|REDIS|GOOGLE|GITHUB)_[A-Z_]+)\b")

# What docs/reference/python.md promises hosts.
PROMISED = {
    "flask_gatehouse",
    "flask_gatehouse.db",
    "flask_gatehouse.db.migrate",
    "flask_gatehouse.signals",
    "flask_gatehouse.testing",
}

every_page = pytest.mark.parametrize("page", pages("tutorials", "how-to"), ids=name_of)


@every_page
def test_each_block_says_what_it_is(page: Path) -> None:
    assert [(block.line, block.language) for block in blocks(page) if block.language not in LANGUAGES] == []


@every_page
def test_each_setting_exists(page: Path) -> None:
    # What compose and Caddy read for themselves, as ``${NAME}`` and ``{$NAME}``.
    files = [*(DOCS.parent / "deploy").glob("*.yml"), DOCS.parent / "deploy/Caddyfile"]
    deployed = {name for path in files for name in re.findall(r"\$\{?([A-Z_]+)", path.read_text())}
    named = {name for name in SETTING.findall(page.read_text()) if not name.endswith("_")}
    unknown = {name for name in named if not _is_setting(name)} - deployed
    assert unknown == set()


def _is_setting(name: str) -> bool:
    return name in GATEHOUSE_NAMES | PLAIN_NAMES or oidc_name(name.replace("<NAME>", "CORP")) is not None


@every_page
def test_settings_can_be_used_as_they_stand(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "ini"):
        lines = [line.partition("=") for line in block.text.splitlines() if line and not line.startswith("#")]
        given = {name: value for name, _, value in lines}
        assert len(given) == len(lines), f"line {block.line} sets something twice"
        Settings.load({}, AROUND | given, directory=tmp_path)


@every_page
def test_each_command_is_understood(page: Path) -> None:
    said = [(block.text, block.line, True) for block in blocks(page, "sh")]
    said += [(word, 0, False) for word in words(page) if word.startswith(("gatehouse ", "flask "))]
    for script, line, with_arguments in said:
        for command in invocations(script):
            try:
                understand(command, with_arguments=with_arguments)
            except click.UsageError as error:
                pytest.fail(f"{name_of(page)}:{line}: gatehouse {' '.join(command)}: {error.format_message()}")


@every_page
def test_each_route_exists(page: Path) -> None:
    rules = [re.compile(re.sub(r"<[^>]+>", "[^/]+", route.rule)) for route in ROUTES]
    found = (ADDRESS.fullmatch(word) for word in words(page))
    ours = [match[1] for match in found if match and match[1].split("/")[1] in FIRST]
    assert [path for path in ours if not any(rule.fullmatch(path) for rule in rules)] == []


@every_page
def test_each_link_leads_somewhere(page: Path) -> None:
    wrong = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and anchor not in map(_anchor_of, headings(target))):
            wrong.append(link)
    assert wrong == []


def _anchor_of(heading: str) -> str:
    """Return what a page's generator makes of a heading, as GitHub does."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@every_page
def test_python_compiles_and_finds_what_it_takes_from_us(page: Path) -> None:
    for block in blocks(page, "python"):
        tree = ast.parse(block.text, f"{name_of(page)}:{block.line}")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("flask_gatehouse"):
                assert node.module in PROMISED
                module = importlib.import_module(str(node.module))
                assert [name.name for name in node.names if not hasattr(module, name.name)] == []


def test_no_command_has_become_running_text() -> None:
    """Within a list a block needs more than four spaces, or a fence; otherwise its quotes are made curly."""
    command = re.compile(r"(\S+/)?(gatehouse|flask|python3?) ")
    every = pages("tutorials", "how-to", "reference", "explanation")
    assert [(name_of(page), text) for page in every for text in paragraphs(page) if command.match(text)] == []


def test_a_change_must_say_where_it_belongs() -> None:
    assert changed("a\nb\nc\n", " a\n-b\n+B\n+bb\n") == "a\nB\nbb\nc\n"
    for wrong in (" x\n+y\n", "-a\n+b\n"):
        with pytest.raises(ValueError, match="stands in the file"):
            changed("a\na\n", wrong)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("gatehouse db upgrde", "there is no command db upgrde"),
        ("flask --app notes gatehouse create-admin nobody", "@-sign"),
        (".venv/bin/gatehouse doctor --urls https://app.example.com", "No such option"),
        ("GATEHOUSE_ENV=development gatehouse sessions revoke --user", "requires an argument"),
    ],
)
def test_a_wrong_command_is_found(script: str, complaint: str) -> None:
    (command,) = invocations(script)
    with pytest.raises(click.UsageError) as found:
        understand(command, with_arguments=True)
    assert complaint in found.value.format_message()
