"""Notes: a small application with its own tables, behind Gatehouse.

Viewers read, editors write, an author edits her own notes, an administrator deletes. Each change and its audit
event are one transaction of the application's own session.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_gatehouse import (
    Gatehouse,
    Role,
    admin_required,
    audit,
    current_user,
    editor_required,
    login_required,
    require_role,
)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int]
    author_name: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]


db = SQLAlchemy(model_class=Base)
gatehouse = Gatehouse(db=db)
views = Blueprint("notes", __name__)


@views.get("/")
def home() -> ResponseReturnValue:
    """The start page, which everybody may see."""
    return render_template("notes/home.html")


@views.get("/notes")
@login_required
def list_notes() -> ResponseReturnValue:
    return render_template("notes/list.html", notes=db.session.scalars(select(Note).order_by(Note.id.desc())).all())


@views.get("/notes/<int:note_id>")
@require_role(Role.VIEWER)
def show_note(note_id: int) -> ResponseReturnValue:
    return render_template("notes/show.html", note=db.get_or_404(Note, note_id))


@views.route("/notes/new", methods=["GET", "POST"])
@editor_required
def write_note() -> ResponseReturnValue:
    if request.method == "GET":
        return render_template("notes/form.html", note=None, problem=None)
    title, body, problem = _form()
    if problem:
        return render_template("notes/form.html", note={"title": title, "body": body}, problem=problem), 422
    note = Note(author_id=current_user.id, author_name=current_user.name, title=title, body=body)
    db.session.add(note)
    db.session.flush()
    audit.record("note.written", resource=("note", note.id), details={"title": title})
    db.session.commit()
    flash("The note was written.", "success")
    return redirect(url_for("notes.show_note", note_id=note.id))


@views.route("/notes/<int:note_id>/edit", methods=["GET", "POST"])
@editor_required
def edit_note(note_id: int) -> ResponseReturnValue:
    note = db.get_or_404(Note, note_id)
    if note.author_id != current_user.id and not current_user.has_role(Role.ADMIN):
        abort(403)
    if request.method == "GET":
        return render_template("notes/form.html", note=note, problem=None)
    title, body, problem = _form()
    if problem:
        return render_template("notes/form.html", note={"title": title, "body": body}, problem=problem), 422
    before = note.title
    note.title, note.body = title, body
    audit.record("note.edited", resource=("note", note.id), change={"title": (before, title)})
    db.session.commit()
    flash("The note was changed.", "success")
    return redirect(url_for("notes.show_note", note_id=note.id))


@views.post("/notes/<int:note_id>/delete")
@admin_required
def delete_note(note_id: int) -> ResponseReturnValue:
    note = db.get_or_404(Note, note_id)
    db.session.delete(note)
    audit.record("note.deleted", resource=("note", note_id))
    db.session.commit()
    flash("The note was deleted.", "info")
    return redirect(url_for("notes.list_notes"))


def _form() -> tuple[str, str, str | None]:
    title, body = request.form.get("title", "").strip(), request.form.get("body", "").strip()
    if not title or len(title) > 100:
        return title, body, "A title needs one to a hundred characters."
    return title, body, None


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    app = Flask(__name__)
    app.config.from_mapping({"SQLALCHEMY_DATABASE_URI": "sqlite:///notes.db", **(config or {})})
    db.init_app(app)
    gatehouse.init_app(app)
    app.register_blueprint(views)
    with app.app_context():
        db.create_all()
    return app
