"""The addresses of our own files, with their fingerprints, and of the pages that are one for everybody."""

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

from .state import current_application, current_request, state

# A year in seconds: as long as anybody keeps anything.
_KEPT_S = 365 * 24 * 60 * 60
# Of all roots together: a proxy may hand on whatever root a caller says.
_MOST_ADDRESSES = 1000
FILES = Path(__file__).parent.parent / "static/gatehouse"


def static_url(filename: str) -> str:
    """Return the address of a file of ours.

    It ends in the file's fingerprint, so that a browser need never ask again for what an address has once brought.
    """
    return _once(filename, lambda: _make_static_url(filename))


def page_url(endpoint: str) -> str:
    """Return the address of a page of ours that is one page for everybody.

    :param endpoint: without the blueprint's name.
    """
    return _once(f"gatehouse.{endpoint}", lambda: url_for(f"gatehouse.{endpoint}"))


def _once(name: str, make: Callable[[], str]) -> str:
    """Return an address, made once for all requests below the same root: those of a page are a tenth of it to make."""
    known, key = state().addresses, (current_request().root_path, name)
    found = known.get(key)
    if found is None:
        found = make()
        if len(known) < _MOST_ADDRESSES and not _may_change(current_application()):
            known[key] = found
    return found


def _may_change(application: Flask) -> bool:
    """Return whether an address depends on more than the root, or a file's fingerprint on when one asks.

    Where hosts are told apart, another one's cached address could be whatever somebody says is the host. What a host
    adds to all addresses may be about whoever asks.
    """
    routes = application.url_map
    is_told_apart = application.subdomain_matching or routes.host_matching
    return application.jinja_env.auto_reload or is_told_apart or bool(application.url_default_functions)


def _make_static_url(filename: str) -> str:
    # Whoever develops changes files under a running application.
    version = None if current_app.jinja_env.auto_reload else fingerprints().get(filename)
    return url_for("gatehouse.static", filename=filename, v=version)


def keep_file(response: Response) -> bool:
    """Return whether a file of ours is sent; let it be kept for a year, if the address asks for this very content.

    While nodes are replaced one after the other, a new page may ask an old node: what that answers must not be kept
    under the new address.
    """
    is_asked = request.endpoint == "gatehouse.static" and request.method == "GET"
    if not is_asked or response.status_code >= HTTPStatus.BAD_REQUEST:
        return False
    version = request.args.get("v")
    if version is not None and version == fingerprints().get((request.view_args or {})["filename"]):
        response.cache_control.public = response.cache_control.immutable = True
        response.cache_control.no_cache = None
        response.cache_control.max_age = _KEPT_S
    return True


@cache
def fingerprints() -> Mapping[str, str]:
    """Return for each file of ours what is another text as soon as its content is another one."""
    files = {str(path.relative_to(FILES)): path for path in FILES.rglob("*") if path.is_file()}
    return {name: sha256(path.read_bytes()).hexdigest()[:16] for name, path in files.items()}
