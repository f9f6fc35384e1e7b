"""The attribute by which htmx sends the token, as its page shows it, in a browser with each version."""

import re
from collections.abc import Iterator

import pytest
from examples.articles.articles import HTMX_PACKAGES
from playwright.sync_api import Page, expect

from tests.chromium import Complaints
from tests.docs.pages import DOCS, blocks
from tests.processes import Node, running_gatehouse

HOST = """
from pathlib import Path

from flask import Flask, render_template, send_file

from flask_gatehouse import Gatehouse, login_required

app = Flask(__name__)
Gatehouse(app)


@app.get("/<name>/<package>")
@login_required
def page(name, package):
    return render_template(f"{name}.html", package=package)


@app.post("/change")
@login_required
def change():
    return "changed"


@app.get("/htmx/<package>.js")
def htmx(package):
    return send_file(Path(NODE_MODULES) / package / "dist/htmx.min.js", mimetype="text/javascript")
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Page</title><script src="/htmx/{{ package }}.js"></script></head>
BODY
<button hx-post="/change" hx-target="#said">Plain</button>
<button hx-post="/change" hx-target="#said" hx-headers='{"X-Own": "1"}'>Own</button>
<button hx-post="/change" hx-target="#said" hx-headers:append='{"X-Own": "1"}'>Append</button>
<output id="said"></output>
</body></html>
"""
ALL, NONE = {"Plain", "Own", "Append"}, set[str]()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("headers")
    (folder / "templates").mkdir()
    bodies = [block.text for block in blocks(DOCS / "how-to/htmx.md", "jinja") if "<body" in block.text]
    for name, body in zip(("handed-down", "inherited"), bodies, strict=True):
        (folder / f"templates/{name}.html").write_text(PAGE.replace("BODY", body))
    host = folder / "host.py"
    host.write_text(HOST.replace("NODE_MODULES", repr(str(DOCS.parent / "node_modules"))))
    with running_gatehouse(host=host, directory=folder) as node:
        yield node


@pytest.mark.parametrize(
    ("version", "name", "sent"),
    [
        ("1.9", "handed-down", ALL),
        ("2", "handed-down", ALL),
        ("4", "handed-down", NONE),
        ("4", "inherited", {"Plain", "Append"}),
    ],
)
def test_an_attribute_sends_the_token(
    node: Node, page: Page, complaints: Complaints, version: str, name: str, sent: set[str]
) -> None:
    complaints.allow("status of 40[04]")
    page.goto(f"{node.base_url}/{name}/{HTMX_PACKAGES[version]}")
    page.get_by_role("link", name="Sign in with").click()
    page.get_by_role("button", name="Ada Admin").click()
    expect(page).to_have_url(re.compile(f"/{name}/"))
    arrived = set()
    for button in ("Plain", "Own", "Append"):
        with page.expect_response("**/change") as answered:
            page.get_by_role("button", name=button).click()
        if answered.value.status == 200:
            arrived.add(button)
    assert arrived == sent
