"""Where a person goes after the gate: the page that she wanted, if it is one of this site's."""

from urllib.parse import quote

from flask import request, url_for

from ..kernel.urls import local_path

# Characters once encoded. Five attempts must fit into the one header in which a browser sends its cookies, of which
# servers often take 8,190 bytes.
LONGEST = 600
# On a request that a provider has answered: where the same round trip begins again.
AGAIN = "flask_gatehouse.again"


def way_back(path: str | None) -> str | None:
    """Return a path to which a person may be led, or None if it is elsewhere, too long, or leads into the gate."""
    path = local_path(path)
    if path is None or len(quote(path)) > LONGEST or path.startswith(sign_in_path().removesuffix("login")):
        return None
    return path


def sign_in_path() -> str:
    """Return the path of the sign-in page, without what a host adds to each address: its ``url_defaults``."""
    return url_for("gatehouse.sign_in").partition("?")[0]


def wanted_page() -> str | None:
    """Return where ``next`` leads."""
    return way_back(request.args.get("next"))
