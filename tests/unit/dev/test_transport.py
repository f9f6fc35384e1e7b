"""The transport asks the application itself, and neither side sees the other's request."""

import json
from contextvars import ContextVar

import pytest
from flask import Flask, Response, abort, g, has_app_context, request

from flask_gatehouse.dev.transport import InProcessTransport
from flask_gatehouse.signin.call import Call

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
def transport(app: Flask) -> InProcessTransport:
    return InProcessTransport(app, ISSUER)


def test_bodies_queries_and_headers_arrive(transport: InProcessTransport) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic bWU6c2VjcmV0"}
    answer = transport.send(Call("POST", f"{ISSUER}/echo?a=1%202", form, b"name=Zo%C3%AB"))
    seen = json.loads(answer.body)
    assert answer.status == 200
    assert seen["url"] == f"{ISSUER}/echo?a=1%202"
    assert seen["form"] == {"name": "Zoë"}
    assert seen["authorization"] == "Basic bWU6c2VjcmV0"
    assert (seen["peer"], seen["host"]) == ("127.0.0.1", "localhost:5000")


def test_status_headers_and_bytes_come_back(transport: InProcessTransport) -> None:
    answer = transport.send(Call("GET", f"{ISSUER}/raw", {}))
    assert answer.status == 418
    assert answer.body == ("ü" * 3).encode()
    assert answer.header("X-Twice") == "1, 2"
    assert transport.send(Call("GET", f"{ISSUER}/refused", {})).status == 403


def test_a_redirect_is_handed_back(transport: InProcessTransport) -> None:
    answer = transport.send(Call("GET", f"{ISSUER}/away", {}))
    assert (answer.status, answer.header("Location")) == (302, f"{ISSUER}/echo")


def test_the_requests_do_not_see_each_other(app: Flask, transport: InProcessTransport) -> None:
    with app.test_request_context("/outside"):
        g.mark = "outer"
        left_behind.set("outer")
        seen = json.loads(transport.send(Call("POST", f"{ISSUER}/echo", {})).body)
        assert (seen["g"], seen["variable"]) == (None, "nothing")
        assert (g.mark, left_behind.get(), request.path) == ("outer", "outer", "/outside")
    assert not has_app_context()


@pytest.mark.parametrize("url", ["http://localhost:5000/gate/dev/providers", "http://localhost:5000/", "http://other/"])
def test_other_addresses_are_refused(transport: InProcessTransport, url: str) -> None:
    with pytest.raises(ValueError, match="not an address of the embedded provider"):
        transport.send(Call("GET", url, {}))
