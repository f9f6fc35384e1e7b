"""A host application with JSON views of three lines: without a gate, and behind ours."""

import os

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_gatehouse import Gatehouse, login_required


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str]


def _host() -> tuple[Flask, SQLAlchemy]:
    host, db = Flask("host"), SQLAlchemy(model_class=Base)
    url = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
    host.config.update(SECRET_KEY=os.environ["SECRET_KEY"], SQLALCHEMY_DATABASE_URI=url)
    db.init_app(host)
    with host.app_context():
        Base.metadata.create_all(db.engine)
        db.session.merge(Note(id=1, title="Milk", text="Two bottles, and some of the good bread"))
        db.session.commit()
    return host, db


def bare() -> Flask:
    host, db = _host()

    @host.get("/state")
    def state() -> dict[str, str]:
        return {"state": "open", "until": "18:00"}

    @host.get("/notes/<int:number>")
    def note(number: int) -> dict[str, str]:
        found = db.session.get_one(Note, number)
        return {"title": found.title, "text": found.text}

    @host.get("/notes")
    def notes() -> list[dict[str, str]]:
        found = db.session.scalars(select(Note).order_by(Note.id).limit(50))
        return [{"title": note.title, "text": note.text} for note in found]

    return host


def gated() -> Flask:
    host, db = _host()
    Gatehouse(host, db=db)

    @host.get("/state")
    @login_required
    def state() -> dict[str, str]:
        return {"state": "open", "until": "18:00"}

    @host.get("/notes/<int:number>")
    @login_required
    def note(number: int) -> dict[str, str]:
        found = db.session.get_one(Note, number)
        return {"title": found.title, "text": found.text}

    @host.get("/notes")
    @login_required
    def notes() -> list[dict[str, str]]:
        found = db.session.scalars(select(Note).order_by(Note.id).limit(50))
        return [{"title": note.title, "text": note.text} for note in found]

    return host
