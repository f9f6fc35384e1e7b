"""The secret that a provider knows us by is changed while people are on their way: they come in, or are told."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

import pytest

from tests.conformance.hostile import CLIENT_ID, Exchange
from tests.faults.provider import FarProvider, running_far_provider
from tests.nodes.people import Browser, new_address, reason_of, set_cookies_of
from tests.ports import free_port
from tests.processes import Node, running_gatehouse

Open = Callable[[Node], Browser]
OLD, NEW = "the old secret", "the new secret+%/:"


@dataclass
class Registration:
    """What the provider has written down about us.

    :param secrets: each of which it takes for ours.
    """

    far: FarProvider
    secrets: set[str] = field(default_factory=lambda: {OLD})

    def __post_init__(self) -> None:
        answer = self.far.server.handlers["/token"]

        def ask_for_the_secret(exchange: Exchange) -> None:
            said = base64.b64decode(exchange.headers["Authorization"].removeprefix("Basic ")).decode()
            client, _, secret = said.partition(":")
            if (unquote_plus(client), unquote_plus(secret)) in {(CLIENT_ID, known) for known in self.secrets}:
                answer(exchange)
            else:
                exchange.answer_json({"error": "invalid_client"}, 401)

        self.far.server.handlers["/token"] = ask_for_the_secret


@pytest.fixture
def registration() -> Iterator[Registration]:
    with running_far_provider() as far:
        yield Registration(far)


@contextmanager
def running_node(registration: Registration, url: str, port: int, secret: str) -> Iterator[Node]:
    environment = registration.far.environment | {
        "GATEHOUSE_OIDC_FAR_CLIENT_SECRET": secret,
        "GATEHOUSE_BASE_URL": f"http://localhost:{port}",
        "DATABASE_URL": url,
        "SECRET_KEY": "the same before and after, of 32 bytes or more",
        "GATEHOUSE_REFUSAL_LIMIT": "4 per hour",
    }
    with running_gatehouse(environment, port=port) as node:
        yield node


def test_one_after_the_other(registration: Registration, database_url: str, open_browser: Open) -> None:
    """As the documentation has it: the provider takes both while nodes restart, and then the new one alone."""
    far, port = registration.far, free_port()
    with running_node(registration, database_url, port, OLD) as node:
        inside = open_browser(node)
        assert far.sign_in(inside, new_address()).status_code == 302
        under_way = open_browser(node)
        callback = far.begin(under_way, new_address())
    registration.secrets.add(NEW)
    with running_node(registration, database_url, port, NEW) as node:
        # Begun before, and ended with the other secret.
        assert under_way.get(callback).status_code == 302
        assert inside.is_signed_in()
        registration.secrets.remove(OLD)
        assert far.sign_in(open_browser(node), new_address()).status_code == 302
        assert under_way.is_signed_in()


def test_at_once(registration: Registration, database_url: str, open_browser: Open) -> None:
    """A provider that takes one secret alone: until the nodes know it, sign-ins end with a page that says so."""
    far, port = registration.far, free_port()
    with running_node(registration, database_url, port, OLD) as node:
        inside, under_way = open_browser(node), open_browser(node)
        assert far.sign_in(inside, new_address()).status_code == 302
        callback = far.begin(under_way, new_address())
        registration.secrets = {NEW}
        refused = under_way.get(callback)
        assert (refused.status_code, reason_of(refused)) == (400, "provider_error")
        assert "Start again from the sign-in page." in refused.text
        assert not any(secret in refused.text for secret in (OLD, NEW))
        assert not any(cookie.startswith("gatehouse=") for cookie in set_cookies_of(refused))
        # The operator reads which of the provider's errors it is.
        assert "answered the exchange of a code with invalid_client" in node.log
        assert OLD not in node.log
        assert inside.is_signed_in()
        # It is the operator's to mend: nobody of the network has to wait for what went wrong between the two.
        for _ in range(4):
            refused = under_way.get(far.begin(under_way, new_address()))
            assert (refused.status_code, reason_of(refused)) == (400, "provider_error")
    with running_node(registration, database_url, port, NEW) as node:
        assert inside.is_signed_in()
        assert far.sign_in(under_way, new_address()).status_code == 302
