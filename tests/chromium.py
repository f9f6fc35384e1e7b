"""A real Chromium for tests, which complains about everything that a person's browser would only write down.

``page`` is a fresh browser context; ``new_browser`` makes more of them, for a second person or a second device.
At the end of a test, each script error, each console warning or error, each violation of the content security
policy and each request to another machine fails it, unless ``complaints.allow`` has said that it is expected.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from tests.services import need
from tools import provision

# How long a page may take to show what a test waits for: two loaded cores need more than the usual five seconds.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

AXE = provision.ROOT / "node_modules/axe-core/axe.min.js"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Chromium's own console message names neither the blocked address nor the element.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP ${event.effectiveDirective} blocked ${event.blockedURI} ${event.sample} in ${event.sourceFile}`);
});
"""
RUN_AXE = """async (tags) => {
  const found = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.html}: ${node.failureSummary}`));
}"""
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Complaints:
    """What a browser had to say against our pages."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def allow(self, pattern: str) -> None:
        """Expect complaints that contain this regular expression, such as ``"status of 401"``."""
        self._allowed.append(re.compile(pattern))

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.heard if not any(pattern.search(text) for pattern in self._allowed)]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = provision.find_chromium()
    if executable is None:
        need(provision.CHROMIUM)
    if provision.find_libatomic() is None:
        need(provision.LIBATOMIC)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def new_browser(chromium: Browser, complaints: Complaints) -> Iterator[Callable[..., Page]]:
    """A function that opens a page in a browser of its own, with no cookies; it takes Playwright's context options."""
    contexts: list[BrowserContext] = []

    def open_page(**options: Any) -> Page:
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(REPORT_VIOLATIONS)
        context.route(lambda url: not _is_loopback(url), lambda route: _refuse(route, complaints))
        context.on("weberror", lambda error: complaints.heard.append(f"script error: {error.error}"))
        context.on(
            "console",
            lambda message: (
                complaints.heard.append(f"console {message.type}: {message.text} ({message.location.get('url')})")
                if message.type in {"warning", "error"}
                else None
            ),
        )
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.unexpected == []


@pytest.fixture
def page(new_browser: Callable[..., Page]) -> Page:
    return new_browser()


def assert_accessible(page: Page) -> None:
    """Run axe-core over the page as it stands, in the light and in the dark colour scheme."""
    # A click returns as soon as its answer begins; what axe would then see is a page that is still half read.
    page.wait_for_load_state()
    # Through the debugger, which the page's content security policy does not bind.
    page.evaluate(Path(AXE).read_text(encoding="utf-8"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        faults = page.evaluate(RUN_AXE, AXE_TAGS)
        assert not faults, f"{page.url} in the {scheme} scheme:\n" + "\n".join(faults)
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "127.0.0.1", "::1", ""} or host.endswith(".localhost")


def _refuse(route: Route, complaints: Complaints) -> None:
    complaints.heard.append(f"request to another machine: {route.request.url}")
    route.abort()
