"""The transport asks the application itself, and neither side sees the other's request."""

from contextvars import ContextVar

import pytest
import requests
from flask import Flask, Response, abort, g, has_app_context, request
from requests.exceptions import InvalidURL

from flask_gatehouse.dev.transport import InProcessTransport

ISSUER = "http://localhost:5000/gate/dev/provider"
left_behind: ContextVar[str] = ContextVar("left_behind", default="nothing")


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)

    @app.post("/gate/dev/provider/echo")
    def echo() -> dict[str, object]:
        seen = {"g": g.get("mark"), "variable": left_behind.get()}
        left_behind.set("something")
        g.mark = "inner"
        return seen | {
            "url": request.url,
            "peer": request.remote_addr,
            "form": request.form.to_dict(),
            "authorization": request.headers.get("Authorization"),
            "host": request.host,
        }

    @app.get("/gate/dev/provider/raw")
    def raw() -> Response:
        return Response("ü" * 3, 418, headers=[("X-Twice", "1"), ("X-Twice", "2")])

    @app.get("/gate/dev/provider/away")
    def away() -> Response:
        return Response(status=302, headers={"Location": f"{ISSUER}/echo"})

    @app.get("/gate/dev/provider/refused")
    def refused() -> Response:
        abort(403)

    return app


@pytest.fixture
def session(app: Flask) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount(ISSUER, InProcessTransport(app, ISSUER))
    return session


def test_bodies_queries_and_headers_arrive(session: requests.Session) -> None:
    answer = session.post(f"{ISSUER}/echo?a=1%202", data={"name": "Zoë"}, auth=("me", "secret"))
    seen = answer.json()
    assert answer.status_code == 200
    assert seen["url"] == f"{ISSUER}/echo?a=1%202"
    assert seen["form"] == {"name": "Zoë"}
    assert seen["authorization"] == "Basic bWU6c2VjcmV0"
    assert (seen["peer"], seen["host"]) == ("127.0.0.1", "localhost:5000")


def test_status_headers_and_bytes_come_back(session: requests.Session) -> None:
    answer = session.get(f"{ISSUER}/raw", stream=True)
    assert answer.status_code == 418
    assert b"".join(answer.iter_content(2)) == ("ü" * 3).encode()
    assert answer.headers["X-Twice"] == "1, 2"
    assert session.get(f"{ISSUER}/refused").status_code == 403


def test_a_redirect_is_handed_back(app: Flask) -> None:
    prepared = requests.Request("GET", f"{ISSUER}/away").prepare()
    answer = InProcessTransport(app, ISSUER).send(prepared)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{ISSUER}/echo")


def test_the_requests_do_not_see_each_other(app: Flask, session: requests.Session) -> None:
    with app.test_request_context("/outside"):
        g.mark = "outer"
        left_behind.set("outer")
        seen = session.post(f"{ISSUER}/echo").json()
        assert (seen["g"], seen["variable"]) == (None, "nothing")
        assert (g.mark, left_behind.get(), request.path) == ("outer", "outer", "/outside")
    assert not has_app_context()


@pytest.mark.parametrize("url", ["http://localhost:5000/gate/dev/providers", "http://localhost:5000/", "http://other/"])
def test_other_addresses_are_refused(app: Flask, url: str) -> None:
    with pytest.raises(InvalidURL):
        InProcessTransport(app, ISSUER).send(requests.Request("GET", url).prepare())
