"""What a host has loaded before it has a gate: Flask, Flask-SQLAlchemy, a table, and the driver of its database."""

import os

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


def make_host() -> tuple[Flask, SQLAlchemy]:
    """Return an application and its database, as the environment says."""
    host, db = Flask("host"), SQLAlchemy(model_class=Base)
    url = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
    host.config.update(SECRET_KEY=os.environ["SECRET_KEY"], SQLALCHEMY_DATABASE_URI=url)
    db.init_app(host)
    return host, db


def app() -> Flask:
    class Note(Base):
        __tablename__ = "notes"

        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str]

    host, db = make_host()
    with host.app_context():
        db.engine.connect().close()

    @host.get("/state")
    def state() -> dict[str, str]:
        return {"state": "open", "until": "18:00"}

    return host
