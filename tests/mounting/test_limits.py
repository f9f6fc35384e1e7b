"""A host's own views behind a limit, where it asks for one."""

import pytest
from flask import Flask

from flask_gatehouse import login_required, rate_limit
from flask_gatehouse.testing import sign_in_as
from tests.mounting.hosts import HTMX, host


def limited(app: Flask) -> Flask:
    @app.get("/search")
    @rate_limit("2 per minute")
    def search() -> str:
        return "found"

    @app.get("/report")
    @login_required
    @rate_limit()
    def report() -> str:
        return "report"

    @app.get("/coroutine")
    @rate_limit("1 per minute")
    async def coroutine() -> str:
        return "awaited"

    return app


def test_a_host_limits_a_view_of_its_own(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        client = limited(app).test_client()
        assert [client.get("/search").status_code for _ in range(3)] == [200, 200, 429]
        refused = client.get("/search", headers=HTMX)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.headers["Cache-Control"] == "no-store"
        # What it has not asked for is not limited.
        assert [client.get("/plain").status_code for _ in range(5)] == [200] * 5


def test_a_view_may_draw_on_what_each_person_has_in_all(sqlite_url: str) -> None:
    with host(sqlite_url, GATEHOUSE_RATE_LIMIT="3 per minute") as app:
        client = limited(app).test_client()
        sign_in_as(client)
        assert client.get("/gate/account").status_code == 200
        assert [client.get("/report").status_code for _ in range(3)] == [200, 200, 429]
        assert client.get("/gate/account").status_code == 429


def test_two_hosts_in_one_process_do_not_count_together(sqlite_url: str) -> None:
    with host(sqlite_url) as one, host(sqlite_url) as other:
        clients = [limited(app).test_client() for app in (one, other)]
        assert [client.get("/search").status_code for client in clients * 2] == [200] * 4
        assert [client.get("/search").status_code for client in clients] == [429, 429]


def test_an_allowance_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="must read like"):
        rate_limit("often")
