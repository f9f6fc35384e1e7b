"""Pieces of Markdown."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, which leaves out the columns in which nothing stands."""
    body = [list(row) for row in rows]
    used = [number for number in range(len(header)) if any(row[number] for row in body)]
    lines = [[row[number] for number in used] for row in (header, ["---"] * len(header), *body)]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines) + "\n"


def code(text: object) -> str:
    """Return a word as it is written in a program; nothing for nothing."""
    return f"`{text}`" if text is not None and str(text) else ""


def codes(words: Iterable[object]) -> str:
    return ", ".join(code(word) for word in words)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
