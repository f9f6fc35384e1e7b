"""Calls that end. What peers do to them over sockets is in ``tests/conformance``."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead
from socket import create_server

import pytest

from flask_gatehouse.signin import http
from flask_gatehouse.signin.call import Answer, Call
from flask_gatehouse.signin.errors import ProviderUnavailable
from flask_gatehouse.signin.http import ProviderHttp

from .scripted import ISSUER, Scripted, response

URL = f"{ISSUER}/page"


def http_to(page: object, **options: float) -> tuple[ProviderHttp, Scripted]:
    transport = Scripted({"/page": page})
    return ProviderHttp("example", ISSUER, transport, **options), transport  # type: ignore[arg-type]


def raising(error: Exception) -> Callable[[Call], Answer]:
    def page(call: Call) -> Answer:
        raise error

    return page


def test_an_answer_is_returned_whole_with_any_status_below_500() -> None:
    client, transport = http_to(response({"a": 1}, 404, ETag="x"))
    answer = client.get(URL, limit=100, headers={"Authorization": "Bearer token"})
    assert (answer.status, answer.header("etag"), answer.body) == (404, "x", b'{"a": 1}')
    assert dict(transport.seen[0].headers) == {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Authorization": "Bearer token",
        "Connection": "close",
        "User-Agent": "Flask-Gatehouse",
    }


@pytest.mark.parametrize(
    "page",
    [
        *(response({}, status) for status in (500, 502, 503, 504, 408, 425, 429)),
        response(b"x" * 101),
        response(b"{}", Content_Encoding="gzip"),
        Answer(200, [("Content-Encoding", "identity"), ("Content-Encoding", "gzip")], b"{}"),
        *(raising(error) for error in (TimeoutError(), IncompleteRead(b""), OSError(), UnicodeError())),
    ],
)
def test_what_is_no_answer_is_an_outage(page: object) -> None:
    client, _ = http_to(page)
    with pytest.raises(ProviderUnavailable) as unavailable:
        client.get(URL, limit=100)
    assert unavailable.value.provider == "example"
    assert unavailable.value.retry_after > 0


def test_a_limit_is_the_largest_answer() -> None:
    assert http_to(response(b"x" * 100))[0].get(URL, limit=100).body == b"x" * 100


def test_an_address_that_cannot_be_called_is_an_outage() -> None:
    client, transport = http_to({})
    with pytest.raises(ProviderUnavailable):
        client.get("https://[::1/", limit=100)
    assert transport.seen == []


def test_only_addresses_below_the_issuer_go_through_the_transport(closed_port: int) -> None:
    client, transport = http_to({})
    for url in (f"{ISSUER}.evil.example/page", f"http://127.0.0.1:{closed_port}/page"):
        with pytest.raises(ProviderUnavailable):
            client.get(url, limit=100)
    assert transport.seen == []


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    with create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.2)
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(ProviderUnavailable):
            ProviderHttp("example", ISSUER).get(f"http://127.0.0.1:{closed_port}/", limit=100)
        with pytest.raises(TimeoutError):
            proxy.accept()


def test_a_provider_that_hangs_takes_its_slots_and_no_more() -> None:
    """Whoever comes while all slots are taken by calls that run out of time is told so at once."""
    with create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(2) as pool:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        client = ProviderHttp("example", url, deadline=1.0, slots=2)
        with pytest.raises(ProviderUnavailable):
            client.get(url, limit=100)
        hanging = [pool.submit(client.get, url, limit=100) for _ in range(2)]
        silent.settimeout(30)
        taken = [silent.accept()[0] for _ in range(3)]
        began = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            client.get(url, limit=100)
        assert time.monotonic() - began < 0.5
        assert all(isinstance(call.exception(), ProviderUnavailable) for call in hanging)
        for connection in taken:
            connection.close()


def test_a_rush_waits_for_its_turn_while_the_provider_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    # The turns of thirty threads may take longer than a person would wait, on a machine that does other things too.
    monkeypatch.setattr(http, "PATIENCE", 60.0)

    def page(call: Call) -> Answer:
        time.sleep(0.01)
        return response({})

    client, _ = http_to(page, slots=2)
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: client.get(URL, limit=100).status, range(30)))
    assert answers == [200] * 30


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(200, b'{"a": 1}', {"a": 1}), (200, b"[]", None), (200, b"", None), (204, b"{}", None), (404, b"{}", None)],
)
def test_only_a_successful_json_object_counts(status: int, body: bytes, expected: object) -> None:
    assert Answer(status, [], body).json_object() == expected
