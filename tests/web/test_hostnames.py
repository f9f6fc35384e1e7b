"""Names of hosts that no host can have: there is no address from which a page could be made, and no bug either."""

import pytest
from flask.testing import FlaskClient

from flask_gatehouse.testing import sign_in_as
from tests.web.test_answers import HTMX, JSON

IMPOSSIBLE = ["a..b", ".evil", "x" * 64]
PATHS = ["/", "/auth/login", "/dashboard", "/nowhere", "/static/gatehouse/gatehouse.css", "/healthz"]


@pytest.mark.parametrize("host", IMPOSSIBLE)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, HTMX, JSON], ids=["page", "htmx", "json"])
def test_an_impossible_name_is_a_bad_request(
    client: FlaskClient, host: str, path: str, headers: dict[str, str]
) -> None:
    with client.get(path, headers=headers, environ_overrides={"HTTP_HOST": host}) as answer:
        assert answer.status_code == 400
        assert host not in answer.get_data(as_text=True)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_so_it_is_for_whoever_is_signed_in(client: FlaskClient) -> None:
    who = sign_in_as(client)
    impossible = {"HTTP_HOST": "a..b"}
    assert client.get("/dashboard", environ_overrides=impossible).status_code == 400
    assert client.post("/auth/logout", headers=who.headers, environ_overrides=impossible).status_code == 400
    assert client.get("/dashboard").status_code == 200
