"""The embedded provider stands on its developer's machine and nowhere else."""

from typing import Any

import pytest

from flask_gatehouse.dev.guards import EmbeddedProviderRefused, is_from_this_machine, refuse_outside_development
from flask_gatehouse.settings import Settings

HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:5000"}


def settings(**values: str) -> Settings:
    return Settings.load(values, {})


@pytest.mark.parametrize(
    "base_url", ["http://localhost:5000", "http://127.0.0.1:8000", "http://[::1]:5000", "https://localhost"]
)
def test_it_may_stand_on_this_machine_in_development(base_url: str) -> None:
    refuse_outside_development(settings(GATEHOUSE_ENV="development", GATEHOUSE_BASE_URL=base_url))


def test_production_refuses_it() -> None:
    production = settings(
        GATEHOUSE_ENV="production",
        GATEHOUSE_BASE_URL="https://localhost",
        SECRET_KEY="k9sJ2mQx7vTz4bNw8cRd1fGh5jLp3aYe",
    )
    with pytest.raises(EmbeddedProviderRefused, match="GATEHOUSE_ENV=development alone"):
        refuse_outside_development(production)


@pytest.mark.parametrize("base_url", ["https://app.example.com", "https://192.168.1.2", "http://app.localhost:5000"])
def test_an_address_that_others_can_type_refuses_it(base_url: str) -> None:
    with pytest.raises(EmbeddedProviderRefused, match="GATEHOUSE_BASE_URL"):
        refuse_outside_development(settings(GATEHOUSE_ENV="development", GATEHOUSE_BASE_URL=base_url))


def test_a_proxy_in_front_refuses_it() -> None:
    with pytest.raises(EmbeddedProviderRefused, match="GATEHOUSE_TRUSTED_PROXIES"):
        refuse_outside_development(settings(GATEHOUSE_ENV="development", GATEHOUSE_TRUSTED_PROXIES="1"))


def test_every_reason_is_said_at_once() -> None:
    worst = settings(
        GATEHOUSE_ENV="production",
        GATEHOUSE_BASE_URL="https://app.example.com",
        GATEHOUSE_TRUSTED_PROXIES="1",
        SECRET_KEY="k9sJ2mQx7vTz4bNw8cRd1fGh5jLp3aYe",
    )
    with pytest.raises(EmbeddedProviderRefused) as caught:
        refuse_outside_development(worst)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"])
def test_this_machine_is_answered(peer: str, host: str) -> None:
    assert is_from_this_machine({"REMOTE_ADDR": peer, "HTTP_HOST": host})


@pytest.mark.parametrize(
    "changed",
    [
        {"REMOTE_ADDR": "192.168.1.7"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": None},
        {"HTTP_HOST": "evil.example:5000"},
        {"HTTP_HOST": "localhost.evil.example"},
        {"HTTP_HOST": "localhost@evil.example"},
        {"HTTP_HOST": "[::1"},
        {"HTTP_HOST": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_FORWARDED_HOST": ""},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_X_REAL_IP": "127.0.0.1"},
        {"HTTP_VIA": "1.1 somebody"},
    ],
)
def test_anybody_else_is_not(changed: dict[str, Any]) -> None:
    assert not is_from_this_machine(HERE | changed)
