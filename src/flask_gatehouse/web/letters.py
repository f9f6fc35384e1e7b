"""Letters from templates: ``gatehouse/mail/<name>.txt``, whose first line is the subject, and ``.html``."""

import re
from collections.abc import Mapping

from flask import Flask

from ..alerts.letters import Write
from ..alerts.mail import Letter
from .language import language, speaking
from .state import EXTENSION, State


def writer_of(app: Flask) -> Write:
    """Return who writes letters with an application's templates, of which a host may replace each by name."""
    state: State = app.extensions[EXTENSION]

    def write(name: str, wanted: str, to: str, facts: Mapping[str, object], /) -> Letter:
        with app.app_context(), speaking(wanted):
            values = {"app_name": state.settings.app_name, "language": language(), **facts}
            said = app.jinja_env.get_template(f"gatehouse/mail/{name}.txt").render(values)
            html = app.jinja_env.get_template(f"gatehouse/mail/{name}.html").render(values)
        subject, _, text = said.strip().partition("\n")
        return Letter(to, subject, f"{_with_single_gaps(text)}\n", f"{html.strip()}\n")

    return write


def _with_single_gaps(text: str) -> str:
    """Return a text without the empty lines that a template leaves where it says nothing."""
    return re.sub(r"\n\s*\n+", "\n\n", text).strip()
