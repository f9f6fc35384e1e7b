"""Articles: an application with HTMX pages of its own, behind Gatehouse.

Who may do what to an article stands beside the model. Views ask with ``authorize``, templates with
``current_user.can``. The pages work with htmx 1.9, 2 and 4, and without script.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_gatehouse import (
    Gatehouse,
    Role,
    audit,
    authorize,
    current_user,
    login_required,
    object_rule,
    require_confirmation,
)

NODE_MODULES = Path(__file__).resolve().parents[2] / "node_modules"
# What package.json calls each version of htmx.
HTMX_PACKAGES = {"1.9": "htmx-1", "2": "htmx-2", "4": "htmx.org"}


class Base(DeclarativeBase):
    pass


class Article(Base):
    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int]
    title: Mapped[str]
    published: Mapped[bool] = mapped_column(default=False)


@object_rule(Article, "write", role=Role.EDITOR)
def may_write(person: Any, kind: type[Article]) -> bool:
    return True


@object_rule(Article, "edit", role=Role.EDITOR)
@object_rule(Article, "publish", role=Role.EDITOR)
def is_hers_or_she_is_an_administrator(person: Any, article: Article) -> bool:
    return article.author_id == person.id or bool(person.has_role(Role.ADMIN))


@object_rule(Article, "delete", role=Role.EDITOR)
def may_delete(person: Any, article: Article) -> bool:
    """What everybody can read already is taken away by an administrator alone."""
    return (article.author_id == person.id and not article.published) or bool(person.has_role(Role.ADMIN))


db = SQLAlchemy(model_class=Base)
gatehouse = Gatehouse(db=db)
views = Blueprint("articles", __name__)


@views.get("/")
def home() -> ResponseReturnValue:
    return redirect(url_for("articles.list_articles"))


@views.get("/articles")
@login_required
def list_articles() -> ResponseReturnValue:
    articles = select(Article).order_by(Article.id)
    if request.args.get("show") == "drafts":
        articles = articles.where(Article.published.is_(False))
    return render_template("articles/list.html", articles=db.session.scalars(articles).all(), model=Article)


@views.post("/articles")
@login_required
def write_article() -> ResponseReturnValue:
    authorize("write", Article)
    title, problem = _title()
    if problem:
        return render_template("articles/write.html", title=title, problem=problem), 422
    article = Article(author_id=current_user.id, title=title)
    db.session.add(article)
    db.session.flush()
    audit.record("article.written", resource=("article", article.id))
    db.session.commit()
    return redirect(url_for("articles.list_articles"))


@views.get("/articles/<int:article_id>")
@login_required
def show_article(article_id: int) -> ResponseReturnValue:
    return _row(db.get_or_404(Article, article_id))


@views.route("/articles/<int:article_id>/edit", methods=["GET", "POST"])
@login_required
def edit_article(article_id: int) -> ResponseReturnValue:
    article = db.get_or_404(Article, article_id)
    authorize("edit", article)
    if request.method == "GET":
        return _answer("articles/_form.html", article=article, title=article.title, problem=None)
    _confirm_if_public(article)
    title, problem = _title()
    if problem:
        return _answer("articles/_form.html", article=article, title=title, problem=problem), 422
    before, article.title = article.title, title
    audit.record("article.edited", resource=("article", article.id), change={"title": (before, title)})
    db.session.commit()
    return _row(article)


@views.post("/articles/<int:article_id>/publish")
@login_required
def publish_article(article_id: int) -> ResponseReturnValue:
    """Publish a draft, or take an article back."""
    article = db.get_or_404(Article, article_id)
    authorize("publish", article)
    # What the page showed, not the opposite of what is there: two clicks must not undo each other.
    article.published = request.form.get("published") == "yes"
    event = "article.published" if article.published else "article.withdrawn"
    audit.record(event, resource=("article", article.id))
    db.session.commit()
    return _row(article)


@views.delete("/articles/<int:article_id>")
@views.post("/articles/<int:article_id>/delete")
@login_required
def delete_article(article_id: int) -> ResponseReturnValue:
    article = db.get_or_404(Article, article_id)
    authorize("delete", article)
    _confirm_if_public(article)
    db.session.delete(article)
    audit.record("article.deleted", resource=("article", article_id))
    db.session.commit()
    # An empty answer takes the row away; a 204 would leave it.
    return "" if _by_htmx() else redirect(url_for("articles.list_articles"))


@views.get("/htmx.js")
def htmx() -> ResponseReturnValue:
    """The version of htmx that the configuration names, from where npm has put it."""
    package = HTMX_PACKAGES[str(current_app.config["HTMX_VERSION"])]
    folder = Path(current_app.config["NODE_MODULES"])
    return send_file(folder / package / "dist/htmx.min.js", mimetype="text/javascript")


@views.after_request
def depends_on_htmx(response: Response) -> Response:
    """Keep a part of a page apart from the whole, where both have one address."""
    response.vary.add("HX-Request")
    return response


def _confirm_if_public(article: Article) -> None:
    """Have whoever changes what everybody can read prove that it is she, and not somebody at her open browser."""
    if article.published:
        require_confirmation()


def _by_htmx() -> bool:
    return "HX-Request" in request.headers


def _answer(part: str, **values: Any) -> str:
    """Return a part of the page for htmx, and the part within a page for everybody else."""
    return render_template(part if _by_htmx() else "articles/single.html", part=part, **values)


def _row(article: Article) -> ResponseReturnValue:
    if request.method == "POST" and not _by_htmx():
        return redirect(url_for("articles.list_articles"))
    return _answer("articles/_row.html", article=article)


def _title() -> tuple[str, str | None]:
    title = request.form.get("title", "").strip()
    return title, None if 0 < len(title) <= 100 else "A title needs one to a hundred characters."


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the application.

    :param config: wins over the environment, where names begin with ``ARTICLES_``, as ``ARTICLES_HTMX_VERSION``.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        HTMX_VERSION="4", NODE_MODULES=NODE_MODULES, SQLALCHEMY_DATABASE_URI="sqlite:///articles.db"
    )
    app.config.from_prefixed_env("ARTICLES")
    app.config.from_mapping(config or {})
    db.init_app(app)
    gatehouse.init_app(app)
    app.register_blueprint(views)
    with app.app_context():
        db.create_all()
    return app
