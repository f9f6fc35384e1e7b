"""Who may do what to an article, and what htmx is answered with; with whichever htmx the pages load."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.articles.articles import HTMX_PACKAGES, Article, create_app, db
from flask import Flask
from flask.testing import FlaskClient

from flask_gatehouse import Role
from flask_gatehouse.testing import SignedIn, attach_provider, configuration, empty_database, sign_in_as

AS_HTMX = {"HX-Request": "true", "HX-Current-URL": "http://localhost/articles?show=drafts"}
HERS, OTHERS = 1, 2


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app({**configuration(tmp_path), "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'articles.db'}"})
    attach_provider(app)
    with empty_database(app):
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _arrive(client: FlaskClient, role: Role, *, published: bool = False) -> SignedIn:
    """Sign somebody in who has written one article, beside an article of somebody else."""
    who = sign_in_as(client, role)
    with client.application.app_context():
        db.session.add(Article(id=HERS, author_id=who.user_id, title="Hers", published=published))
        db.session.add(Article(id=OTHERS, author_id=who.user_id + 1, title="Not hers", published=published))
        db.session.commit()
    return who


def _stored(app: Flask, article_id: int = HERS) -> Article | None:
    with app.app_context():
        return db.session.get(Article, article_id)


@pytest.mark.parametrize(
    ("role", "published", "hers", "others"),
    [
        (Role.VIEWER, False, "", ""),
        (Role.EDITOR, False, "edit publish delete", ""),
        (Role.EDITOR, True, "edit publish", ""),
        (Role.ADMIN, True, "edit publish delete", "edit publish delete"),
    ],
)
def test_a_page_offers_what_the_views_allow(
    client: FlaskClient, role: Role, published: bool, hers: str, others: str
) -> None:
    who = _arrive(client, role, published=published)
    page = client.get("/articles").text
    sent = {"title": "New", "published": "yes" if published else "no"}
    for article_id, allowed in ((HERS, hers), (OTHERS, others)):
        for action in ("edit", "publish", "delete"):
            path = f"/articles/{article_id}/{action}"
            assert (f'"{path}"' in page) is (action in allowed.split())
            status = client.post(path, data=sent, headers={**who.headers, **AS_HTMX}).status_code
            assert status == (200 if action in allowed.split() else 403)


def test_editors_write_and_viewers_do_not(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client, Role.EDITOR)
    assert "New article" in client.get("/articles").text
    assert client.post("/articles", data={"title": " "}, headers=who.headers).status_code == 422
    assert client.post("/articles", data={"title": "First"}, headers=who.headers).status_code == 302
    viewer = app.test_client()
    who = sign_in_as(viewer, Role.VIEWER, email="viewer@example.com")
    assert "New article" not in viewer.get("/articles").text
    assert viewer.post("/articles", data={"title": "Second"}, headers=who.headers).status_code == 403
    with app.app_context():
        assert [article.title for article in db.session.query(Article)] == ["First"]


def test_htmx_gets_a_row_and_everybody_else_a_page(client: FlaskClient) -> None:
    who = _arrive(client, Role.EDITOR)
    path = f"/articles/{HERS}/edit"
    assert "<html" in client.get(path).text
    assert "<html" not in client.get(path, headers=AS_HTMX).text
    row = client.post(path, data={"title": "New"}, headers={**who.headers, **AS_HTMX})
    assert f'<tr id="article-{HERS}">' in row.text
    assert client.post(path, data={"title": "Newer"}, headers=who.headers).location == "/articles"
    empty = client.post(path, data={"title": ""}, headers={**who.headers, **AS_HTMX})
    assert empty.status_code == 422
    assert "A title needs" in empty.text
    assert "HX-Request" in empty.headers["Vary"]
    gone = client.delete(f"/articles/{HERS}", headers={**who.headers, **AS_HTMX})
    assert (gone.status_code, gone.text) == (200, "")


def test_a_draft_shows_only_among_drafts(client: FlaskClient) -> None:
    who = _arrive(client, Role.EDITOR)
    client.post(f"/articles/{HERS}/publish", data={"published": "yes"}, headers=who.headers)
    assert f"article-{HERS}" not in client.get("/articles?show=drafts").text
    assert f"article-{HERS}" in client.get("/articles").text
    client.post(f"/articles/{HERS}/publish", data={"published": "no"}, headers=who.headers)
    assert f"article-{HERS}" in client.get("/articles?show=drafts").text


def test_whoever_is_not_signed_in_is_led_to_the_door_and_back(app: Flask, client: FlaskClient) -> None:
    answer = client.delete(f"/articles/{HERS}", headers=AS_HTMX)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/gate/auth/login?next=%2Farticles%3Fshow%3Ddrafts"
    assert client.get("/articles").location == "/gate/auth/login?next=%2Farticles"


def test_a_change_without_the_token_changes_nothing(app: Flask, client: FlaskClient) -> None:
    _arrive(client, Role.ADMIN)
    for answer in (
        client.post(f"/articles/{HERS}/edit", data={"title": "Forged"}, headers=AS_HTMX),
        client.delete(f"/articles/{HERS}", headers=AS_HTMX),
    ):
        assert answer.status_code == 400
        assert 'id="gatehouse-messages"' in answer.text
    article = _stored(app)
    assert article is not None
    assert article.title == "Hers"


@pytest.mark.parametrize("version", HTMX_PACKAGES)
def test_the_configuration_chooses_the_htmx(app: Flask, client: FlaskClient, tmp_path: Path, version: str) -> None:
    folder = tmp_path / HTMX_PACKAGES[version] / "dist"
    folder.mkdir(parents=True)
    (folder / "htmx.min.js").write_text(f"version {version}")
    app.config.update(HTMX_VERSION=version, NODE_MODULES=tmp_path)
    answer = client.get("/htmx.js")
    assert (answer.text, answer.mimetype) == (f"version {version}", "text/javascript")
    answer.close()
