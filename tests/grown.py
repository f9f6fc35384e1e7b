"""Databases that have grown: each table that grows with people or with events holds as many rows as one asks for."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from flask_gatehouse.accounts.fold import search_text_of

ISSUER = "https://accounts.google.com"
OFFICE = "198.51.100.7"
# Of so many rows one is still of some use: a session that lives, an invitation that is open.
LIVING_IN = 10
# The last events of the trail have no place in the tree yet.
UNSEALED = 20
_FIRST = ("Ada", "Björn", "Chloé", "Dmitri", "Edsger", "Fatima", "Grace", "Hedy", "Joan", "Linus", "Olga")
_LAST = ("Abelson", "Curie", "Dijkstra", "Fischer", "García", "Hopper", "Ivanova", "Lovelace", "Müller")
_HOSTS = ("example.com", "example.org", "mail.example.net")
_EVENTS = ("authn_login_success", "session_created", "session_expired", "authn_login_fail")
# SQLite keeps these in step row by row; they are put back when all rows are there.
_REBUILD = "INSERT INTO gatehouse_user_search (gatehouse_user_search) VALUES ('rebuild')"

Row = tuple[Any, ...]
Rows = Callable[[int, datetime], Iterator[Row]]


def address_of(number: int) -> str:
    """Return the address of one of the users, which is nobody else's."""
    return f"user-{number:07x}@{_HOSTS[number % len(_HOSTS)]}"


def token_of(number: int) -> str:
    """Return the token that opens the session of one of the users."""
    return f"{number:043d}"


def session_of(number: int) -> str:
    """Return the public id of that session."""
    return f"{number:022d}"


def _users(count: int, now: datetime) -> Iterator[Row]:
    for number in range(1, count + 1):
        # The same numbers in every run, without the cost of a random one.
        chance = number * 2_654_435_761 % 4_294_967_296 >> 7
        name = f"{_FIRST[chance % len(_FIRST)]} {_LAST[chance // 16 % len(_LAST)]}"
        email = None if chance % 50 == 0 else address_of(number)
        role = "admin" if number % 5000 == 7 else "editor" if chance % 20 == 1 else "viewer"
        created = now - timedelta(days=2000) + timedelta(days=1900) / count * number
        seen = None if chance % 23 == 0 else created + timedelta(seconds=chance % 8_000_000)
        sought = search_text_of(name, email)
        # Whoever is signed in may be.
        is_active = chance % 33 != 0 or number % LIVING_IN == 0
        yield number, email, name, role, is_active, created, seen, sought, seen or created, created


def _identities(count: int, now: datetime) -> Iterator[Row]:
    for number in range(1, count + 1):
        yield number, number, "google", ISSUER, str(number), address_of(number), True, now, now


def _sessions(count: int, now: datetime) -> Iterator[Row]:
    for number in range(1, count + 1):
        is_living = number % LIVING_IN == 0
        # All of them within what the limits of a session allow, or long over.
        begun = now - timedelta(seconds=number % 600) if is_living else now - timedelta(days=1 + number % 28)
        ended, reason = (None, None) if is_living else (begun + timedelta(hours=1), "logout")
        digest = hashlib.sha256(token_of(number).encode()).digest()
        times = (begun, begun, begun + timedelta(hours=12), begun, ended, reason)
        yield session_of(number), digest, number, 0, "google", ISSUER, str(number), *times, OFFICE


def _events(count: int, now: datetime) -> Iterator[Row]:
    step = timedelta(days=700) / count
    for number in range(1, count + 1):
        chance = number * 2_654_435_761 % 4_294_967_296 >> 7
        moment = now - timedelta(days=700, minutes=1) + step * number
        who: int | None = 1 if chance // 64 % 10 == 0 else 2 + chance % (count - 1)
        event, outcome, kind, target = _EVENTS[chance % 4], "success", "session", f"{number:022d}"
        if event == "authn_login_fail":
            outcome, kind, target = "denied", "user", str(2 + chance % (count - 1))
        if number % 500 == 0:
            event, kind, target = "invite_used", "invitation", str(number)
        elif number % 97 == 0:
            event, who, kind, target = "join_expired", None, "join_request", str(number)
        by = "anonymous" if who is None else "user"
        ip = OFFICE if chance // 1024 % 5 < 2 else f"203.0.{chance % 256}.{chance // 256 % 256}"
        request = f"{number:032x}"
        body = (
            f'{{"actor":{{"id":{who or "null"},"kind":"{by}"}},"at":"{moment:%Y-%m-%dT%H:%M:%S.%fZ}","change":{{}},'
            f'"details":{{}},"event":"{event}","id":"0193{number:08x}-7000-8000-000000000000","node":"web-1",'
            f'"outcome":"{outcome}","personal":{{"ip":{{"commitment":"{number:064x}","of":null}}}},"reason":null,'
            f'"request":"{request}","session":null,"target":{{"id":"{target}","type":"{kind}"}},"v":1}}'
        )
        personal = f'{{"ip":{{"salt":"{number:064x}","value":"{ip}"}}}}'
        yield number, moment, event, outcome, by, who, kind, target, request, ip, body, personal


def _trees(count: int, now: datetime) -> Iterator[Row]:
    sealed = count - UNSEALED
    # Nodes that nobody verifies, as many as a tree of this size has.
    frontier = b"n" * 32 * sealed.bit_count()
    yield 1, "grown.example.com/gatehouse/0123456789abcdef/1", sealed, b"r" * 32, frontier, sealed, 0, now, now


def _leaves(count: int, now: datetime) -> Iterator[Row]:
    for number in range(1, count - UNSEALED + 1):
        yield 1, number - 1, number, hashlib.sha256(str(number).encode()).digest()


