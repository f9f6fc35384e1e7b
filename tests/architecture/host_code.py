"""Code of a host application, which is type-checked and never run: all that it uses is public and fully typed."""

from typing import Any

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from flask_gatehouse import (
    ConfigurationError,
    Gatehouse,
    GatehouseError,
    Role,
    admin_required,
    audit,
    authorize,
    background,
    current_user,
    editor_required,
    login_required,
    object_rule,
    require_role,
    signals,
)

engine = create_engine("sqlite://")
sessions = sessionmaker(engine)
gatehouse = Gatehouse()


class Base(DeclarativeBase):
    pass


class Article(Base):
    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int]
    title: Mapped[str]


@object_rule(Article, "edit", role=Role.EDITOR)
def may_edit(person: Any, article: Article) -> bool:
    return bool(article.author_id == person.id)


def create_app() -> Flask:
    app = Flask(__name__)
    try:
        gatehouse.init_app(app)
    except ConfigurationError as error:
        problems: list[str] = error.problems
        raise SystemExit("\n".join(problems)) from error
    return app


def mounted_at_once() -> Gatehouse:
    return Gatehouse(Flask(__name__), db=sessions, url_prefix="/door")


@login_required
def show(article_id: int) -> dict[str, Any]:
    with Session(engine) as session:
        article = session.get_one(Article, article_id)
    return {
        "title": article.title,
        "mine": current_user.id == article.author_id,
        "may_edit": current_user.has_role(Role.EDITOR) or current_user.can_edit_user(article.author_id),
        "may_remove_author": current_user.can_delete_user(article.author_id),
        "me": current_user.to_dict(),
    }


@require_role(Role.EDITOR)
def publish(article_id: int) -> str:
    with Session(engine) as session, session.begin():
        audit.record("article.published", resource=("article", article_id), details={"by": "hand"}, session=session)
    return "published"


@editor_required
def edit(article_id: int) -> tuple[str, int]:
    with Session(engine) as session:
        authorize("edit", session.get_one(Article, article_id))
    return "edited", 200


@admin_required
def remove(article_id: int) -> str:
    return ""


@background
@login_required
def unread() -> str:
    return "0"


# Decorators keep the arguments of a view; a refusal is an answer too, so that the result is any answer of Flask's.
shown: ResponseReturnValue = show(1)
edited: ResponseReturnValue = edit(article_id=1)


def describe(error: GatehouseError) -> str:
    return str(error)


@signals.user_created.connect
def greet(sender: Flask, user_id: int, event: signals.RecordedEvent, **more: object) -> None:
    sender.logger.info("user %d has come by %s", user_id, event.details["provider"])
