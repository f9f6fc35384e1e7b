"""Every sentence of a page is in the catalogues, and every catalogue has them all."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, name_of, template_files, tree
from tools import translate

PLACES = re.compile(r"%\(\w+\)s|%[A-Za-z]|\{\}")
JINJA = re.compile(r"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}", re.DOTALL)
# The embedded provider is for developers, who read English.
TEMPLATES = [path for path in template_files() if path.parent.name != "dev"]
SPOKEN = {"aria-label", "title", "placeholder", "alt", "hx-confirm", "content"}
# Names, which are the same in every language, and what is no sentence.
NAMES = {"Google", "GitHub", "OpenID Connect", "Enter", "Esc"}
MACHINE = {"viewport", "color-scheme", "csrf-token", "htmx-config"}
# What these say is read by programs, and by whoever types commands.
PROGRAMS = {"openapi.py", "operations.py", "headers.py", "log_queue.py", "ops.py", "measures.py", "metrics.py"}
KNOWN = {"text", "marked", "_", "plural", "forms", "problem", "Decision", "__init__"}
SENTENCE = re.compile(r"[a-z]{2,}.* [a-z]|^[A-Z][a-z]+ \w|^[A-Z][a-z]+[.!?]$")


class Texts(HTMLParser):
    """Collects what a person would read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside.append(tag)
        if dict(attributes).get("name") in MACHINE:
            return
        self.found += [
            value or ""
            for name, value in attributes
            if name in SPOKEN or (name.startswith("data-") and " " in (value or ""))
        ]

    def handle_data(self, data: str) -> None:
        if not self.inside or self.inside[-1] not in {"code", "kbd", "script"}:
            self.found.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_says_nothing_past_the_catalogue(path: Path) -> None:
    parser = Texts()
    text = re.sub(r"\{%-? block body_class %\}.*?\{%", "{%", path.read_text(encoding="utf-8"))
    parser.feed(JINJA.sub(" ", text))
    said = {found.strip() for found in parser.found if re.search(r"[A-Za-z]{2}", found)}
    assert said - NAMES == set()


def is_excused(node: ast.AST) -> bool:
    """Return whether what stands below a node is in the catalogue, or is no sentence of a page."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in KNOWN:
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
            return True
        case ast.Expr(value=ast.Constant()) | ast.Raise():
            return True
        # The command `explain` tells these.
        case ast.Assign(targets=[ast.Name(id="_RULES" | "_THINGS")]):
            return True
    return False


def sentences(node: ast.AST) -> set[str]:
    """Return the texts below a node that read like a sentence and are past the catalogue."""
    if is_excused(node):
        return set()
    if isinstance(node, ast.Constant):
        is_sentence = isinstance(node.value, str) and not node.value.startswith("<") and SENTENCE.search(node.value)
        return {str(node.value)} if is_sentence else set()
    return {found for child in ast.iter_child_nodes(node) for found in sentences(child)}


@pytest.mark.parametrize("path", sorted((PACKAGE / "web").rglob("*.py")), ids=name_of)
def test_a_module_says_nothing_past_the_catalogue(path: Path) -> None:
    if path.name not in PROGRAMS:
        assert sentences(tree(path)) == set()


@pytest.mark.parametrize("path", template_files(), ids=name_of)
def test_a_template_leaves_gettexts_own_names_to_the_host(path: Path) -> None:
    """A name that one of ours sets at its top is seen by the host's template that it extends, or that extends it."""
    assert not re.search(r"\b(_|gettext|ngettext)\(|set (_|gettext|ngettext)\b", path.read_text(encoding="utf-8"))


def test_the_template_of_catalogues_is_up_to_date() -> None:
    """After a sentence has changed: ``.venv/bin/python tools/translate.py extract``."""
    assert translate.TEMPLATE.read_bytes() == translate.written(translate.extract()), (
        "python tools/translate.py extract"
    )


@pytest.mark.parametrize("language", translate.LANGUAGES)
def test_a_language_has_every_sentence(language: str) -> None:
    catalogue, sentences = translate.read(language), translate.extract()
    assert {message.id for message in catalogue} == {message.id for message in sentences}
    for message in catalogue:
        if not message.id:
            continue
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        translations = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(translations), message.id
        assert not message.fuzzy, message.id
        # A number may be left out where the form says it, and nothing may be asked for that is not given.
        places = {place for original in originals for place in PLACES.findall(original)}
        for translation in translations:
            assert set(PLACES.findall(translation)) <= places
        assert set(PLACES.findall(translations[-1])) == set(PLACES.findall(originals[-1])), message.id
