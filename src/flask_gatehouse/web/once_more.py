"""A form of a page without script that had to wait for "is it you?": kept while she proves it, then sent by one click.

Where a script runs, the page keeps the request itself. Here the browser leaves its page, so that the fields travel with
it in Flask's own session: signed, for the session that sent them, and for as long as the way to a provider may take.
"""

import json
from collections.abc import Mapping, Sequence

from flask import request, session

from ..accounts.bulk import Action
from ..accounts.joining import JoinDecision
from ..kernel.clock import utc_now
from ..signin.attempt import MAX_AGE
from .actor import signed_in
from .htmx import current_page, this_page
from .labels import ROLE_NAMES
from .language import marked as _, plural, text
from .undo import flash_with_undo
from .way_back import way_back

_KEPT = "gatehouse.once_more"
# Characters of JSON. A cookie that is longer than 4,096 bytes is dropped by browsers (RFC 6265 §6.1), with all in it.
_LARGEST = 1500
_WORDS: Mapping[str, str] = ROLE_NAMES | {
    "delete": _("Delete"),
    Action.REMOVE: _("Delete"),
    Action.ACTIVATE: _("Activate"),
    JoinDecision.APPROVE: _("Approve"),
    JoinDecision.DECLINE: _("Decline"),
    JoinDecision.WITHDRAW: _("Withdraw"),
}
# What is asked for by an address alone.
_ACTS = {
    "gatehouse.delete_account": _("Delete your account"),
    "gatehouse.link_identity": _("Link another account"),
    "gatehouse.release_user": _("Unlock the account"),
    # Nobody is asked before she deactivates somebody.
    "gatehouse.toggle_user": _("Activate"),
    "gatehouse.unlink_identity": _("Unlink an account"),
}


def keep_form() -> None:
    """Keep the running request's form for ``offer_form``, if it is one of ours and fits.

    It has passed the check of its token by now: what no page of ours asked for is never offered.
    """
    fields = {name: values for name, values in request.form.lists() if name != "csrf_token"}
    session.pop(_KEPT, None)
    # A host's form may hold what belongs into no cookie.
    if request.blueprint == "gatehouse" and len(json.dumps(fields)) <= _LARGEST:
        session[_KEPT] = {
            "session": signed_in().session_id,
            "at": utc_now().timestamp(),
            "page": way_back(current_page()),
            "url": this_page(),
            "endpoint": request.endpoint,
            "fields": fields,
        }


def is_kept(page: str | None) -> bool:
    """Return whether a form waits that was sent from this page."""
    kept = session.get(_KEPT)
    return (
        kept is not None
        # Without these, whoever signs in next at this browser, or comes to an open one much later, sends it as herself.
        and kept["session"] == signed_in().session_id
        and utc_now().timestamp() - kept["at"] <= MAX_AGE
        and kept["page"] == page
    )


def offer_form(page: str | None) -> None:
    """Have the next page, which is this one, say what waits and offer to send it."""
    if is_kept(page):
        kept = session[_KEPT]
        undo = {"url": kept["url"], "fields": kept["fields"], "label": text("Do it now")}
        flash_with_undo(_in_words(kept["fields"], kept.get("endpoint")), undo, category="info")
    session.pop(_KEPT, None)


def _in_words(fields: Mapping[str, Sequence[str]], endpoint: str | None) -> str:
    """Say what would be done, also to her who did not send it: she has found a browser in which somebody else had."""
    shown = [text(_WORDS[value]) if value in _WORDS else value for value in _acts(fields)]
    if "user" in fields:
        shown.append(plural("1 user", "%(count)s users", len(fields["user"])))
    if "everyone" in fields:
        shown.append(text("everybody on the list"))
    if not shown and endpoint in _ACTS:
        shown.append(text(_ACTS[endpoint]))
    if not shown:
        return text("You have confirmed that it is you. What you asked for has not been done yet.")
    return text("You have confirmed that it is you. Not done yet: %(what)s.", what=", ".join(shown))


def _acts(fields: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what somebody has typed and chosen, without what narrows a list."""
    names: tuple[str, ...] = ("name", "email", "role", "_method")
    if "change" in fields:
        names = ("new_role",) if "role" in fields["change"] else ("change",)
    elif "decision" in fields:
        # A row has its role beside each of its buttons.
        names = ("decision", "role") if JoinDecision.APPROVE in fields["decision"] else ("decision",)
    return [value for name in names for value in fields.get(name, ()) if value not in {"", "put"}]
