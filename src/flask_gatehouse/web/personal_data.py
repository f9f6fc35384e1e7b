"""What a person may do about her data: have it, and have it erased."""

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from ..accounts.locks import is_only_administrator
from ..accounts.service import get_user
from ..kernel.clock import utc_now
from ..kernel.text import case_folded_address
from ..privacy.erasure import erase_user
from ..privacy.export import export_user as export
from .actor import signed_in
from .auth import leave
from .downloads import is_taken, named
from .htmx import wants_json
from .language import text
from .problems import problem
from .sent import sent
from .standing import may_still_go
from .state import state


def export_account() -> ResponseReturnValue:
    return _download(signed_in().user_id)


def export_user(user_id: int) -> ResponseReturnValue:
    return _download(user_id)


def delete_account() -> ResponseReturnValue:
    """Say what goes and what stays, and erase whoever has typed who she is."""
    who = signed_in()
    if request.method == "GET":
        return _page()
    if case_folded_address(sent().get("confirm", "")) != case_folded_address(_typed()):
        wrong = text("Please type exactly what stands above.")
        if wants_json():
            return problem(422, "Please check your input", fields={"confirm": wrong})
        return _page(wrong), 422
    here = state()
    erase_user(here.database, here.settings, who.user_id, herself=True, check=may_still_go)
    return leave("erased")


def _typed() -> str:
    """Return what a person types to say that she means it."""
    who = signed_in()
    return who.email or who.name


def _page(wrong: str | None = None) -> str:
    with state().database.reading() as connection:
        stays = is_only_administrator(connection, signed_in().user_id)
    return render_template("gatehouse/account/delete.html", typed=_typed(), wrong=wrong, stays=stays)


def _download(user_id: int) -> Response:
    here = state()
    response = Response(mimetype="application/json")
    if is_taken():
        response.response = export(here.database, here.settings, user_id)
    else:
        with here.database.reading() as connection:
            get_user(connection, user_id)
    return named(response, f"personal-data-{user_id}-{utc_now():%Y-%m-%d}.json")
