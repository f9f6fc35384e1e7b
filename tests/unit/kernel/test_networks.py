"""Which network an address is in, and what answers for it."""

import pytest

from flask_gatehouse.kernel.networks import address_of, line_of, network_of, networks_to_hold


@pytest.mark.parametrize(
    ("address", "network", "held"),
    [
        ("192.0.2.7", "192.0.2.0/24", [("192.0.2.7/32", 1)]),
        ("::ffff:192.0.2.7", "192.0.2.0/24", [("192.0.2.7/32", 1)]),
        ("::ffff:c000:207", "192.0.2.0/24", [("192.0.2.7/32", 1)]),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64", [("2001:db8:1:2::/64", 1), ("2001:db8:1::/48", 16)]),
        ("", None, []),
        ("nowhere", None, []),
        (None, None, []),
    ],
)
def test_networks(address: str | None, network: str | None, held: list[tuple[str, int]]) -> None:
    assert network_of(address) == network
    assert list(networks_to_hold(address)) == held
    assert line_of(address) == (held[0][0] if held else None)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("2001:db8::ffff:192.0.2.7", "2001:db8::ffff:c000:207"),
        ("nowhere", None),
        ("", None),
    ],
)
def test_an_address_has_one_form(text: str, address: str | None) -> None:
    assert address_of(text) == address
