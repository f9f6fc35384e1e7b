"""In which language a page speaks, and its sentences in that language.

The catalogues are GNU gettext's. Templates know the two functions as ``gatehouse_text`` and ``gatehouse_plural``, and
nothing of ours is called ``_``: a host's templates share the Jinja environment with ours, its pages extend our layout,
and its ``_`` knows other sentences.
"""

import gettext
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from flask import Response, current_app, request
from markupsafe import Markup, escape
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from .headers import vary
from .htmx import wants_json
from .state import current_request

LANGUAGES = ("en", "de")
_CATALOGUES = Path(__file__).parent.parent / "translations"
_LANGUAGE = "gatehouse.language"
_chosen: ContextVar[str | None] = ContextVar("gatehouse_language", default=None)
_THOUSANDS = {"en": ",", "de": "."}


def language() -> str:
    """Return the language of the running request's answer: the host's own choice, else what the browser asks for."""
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    try:
        known: str | None = current_request().environ.get(_LANGUAGE)
    except RuntimeError:
        # Nobody asks, as where a command speaks.
        return LANGUAGES[0]
    return speak(_wanted()) if known is None else known


def speak(name: str) -> str:
    """Choose the language of the running request's answer, before anything has been said, and return it."""
    request.environ[_LANGUAGE] = name
    return name


@contextmanager
def speaking(name: str | None) -> Iterator[None]:
    """Speak a language within a block whoever asks, as in a letter; English if it is none of ours."""
    token = _chosen.set(name if name in LANGUAGES else LANGUAGES[0])
    try:
        yield
    finally:
        _chosen.reset(token)


def text(message: str, **values: object) -> str:
    """Return a sentence in the language of the page.

    :param values: of its ``%(names)s``; markup among them stays markup, and everything else is escaped then.
    """
    found = _catalogue(language()).gettext(message)
    return _filled(found, values) if values else found


def plural(one: str, many: str, count: int, **values: object) -> str:
    """Return the sentence for a number, which it may name as ``%(count)s``: its thousands stand apart then."""
    return _filled(_catalogue(language()).ngettext(one, many, count), {"count": number(count)} | values)


def marked(message: str) -> str:
    """Return a sentence as it is: it stands in a table, and ``text`` translates it where it is shown."""
    return message


def forms(one: str, many: str) -> tuple[str, str]:
    """Return what ``plural`` takes, from a table."""
    return one, many


def number(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}".replace(",", _THOUSANDS[language()])


def name_language(response: Response) -> Response:
    """Say in the headers of a page which language it speaks, and that another reader may get another."""
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Language", language())
        vary(response, "Accept-Language")
    return response


def _filled(message: str, values: dict[str, Any]) -> str:
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup(escape(message)) % values  # noqa: S704 - the message has just been escaped
    return message % values


def _wanted() -> str:
    if wants_json():
        # What programs read stays as it is, whoever runs them.
        return LANGUAGES[0]
    return _chosen_by_host() or _preferred(request.headers.get("Accept-Language", ""))


# Browsers send few of these, and reading one takes longer than all sentences of a page. Bounded: callers choose them.
@lru_cache(256)
def _preferred(accepted: str) -> str:
    return parse_accept_header(accepted, LanguageAccept).best_match(LANGUAGES) or LANGUAGES[0]


def _chosen_by_host() -> str | None:
    """Return what a host's Flask-Babel has chosen; None without one, or if it is a language that we do not speak."""
    # Whoever has put it into the application has imported it: it is asked without being needed.
    babel = sys.modules.get("flask_babel") if "babel" in current_app.extensions else None
    chosen = getattr(babel.get_locale(), "language", None) if babel else None
    return chosen if chosen in LANGUAGES else None


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    # English is what the sentences are written in, and better than no page where nobody has compiled the others.
    return gettext.translation("gatehouse", _CATALOGUES, [name], fallback=True)
