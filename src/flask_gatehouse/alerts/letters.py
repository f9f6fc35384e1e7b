"""Letters: written from templates, which a host may replace by name, and handed to the mail server."""

from collections.abc import Mapping
from typing import Protocol

from .mail import Letter


class Write(Protocol):
    """Whoever knows templates: ``web.letters`` hands it to the worker, since this room does not."""

    def __call__(self, name: str, language: str, to: str, facts: Mapping[str, object], /) -> Letter:
        """Return the letter ``gatehouse/mail/<name>`` to an address, in a language."""
        ...
