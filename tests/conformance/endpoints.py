"""What any endpoint of a provider can do instead of answering, and what becomes of the sign-in."""

import gzip
from collections.abc import Callable
from typing import Any

from flask_gatehouse.signin.errors import ProviderUnavailable, Reason

from .edits import Change, Row, all_of, userinfo
from .hostile import Exchange


def _hang(exchange: Exchange) -> None:
    exchange.provider.released.wait(20)


def _drip(exchange: Exchange, prelude: bytes) -> None:
    exchange.wfile.write(prelude)
    while not exchange.provider.released.wait(0.05):
        exchange.wfile.write(b"x")


def _endless(exchange: Exchange) -> None:
    exchange.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        exchange.wfile.write(b" " * 65536)


def _redirect(exchange: Exchange) -> None:
    exchange.answer("", 307, Location=f"{exchange.provider.issuer}/elsewhere")


def _endless_redirect(exchange: Exchange) -> None:
    exchange.wfile.write(b"HTTP/1.0 302 Found\r\nLocation: /elsewhere\r\n\r\n")
    while True:
        exchange.wfile.write(b" " * 65536)


def _hang_up(exchange: Exchange) -> None:
    exchange.connection.close()


# What an endpoint does, and whether that is an outage or an answer that cannot be used.
_OUTAGES: dict[str, Callable[[Exchange], object]] = {
    "hangs": _hang,
    "drips its headers": lambda exchange: _drip(exchange, b"HTTP/1.0 200 OK\r\nX-Drip: "),
    "drips its body": lambda exchange: _drip(exchange, b"HTTP/1.0 200 OK\r\n\r\n"),
    "never ends": _endless,
    "never ends its redirect": _endless_redirect,
    "answers too much": lambda exchange: exchange.answer(b"[" + b" " * 70_000 + b"]"),
    "hangs up": _hang_up,
    "promises more than it sends": lambda exchange: exchange.wfile.write(
        b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n{}"
    ),
    "does not speak HTTP": lambda exchange: exchange.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "is broken": lambda exchange: exchange.answer("<h1>500</h1>", 500),
    "is under maintenance": lambda exchange: exchange.answer("<h1>503</h1>", 503, Retry_After="60"),
    "wants us to slow down": lambda exchange: exchange.answer_json({"error": "slow_down"}, 429),
    "sends a bomb": lambda exchange: exchange.answer(gzip.compress(b" " * 10**7), Content_Encoding="gzip"),
}
# Ended by the deadline alone; long enough for the calls before it, on a slow machine too.
_SLOW = {"hangs", "drips its headers", "drips its body"}
_NONSENSE: dict[str, Callable[[Exchange], object]] = {
    "redirects": _redirect,
    "is not there": lambda exchange: exchange.answer("<h1>404</h1>", 404),
    "is forbidden": lambda exchange: exchange.answer_json({}, 403),
    "answers HTML": lambda exchange: exchange.answer("<h1>Sign in to the wireless network</h1>"),
    "answers nothing": lambda exchange: exchange.answer(""),
    "answers a list": lambda exchange: exchange.answer_json([]),
    "answers null": lambda exchange: exchange.answer_json(None),
    "answers without content": lambda exchange: exchange.answer("", 204),
    "answers in Latin-1": lambda exchange: exchange.answer(b'{"a": "\xe4"}'),
    "nests without end": lambda exchange: exchange.answer('{"a":' * 5000),
}
# Where a code is exchanged, that is no refusal of the code.
_NOT_REACHED = {"is not there", "is forbidden"}
_ENDPOINTS = {
    "/.well-known/openid-configuration": Reason.DISCOVERY_INVALID,
    "/jwks": Reason.DISCOVERY_INVALID,
    "/token": Reason.PROVIDER_ANSWER,
    "/userinfo": Reason.PROVIDER_ANSWER,
}


def _replaced(path: str, handler: Any) -> Change:
    return all_of(userinfo(), lambda provider: provider.handlers.update({path: handler}))


ROWS = [
    Row(
        f"{path} {name}",
        _replaced(path, handler),
        ProviderUnavailable if path == "/token" and name in _NOT_REACHED else expected,
        0.5 if name in _SLOW else 5.0,
    )
    for path, reason in _ENDPOINTS.items()
    for expected, handlers in ((ProviderUnavailable, _OUTAGES), (reason, _NONSENSE))
    for name, handler in handlers.items()
]
