"""Networks, as far as an address tells of one."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache


# Whoever asks does so more than once, and what she does is told several times in each request.
@lru_cache(maxsize=1024)
def address_of(text: str) -> str | None:
    """Return an address in the one form in which it is kept and compared, or None if it is none."""
    found = _parsed(text)
    return None if found is None else str(found)


def network_of(address: str | None) -> str | None:
    """Return the network that somebody is in who has this address, or None if it is none.

    An IPv4 address and its 255 neighbours, and the 64 bits of an IPv6 address that a provider gives to one line:
    whoever has the line has all addresses below them.
    """
    found = _parsed(address)
    if found is None:
        return None
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 64), strict=False))


@lru_cache(maxsize=1024)
def line_of(address: str | None) -> str | None:
    """Return the network of which one caller has every address, or None if this is none.

    One IPv4 address, and the 64 bits of IPv6 that a provider gives to one line.
    """
    found = _parsed(address)
    if found is None:
        return None
    return str(ipaddress.ip_network((found, 32 if found.version == 4 else 64), strict=False))


# A sign-in asks twice, and whoever comes back from her provider does so from the same address.
@lru_cache(maxsize=1024)
def networks_to_hold(address: str | None) -> Sequence[tuple[str, int]]:
    """Return the networks that answer for what comes from an address, and how many lines each may well be.

    One IPv4 address: its neighbours are other people, whom nobody may keep out. Of IPv6 the 64 bits of one line, and
    the 48 bits that a provider gives to one site: whoever has a site has 65,536 lines to come from.
    """
    line, found = line_of(address), _parsed(address)
    if line is None or found is None:
        return ()
    site = ((str(ipaddress.ip_network((found, 48), strict=False)), 16),) if found.version == 6 else ()
    return ((line, 1), *site)


def _parsed(address: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    # A socket for both kinds writes IPv4 in this form (RFC 4291 section 2.5.5.2): all of IPv4 would be one network.
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
