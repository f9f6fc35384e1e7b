"""Which network an address is in, and what answers for it."""

import pytest

from flask_gatehouse.kernel.networks import network_of, networks_to_hold


@pytest.mark.parametrize(
    ("address", "network", "held"),
    [
        ("192.0.2.7", "192.0.2.0/24", [("192.0.2.7/32", 1)]),
        ("::ffff:192.0.2.7", "192.0.2.0/24", [("192.0.2.7/32", 1)]),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64", [("2001:db8:1:2::/64", 1), ("2001:db8:1::/48", 16)]),
        ("", None, []),
        ("nowhere", None, []),
        (None, None, []),
    ],
)
def test_networks(address: str | None, network: str | None, held: list[tuple[str, int]]) -> None:
    assert network_of(address) == network
    assert list(networks_to_hold(address)) == held
