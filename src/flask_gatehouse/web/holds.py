"""Letting somebody in again who said that it was not she."""

from flask import flash, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue

from ..accounts.service import get_user, release_user
from .htmx import wants_json
from .language import text
from .standing import changing


def release(user_id: int) -> ResponseReturnValue:
    with changing() as db:
        released = release_user(db, user_id)
        row = get_user(db, user_id)
    if wants_json():
        return jsonify(row.to_changed_dict())
    if released:
        flash(text("%(name)s can sign in again.", name=row.name), "success")
    return redirect(url_for("gatehouse.user", user_id=user_id), 303)
