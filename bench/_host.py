"""A host application with JSON views of three lines: without a gate, and behind ours."""

from collections.abc import Callable
from typing import Any

from bench._bare import Base, make_host
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from flask_gatehouse import Gatehouse, login_required

View = Callable[..., Any]


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str]


def _host() -> tuple[Flask, SQLAlchemy]:
    host, db = make_host()
    with host.app_context():
        Base.metadata.create_all(db.engine)
        db.session.merge(Note(id=1, title="Milk", text="Two bottles, and some of the good bread"))
        db.session.commit()
    return host, db


def bare() -> Flask:
    return _with_views(*_host(), lambda view: view)


def gated() -> Flask:
    host, db = _host()
    Gatehouse(host, db=db)
    return _with_views(host, db, login_required)


def _with_views(host: Flask, db: SQLAlchemy, guard: Callable[[View], View]) -> Flask:
    @host.get("/state")
    @guard
    def state() -> dict[str, str]:
        return {"state": "open", "until": "18:00"}

    @host.get("/notes/<int:number>")
    @guard
    def note(number: int) -> dict[str, str]:
        found = db.session.get_one(Note, number)
        return {"title": found.title, "text": found.text}

    @host.get("/notes")
    @guard
    def notes() -> list[dict[str, str]]:
        found = db.session.scalars(select(Note).order_by(Note.id).limit(50))
        return [{"title": note.title, "text": note.text} for note in found]

    return host
