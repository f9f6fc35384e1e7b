"""Names that are looked up while a call is waited for, and no longer."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from flask_gatehouse.signin.deadline import Deadline
from flask_gatehouse.signin.errors import ProviderUnavailable
from flask_gatehouse.signin.http import ProviderHttp
from flask_gatehouse.signin.names import Names, NoLookUp

PLACES = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]


def name_server(monkeypatch: pytest.MonkeyPatch, look_up: Callable[[], Any]) -> None:
    """Let names be looked up like this, and addresses as always."""
    known = socket.getaddrinfo

    def asked(host: str, port: int, **options: int) -> Any:
        return known(host, port, **options) if options.get("flags") else look_up()

    monkeypatch.setattr(socket, "getaddrinfo", asked)


def let_end(released: threading.Event) -> None:
    released.set()
    for thread in threading.enumerate():
        if thread.name == "gatehouse-look-up":
            thread.join(30)


def test_a_hanging_name_server_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    name_server(monkeypatch, lambda: released.wait(30) and PLACES)
    client = ProviderHttp("example", "https://elsewhere.example", deadline=0.1)
    began = time.monotonic()
    with pytest.raises(ProviderUnavailable):
        client.get("https://elsewhere.example/", limit=100)
    assert time.monotonic() - began < 10
    let_end(released)


def test_look_ups_that_nobody_waits_for_any_more_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released, names, asked = threading.Event(), Names(2), []
    name_server(monkeypatch, lambda: asked.append(1) or (released.wait(30) and PLACES))
    for _ in range(2):
        with pytest.raises(TimeoutError):
            names.addresses("elsewhere.example", 443, Deadline(0.05))
    with pytest.raises(NoLookUp):
        names.addresses("elsewhere.example", 443, Deadline(30))
    assert len(asked) == 2
    let_end(released)
    assert names.addresses("elsewhere.example", 443, Deadline(30)) == PLACES


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_an_address_asks_nobody(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    name_server(monkeypatch, lambda: pytest.fail("somebody was asked"))
    assert Names(0).addresses(address, 443, Deadline(30))[0][4][:2] == (address, 443)


def test_a_machine_without_threads_left_keeps_its_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    name_server(monkeypatch, lambda: PLACES)
    names = Names(1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(NoLookUp):
            names.addresses("elsewhere.example", 443, Deadline(30))
    assert names.addresses("elsewhere.example", 443, Deadline(30)) == PLACES


def test_what_a_name_server_does_not_know_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "nobody knows it")

    name_server(monkeypatch, unknown)
    with pytest.raises(socket.gaierror):
        Names(1).addresses("elsewhere.example", 443, Deadline(30))
    with pytest.raises(UnicodeError):
        Names(1).addresses(f"{'a' * 64}.example", 443, Deadline(30))
