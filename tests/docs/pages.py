"""Pages of the documentation as programs read them: what a reader is told to type, and what is named in passing.

A block that is a file has a paragraph before it that ends with the file's name: "Write ``notes.py``:". A ``diff`` is a
change to such a file, and nothing but its lines counts: each stretch between two ``@@`` must be found exactly once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
_FILE = re.compile(r"`([\w./-]*\.[a-z]+)`[^`]*:$")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code.

    :param language: the word after the fence; empty for a block that is only indented.
    :param file: the name of the file that it is, or changes.
    :param section: the heading above it.
    :param line: where it begins on its page.
    """

    language: str
    text: str
    file: str | None
    section: str
    line: int


def pages(*folders: str) -> list[Path]:
    """Return the pages of some sections, such as ``how-to``."""
    found = (page for folder in folders for page in (DOCS / folder).glob("*.md"))
    return sorted(page for page in found if page.name != "index.md")


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS))


def blocks(page: Path, *languages: str) -> list[Block]:
    """Return the blocks of a page in their order; of some languages only, if they are named."""
    found, before, section, opened = [], "", "", ""
    for token in _tokens(page):
        if token.type == "inline":
            before = token.content
            section = before if opened == "heading_open" else section
        elif token.type in {"fence", "code_block"}:
            name, line = _FILE.search(before), (token.map or [0])[0] + 1
            found.append(Block(token.info.strip(), token.content, name and name[1], section, line))
            before = ""
        opened = token.type
    return [block for block in found if not languages or block.language in languages]


def words(page: Path) -> list[str]:
    """Return what stands in the running text in the type of a program: ``like this``."""
    return [child.content for child in _children(page) if child.type == "code_inline"]


def paragraphs(page: Path) -> list[str]:
    """Return the running text, as it is written."""
    return [token.content for token in _tokens(page) if token.type == "inline"]


def headings(page: Path) -> list[str]:
    tokens = _tokens(page)
    return [text.content for opened, text in pairwise(tokens) if opened.type == "heading_open"]


def links(page: Path) -> list[str]:
    """Return where the page links to."""
    return [str(child.attrs["href"]) for child in _children(page) if child.type == "link_open"]


def write(block: Block, folder: Path) -> None:
    """Do with a file what a reader does.

    :raises ValueError: if a change does not say where it belongs.
    """
    if block.file is None:
        raise ValueError(f"the block at line {block.line} names no file")
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(changed(path.read_text(), block.text) if block.language == "diff" else block.text)


def changed(text: str, difference: str) -> str:
    """Return a text after a change, each stretch of which stands in it once.

    :raises ValueError: if it is not there, or twice.
    """
    for stretch in re.split(r"^@@.*\n", difference, flags=re.MULTILINE):
        lines = [line or " " for line in stretch.splitlines()]
        before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
        after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
        if (count := text.count(before)) != 1:
            raise ValueError(f"this stands in the file {count} times:\n{before}")
        text = text.replace(before, after)
    return text


def _children(page: Path) -> Iterator[Token]:
    for token in _tokens(page):
        yield from token.children or ()


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
