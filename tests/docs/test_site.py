"""The documentation as ``make docs`` builds it."""

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
# What a browser fetches by itself for a page, and what a reader chooses to follow.
FETCHED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class Page(HTMLParser):
    """The addresses on one page, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.led_to: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if address := given.get(FETCHED.get(tag, "")):
            self.fetched.append(address)
        if tag == "a" and (address := given.get("href")):
            self.led_to.append(address)
        if anchor := given.get("id"):
            self.anchors.add(anchor)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; Sphinx' warnings are errors, as in ``make docs``."""
    place = tmp_path_factory.mktemp("site")
    program = Path(sys.executable).with_name("sphinx-build")
    command = (program, "-q", "-W", "--keep-going", "-d", place / "doctrees", ROOT / "docs", place / "html")
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return place / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_page_that_is_written_is_built_and_can_be_found(site: Path, pages: dict[Path, Page]) -> None:
    written = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    written = {path for path in written if "_build" not in path.parts}
    assert written <= {path.relative_to(site) for path in pages}
    start = site / "index.html"
    seen, waiting = {start}, [start]
    while waiting:
        path = waiting.pop()
        found = {target for target, _ in _local(path, pages[path].led_to)} & pages.keys() - seen
        seen |= found
        waiting += found
    assert {site / path for path in written} <= seen


def test_a_page_loads_nothing_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    foreign = [(path.name, address) for path, page in pages.items() for address in page.fetched if _is_foreign(address)]
    assert foreign == []
    sheets = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert "url(http" not in sheets.replace('"', "").replace("'", "")
    assert "@import" not in sheets


def test_no_link_within_the_documentation_is_broken(site: Path, pages: dict[Path, Page]) -> None:
    broken = [
        f"{path.relative_to(site)}: {target.name}#{anchor}"
        for path, page in pages.items()
        for target, anchor in _local(path, page.led_to)
        if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors)
    ]
    assert broken == []


def _local(path: Path, addresses: list[str]) -> Iterator[tuple[Path, str]]:
    """Yield file and anchor of the addresses that lead to a file of this site."""
    for address in addresses:
        parts = urlsplit(address)
        if not parts.scheme and not parts.netloc:
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            yield target, unquote(parts.fragment)


def _is_foreign(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in {"", "data"}
