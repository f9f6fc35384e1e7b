"""Whose address a request is counted under, in every form in which a proxy may write it."""

import pytest

from flask_gatehouse.web.connection import client_address


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("198.51.100.1, 192.0.2.7:4711", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:4711", "192.0.2.7"),
        ("unknown", None),
        ("192.0.2.7:4711:1", None),
        ("", "127.0.0.1"),
    ],
)
def test_a_proxy_may_add_the_port(told: str, address: str | None) -> None:
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": told}
    assert client_address(environ, 1) == address
    assert client_address(environ, 0) == "127.0.0.1"


def test_a_socket_for_both_kinds_of_address_says_the_same_as_one_for_each() -> None:
    """As IPv6 all of IPv4 would be one network, and one limit."""
    assert client_address({"REMOTE_ADDR": "::ffff:192.0.2.7"}, 0) == "192.0.2.7"
