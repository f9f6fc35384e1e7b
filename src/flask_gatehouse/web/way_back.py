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
    if (
        path is None
        or len(quote(path)) > LONGEST
        or path.startswith(url_for("gatehouse.sign_in").removesuffix("login"))
    ):
        return None
    return path


def wanted_page() -> str | None:
    """Return where ``next`` leads."""
    return way_back(request.args.get("next"))
