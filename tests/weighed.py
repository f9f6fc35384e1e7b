"""What a page weighs for a browser that comes for the first time: each request that it makes, and what is sent."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Page, Response

# As nginx does unless told otherwise; a proxy that takes more time, or zstd, sends less.
LEVEL = 1
COMPRESSED = ("text/", "application/json", "image/svg+xml", "application/javascript")


@dataclass(frozen=True, slots=True)
class Part:
    """One answer of a visit.

    :param sent: bytes of its body as a proxy compresses it.
    """

    url: str
    status: int
    length: int
    sent: int


def visit(page: Page, url: str) -> Sequence[Part]:
    """Open a page, and return all that the browser asks for until nothing more comes."""
    answers: list[Response] = []

    def heard(answer: Response) -> None:
        # What an open page asks every few seconds is no part of a visit, however long that takes.
        if not answer.url.endswith("/auth/session"):
            answers.append(answer)

    page.on("response", heard)
    page.goto(url, wait_until="networkidle")
    parts: dict[str, Part] = {}
    for answer in answers:
        # A redirect has no body that could be asked for.
        body = b"" if 300 <= answer.status < 400 else answer.body()
        is_compressed = answer.headers.get("content-type", "").startswith(COMPRESSED)
        sent = _compressed(body) if is_compressed else len(body)
        parts[answer.url] = Part(answer.url, answer.status, len(body), sent)
    # Playwright keeps a browser from its cache: what a page shows twice is asked for twice here, and here alone.
    return list(parts.values())


def _compressed(body: bytes) -> int:
    gzip = zlib.compressobj(LEVEL, wbits=31)
    return len(gzip.compress(body) + gzip.flush())


def table(parts: Sequence[Part]) -> str:
    """Return the parts as lines for whoever has to find what is too heavy."""
    lines = [f"{part.length:9,} {part.sent:8,}  {part.url}" for part in parts]
    return "\n".join(["   length     sent", *lines])
