"""Letters: written from templates, which a host may replace by name, and handed to the mail server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from .mail import Letter


@dataclass(frozen=True, slots=True)
class Written:
    """What a template makes of some facts."""

    subject: str
    text: str
    html: str


class Write(Protocol):
    """Whoever knows templates: ``web.letters`` hands it to the worker, since this room does not."""

    def __call__(self, name: str, language: str, facts: Mapping[str, object], /) -> Written:
        """Return the letter ``gatehouse/mail/<name>`` in a language."""
        ...


def letter(write: Write, name: str, language: str, to: str, facts: Mapping[str, object]) -> Letter:
    """Return a letter to an address."""
    written = write(name, language, facts)
    return Letter(to, written.subject, written.text, written.html)
