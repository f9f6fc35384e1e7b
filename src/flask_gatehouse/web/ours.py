"""What of a form and of an address is said to us: a host may add to both, and none of that is ours to refuse."""

from collections.abc import Collection
from typing import Any

from flask import current_app, request
from werkzeug.datastructures import MultiDict

METHOD = "_method"


def ours(said: MultiDict[str, str]) -> MultiDict[str, str]:
    """Return what is said without tokens and without a host's own, whose names begin with ``_``."""
    tokens = {"csrf_token", current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")}
    return MultiDict(
        (name, value)
        for name, value in said.items(multi=True)
        if name == METHOD or not (name.startswith("_") or name in tokens)
    )


def asked_of_us(known: Collection[str]) -> MultiDict[str, str]:
    """Return what the address says to us, without what a host adds to each one that is made: its ``url_defaults``.

    :param known: the names that mean something here, whoever adds them.
    """
    added: dict[str, Any] = {}
    current_app.inject_url_defaults(request.endpoint or "", added)
    theirs = added.keys() - set(known)
    return MultiDict((name, value) for name, value in ours(request.args).items(multi=True) if name not in theirs)