def _counts(count: int, now: datetime) -> Iterator[Row]:
    hour = now.replace(minute=0, second=0, microsecond=0)
    for number in range(count // 10):
        for event in _EVENTS:
            yield hour - timedelta(hours=number), event, "denied" if event.endswith("fail") else "success", 15


def _invitations(count: int, now: datetime) -> Iterator[Row]:
    for number in range(1, count // 4 + 1):
        # The worker has taken away what is over.
        yield number, f"guest-{number}@example.com", "editor", 7, now - timedelta(days=1), now + timedelta(days=6)


def _join_requests(count: int, now: datetime) -> Iterator[Row]:
    for number in range(1, count // 4 + 1):
        asked = now - timedelta(days=20) + timedelta(seconds=number % 1_000_000)
        # Most of them are refusals that still hold, and some have been approved and have not come.
        waits, role = number % LIVING_IN == 0, "viewer" if number % LIVING_IN == 1 else None
        decided, name = None if waits else now - timedelta(days=1), "Somebody" if waits or role else ""
        yield number, "google", ISSUER, f"guest-{number}", None, False, name, asked, decided, role


def _tallies(count: int, now: datetime) -> Iterator[Row]:
    for number in range(1, count // 4 + 1):
        yield hashlib.sha256(f"tally {number}".encode()).digest(), 1, 0, now + timedelta(hours=1)


def _attempts(count: int, now: datetime) -> Iterator[Row]:
    for number in range(1, count // 4 + 1):
        yield hashlib.sha256(f"attempt {number}".encode()).digest(), now


_TABLES: tuple[tuple[str, tuple[str, ...], Rows], ...] = (
    (
        "users",
        ("id", "email", "name", "role", "is_active", "created_at", "last_sign_in_at", "search_text", "idle_since",
         "role_confirmed_at"),
        _users,
    ),
    (
        "identities",
        ("id", "user_id", "provider", "issuer", "subject", "email", "email_is_authoritative", "created_at",
         "last_used_at"),
        _identities,
    ),
    (
        "sessions",
        ("id", "token_digest", "user_id", "generation", "provider", "issuer", "subject", "created_at", "last_seen_at",
         "expires_at", "confirmed_at", "ended_at", "end_reason", "ip"),
        _sessions,
    ),
    (
        "audit_events",
        ("id", "occurred_at", "event", "outcome", "actor_kind", "actor_id", "target_type", "target_id", "request_id",
         "ip", "body", "personal"),
        _events,
    ),
    (
        "audit_trees",
        ("epoch", "origin", "size", "root", "frontier", "watermark", "cut", "created_at", "sealed_at"),
        _trees,
    ),
    ("audit_leaves", ("epoch", "position", "event_id", "hash"), _leaves),
    ("audit_counts", ("hour", "event", "outcome", "count"), _counts),
    ("invitations", ("id", "email", "role", "invited_by", "created_at", "expires_at"), _invitations),
    (
        "join_requests",
        ("id", "provider", "issuer", "subject", "email", "email_is_authoritative", "name", "requested_at",
         "approved_at", "approved_role"),
        _join_requests,
    ),
    ("refusal_tallies", ("key", "count", "waits", "forget_at"), _tallies),
    ("spent_attempts", ("state_digest", "spent_at"), _attempts),
)  # fmt: skip
# What grows: nothing of these may be read as a whole.
GROWING = frozenset(f"gatehouse_{name}" for name, _, _ in _TABLES if name != "audit_trees")


def grow(url: str, count: int) -> None:
    """Fill a fresh, migrated database.

    :param count: how many users, accounts, sessions and events there will be, and a fourth of it of what people wait
        for or are refused.
    """
    now = datetime.now(UTC)
    if url.startswith("sqlite"):
        _grow_sqlite(url.removeprefix("sqlite:///"), count, now)
    else:
        _grow_postgresql(url, count, now)


def _grow_sqlite(path: str, count: int, now: datetime) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    found = "SELECT type, name, sql FROM sqlite_master WHERE sql LIKE 'CREATE INDEX%' OR type = 'trigger'"
    made = connection.execute(found).fetchall()
    for kind, name, _ in made:
        connection.execute(f"DROP {kind} {name}")
    for table, columns, rows in _TABLES:
        places = ", ".join("?" * len(columns))
        insert = f"INSERT INTO gatehouse_{table} ({', '.join(columns)}) VALUES ({places})"
        connection.executemany(insert, (tuple(map(_text, row)) for row in rows(count, now)))
    connection.execute(_REBUILD)
    for _, _, statement in made:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _grow_postgresql(url: str, count: int, now: datetime) -> None:
    found = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix_gatehouse_%'"
    with psycopg.connect(url, autocommit=True) as connection:
        # Without the guards of the trail, and with what makes an index of a million rows quickly.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        made = connection.execute(found).fetchall()
        for name, _ in made:
            connection.execute(SQL("DROP INDEX {}").format(Identifier(name)))
        for table, columns, rows in _TABLES:
            into = SQL("COPY {} ({}) FROM STDIN").format(
                Identifier(f"gatehouse_{table}"), SQL(", ").join(map(Identifier, columns))
            )
            with connection.cursor().copy(into) as copy:
                for row in rows(count, now):
                    copy.write_row(row)
        for _, statement in made:
            connection.execute(statement)
        sequences = "SELECT relname FROM pg_class WHERE relkind = 'S' AND relname LIKE 'gatehouse_%_id_seq'"
        for (name,) in connection.execute(sequences).fetchall():
            connection.execute("SELECT setval(%s, %s)", [name, count])
        connection.execute("VACUUM ANALYZE")


def _text(value: object) -> object:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value
