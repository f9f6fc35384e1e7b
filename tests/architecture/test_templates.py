"""Templates hold markup alone: the content security policy allows no script and no style in them."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from flask_gatehouse.web.components import MACROS
from tests.architecture.source import ROOT, name_of, template_files

TEMPLATES = template_files()
# No policy reaches a letter, and programs for mail drop all styles but those that stand beside what they shape.
LETTERS = [path for path in TEMPLATES if path.parent.name == "mail"]
JINJA = re.compile(r"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}", re.DOTALL)
ADDRESSES = {"href", "src", "action", "formaction", "hx-get", "hx-post", "hx-put", "hx-delete", "hx-patch", "srcset"}


class Faults(HTMLParser):
    """Collects what the policy would block, or what would leave the site."""

    def __init__(self, *, is_letter: bool) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_letter = is_letter

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(f"an inline <{tag}>")
        if tag in {"base", "object", "embed", "iframe"}:
            self.found.append(f"<{tag}>")
        for name, value in attributes:
            if (name == "style" and not self.is_letter) or re.fullmatch(r"on\w+|hx-on.*", name):
                self.found.append(f"{name}= on <{tag}>")
            if name in ADDRESSES and re.match(r"\s*(data|javascript|https?):|//", value or "", re.IGNORECASE):
                self.found.append(f"{name}={value!r} on <{tag}>")
        if given.get("target") == "_blank" and "noopener" not in (given.get("rel") or ""):
            self.found.append("target=_blank without rel=noopener")


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_holds_no_script_no_style_and_no_address_elsewhere(path: Path) -> None:
    parser = Faults(is_letter=path in LETTERS)
    parser.feed(JINJA.sub("", path.read_text(encoding="utf-8")))
    assert parser.found == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_escapes_everything(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|\|\s*xmlattr\b|autoescape\s+false", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_an_attribute_with_a_value_from_outside_is_quoted(path: Path) -> None:
    """Without quotes a space ends the value, and what follows is an attribute of the attacker's."""
    assert not re.findall(r"\s[\w-]+=\{\{", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_page_takes_macros_from_the_application_which_has_made_them_once(path: Path) -> None:
    text, name = path.read_text(encoding="utf-8"), name_of(path)
    assert "with context" not in text
    # A macro knows no ``gatehouse``. Letters, and the provider for development, are not what people wait for.
    if "macro" not in text and not {"mail", "dev"} & set(path.parts):
        assert not re.search(r"\{%-?\s*(from|import)\b", text), name


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_macro_that_a_template_uses_is_one_that_it_knows(path: Path) -> None:
    source = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    known = {macro.name for macro in source.find_all(nodes.Macro)}
    for imported in source.find_all(nodes.FromImport):
        known |= {name[1] if isinstance(name, tuple) else name for name in imported.names}
    used = {call.node.name for call in source.find_all(nodes.Call) if isinstance(call.node, nodes.Name)}
    assert used & MACROS.keys() <= known


def test_macros_are_found_by_the_names_that_pages_use() -> None:
    folder = ROOT / "src/flask_gatehouse/templates/gatehouse"
    for name, template in MACROS.items():
        assert f"macro {name}(" in (folder / f"{template}.html").read_text(encoding="utf-8")
        assert any(f"gatehouse.{name}(" in path.read_text(encoding="utf-8") for path in TEMPLATES), name


def test_every_form_that_posts_carries_a_token() -> None:
    lacking = []
    # The embedded provider is another site, which knows nothing of our sessions.
    for path in [path for path in TEMPLATES if path.parent.name != "dev"]:
        text = path.read_text(encoding="utf-8")
        forms = re.findall(r"<form\b[^>]*>.*?</form>", text, re.DOTALL | re.IGNORECASE)
        lacking += [
            name_of(path)
            for form in forms
            if re.search(r'method\s*=\s*"?post', form, re.IGNORECASE)
            and not re.search(r"\{\{ (gatehouse\.)?csrf\(\) \}\}", form)
        ]
    assert lacking == []


def test_every_form_that_posts_says_where_to() -> None:
    """One without an address is sent to that of its page, with whatever a mail program has put there."""
    lacking = [
        name_of(path)
        for path in TEMPLATES
        for form in re.findall(r"<form\b[^>]*>", path.read_text(encoding="utf-8"), re.IGNORECASE)
        # The buttons of this one stand elsewhere, each with the address that is its own.
        if re.search(r'method\s*=\s*"?post', form, re.IGNORECASE) and 'id="change-user"' not in form
        if not re.search(r'\saction="\S', form)
    ]
    assert lacking == []


def test_our_own_style_and_script_load_nothing_from_elsewhere() -> None:
    for path in (ROOT / "src/flask_gatehouse/static/gatehouse").glob("*.*"):
        if path.suffix in {".css", ".js"}:
            assert not re.search(r"https?://|url\(\s*['\"]?(data:|//)|@import|\beval\(|new Function", path.read_text())
