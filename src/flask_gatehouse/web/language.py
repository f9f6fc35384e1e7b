"""In which language a page speaks, and its sentences in that language.

The catalogues are GNU gettext's. Our functions have names of their own instead of installing ``_`` for everybody: a
host's templates share the Jinja environment with ours, and its ``_`` knows other sentences.
"""

import gettext
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response, current_app, has_request_context, request
from markupsafe import Markup, escape

from .htmx import wants_json

LANGUAGES = ("en", "de")
_CATALOGUES = Path(__file__).parent.parent / "translations"
_LANGUAGE = "gatehouse.language"
_THOUSANDS = {"en": ",", "de": "."}


def language() -> str:
    """Return the language of the running request's answer: the host's own choice, else what the browser asks for."""
    if not has_request_context() or wants_json():
        # What programs read stays as it is, whoever runs them.
        return LANGUAGES[0]
    known: str | None = request.environ.get(_LANGUAGE)
    if known is None:
        known = request.environ[_LANGUAGE] = _chosen_by_host() or request.accept_languages.best_match(LANGUAGES) or "en"
    return known


def text(message: str, **values: object) -> str:
    """Return a sentence in the language of the page.

    :param values: of its ``%(names)s``; markup among them stays markup, and everything else is escaped then.
    """
    return _filled(_catalogue(language()).gettext(message), values)


def plural(one: str, many: str, count: int, **values: object) -> str:
    """Return the sentence for a number, which it may name as ``%(count)s``."""
    return _filled(_catalogue(language()).ngettext(one, many, count), {"count": count} | values)


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
        response.content_language.add(language())
        response.vary.add("Accept-Language")
    return response


def _filled(message: str, values: dict[str, Any]) -> str:
    if not values:
        return message
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup(escape(message)) % values  # noqa: S704 - the message has just been escaped
    return message % values


def _chosen_by_host() -> str | None:
    """Return what Flask-Babel has been told to choose, where the host has it."""
    select = getattr(current_app.extensions.get("babel"), "locale_selector", None)
    chosen = str(select() or "").replace("-", "_").partition("_")[0] if select else ""
    return chosen if chosen in LANGUAGES else None


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    return gettext.translation("gatehouse", _CATALOGUES, [name], fallback=name == LANGUAGES[0])
