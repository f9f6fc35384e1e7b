"""Networks, as far as an address tells of one."""

import ipaddress


def network_of(address: str | None) -> str | None:
    """Return the network that somebody is in who has this address, or None if it is none.

    An IPv4 address and its 255 neighbours, and the 64 bits of an IPv6 address that a provider gives to one line:
    whoever has the line has all addresses below them.
    """
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 64), strict=False))
