"""What a deployment believes of its caller: a forged name, a forged address; and how often she may ask."""

import ipaddress
import secrets
import socket
import time

from ...audit.reading import TrailEvent, events_of_numbers, newest_number
from .finding import Check, Finding, Item, failed, ok, unknown, warning
from .live_sign_in import first_provider
from .site import Site, made_up
from .subject import Subject

# Of what others do meanwhile, so many events are looked at to find our own.
_LOOKED_AT = 500
# More tries than this are no harmless look.
_MOST_TRIES = 60
# Seconds: of a shorter time the first tries are forgotten before the last is made.
_SHORTEST_S = 30
_COUNT_THEM = "Set GATEHOUSE_TRUSTED_PROXIES to the number of your proxies."


def forged_host(subject: Subject) -> Finding:
    """Ask for a sign-in under another name: a link to it would lead people away."""
    site, name = subject.live, f"{made_up()}.example"
    tried = ({"host": name}, {"headers": {"X-Forwarded-Host": name}}, {"headers": {"Forwarded": f"host={name}"}})
    for options in tried:
        for path in ("/auth/login", "/account", "/auth/login/nobody-is-called-this"):
            answer = site.ask(path, **options)
            if name in answer.location or name in answer.body:
                return failed(
                    f"GET {path} with a forged name was answered with an address of that name.",
                    "Build links from GATEHOUSE_BASE_URL, and let the proxy set Host.",
                )
    return ok("A forged Host, X-Forwarded-Host and Forwarded changed no address in nine answers.")


def forged_address(subject: Subject) -> Finding:
    """Come back from a provider with a forged address; the trail says whom it saw."""
    forged = _made_up_address()
    event = _refused_with(subject, forged)
    if isinstance(event, Finding):
        return event
    seen = event.personal.get("ip")
    if seen == forged:
        return failed(
            "The trail believed a forged X-Forwarded-For: whoever asks chooses the address that she is known by.",
            "Set GATEHOUSE_TRUSTED_PROXIES to the number of your proxies, and let the outermost replace the header.",
        )
    if _is_proxys(seen, subject.live):
        return failed(
            f"The trail saw {seen or 'no address'}, which is a proxy's: everybody counts as one person.", _COUNT_THEM
        )
    return ok(f"A forged X-Forwarded-For was sent; the trail saw {seen}.")


def _refused_with(subject: Subject, forged: str) -> TrailEvent | Finding:
    """Come back from a provider that we were not sent to; return what the trail says of it, or why that is not known.

    :param forged: the address that we say to be ours.
    """
    mark = made_up()
    with subject.database.reading() as connection:
        before = newest_number(connection)
    sent = {"User-Agent": f"gatehouse doctor {mark}", "X-Forwarded-For": forged, "Forwarded": f'for="[{forged}]"'}
    answer = subject.live.ask(f"/auth/authorize/{first_provider(subject)}?state={mark}", sent)
    if answer.status == 429:
        return unknown("Too many came back from a provider just now.", "Ask again in a minute.")
    return _find(subject, before, mark) or unknown(
        "A refused sign-in was caused, and does not stand in the trail of this configuration.",
        "Look whether the deployment has the same DATABASE_URL.",
    )


def _is_proxys(seen: str | None, site: Site) -> bool:
    """Return whether we speak to another machine, and yet it took us for somebody on its own."""
    if seen is None:
        return True
    peers = {str(one[4][0]) for one in socket.getaddrinfo(site.host, site.port, proto=socket.IPPROTO_TCP)}
    is_here = any(ipaddress.ip_address(peer.partition("%")[0]).is_loopback for peer in peers)
    return ipaddress.ip_address(seen).is_loopback and not is_here


def _made_up_address() -> str:
    # Of the addresses that stand in examples alone (RFC 3849).
    return str(ipaddress.IPv6Address((0x20010DB8 << 96) | secrets.randbits(64)))


def _find(subject: Subject, before: int, mark: str) -> TrailEvent | None:
    with subject.database.reading() as connection:
        last = min(newest_number(connection), before + _LOOKED_AT)
        events = events_of_numbers(connection, range(before + 1, last + 1))
    return next((one for one in events if mark in one.personal.get("user_agent", "")), None)


def rate_limit(subject: Subject) -> Finding:
    """Begin sign-ins until one is refused. It is made last, and what it uses up comes back within the limit's time."""
    site, limit = subject.live, subject.settings.rate_limit_sign_in
    seconds = int(limit.within.total_seconds())
    if limit.times > _MOST_TRIES or seconds < _SHORTEST_S:
        return unknown(
            f"{limit.times} sign-ins in {seconds} seconds are allowed, which cannot be tried.",
            "Set GATEHOUSE_RATE_LIMIT_SIGN_IN to what a person needs.",
        )
    event = _refused_with(subject, _made_up_address())
    if isinstance(event, TrailEvent) and _is_proxys(event.personal.get("ip"), site):
        return unknown("It was not tried: everybody counts as one person, and would be refused.", _COUNT_THEM)
    began = time.monotonic()
    for number in range(1, limit.times + 2):
        answer = site.ask(f"/auth/login/{first_provider(subject)}")
        if answer.status == 429:
            wait = answer.get("Retry-After")
            if wait is None:
                return warning(
                    f"Sign-in number {number} was refused, without Retry-After.", "Let the proxy pass it on."
                )
            return ok(f"Of {limit.times} sign-ins that are allowed, number {number} was refused, for {wait} seconds.")
    if time.monotonic() - began > seconds:
        return unknown(f"To begin {limit.times + 1} sign-ins took longer than they are counted.")
    return failed(
        f"{limit.times + 1} sign-ins began, of which {limit.times} are allowed: nobody counts, or each process for"
        " itself.",
        "Set REDIS_URL, so that all processes count together.",
    )


CHECKS = (
    Check("forged_host", "A forged name gets no links", Item.PROXY, forged_host),
    Check("forged_address", "A forged address is not believed", Item.PROXY, forged_address),
    Check("rate_limit", "Too many sign-ins are refused", Item.RATE_LIMIT, rate_limit, is_last=True, deadline=60),
)
