"""Databases with as many users as one asks for, made as fast as each kind of database allows."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
from bench._databases import filling, quickly

from flask_gatehouse.accounts.fold import search_text_of

FIRST = (
    "Ada",
    "Björn",
    "Chloé",
    "Dmitri",
    "Edsger",
    "Fatima",
    "Grace",
    "Hedy",
    "Iain",
    "Joan",
    "Katherine",
    "Linus",
    "Niklaus",
    "Olga",
)
LAST = (
    "Abelson",
    "Ångström",
    "Curie",
    "Dijkstra",
    "Fischer",
    "García",
    "Hopper",
    "Ivanova",
    "Jemison",
    "Lovelace",
    "Müller",
)
HOSTS = ("example.com", "example.org", "mail.example.net")
COLUMNS = (
    "id",
    "email",
    "name",
    "role",
    "is_active",
    "created_at",
    "last_sign_in_at",
    "search_text",
    "idle_since",
    "role_confirmed_at",
)
START = datetime(2020, 1, 1, tzinfo=UTC)
TRIGRAMS = "ix_gatehouse_users_search_trigrams"

User = tuple[int, str | None, str, str, bool, datetime, datetime | None, str, datetime, datetime]


def address_of(number: int) -> str:
    """Return the address of one of the users, which is nobody else's."""
    return f"user-{number:07x}@{HOSTS[number % len(HOSTS)]}"


def people(count: int) -> Iterator[User]:
    """Yield users: few administrators, some deactivated, some without an address or a sign-in."""
    chance = random.Random(20261122)  # noqa: S311 - the same people in every run
    for number in range(1, count + 1):
        name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
        email = None if chance.random() < 0.02 else address_of(number)
        role = "admin" if number % 50_000 == 7 else "editor" if chance.random() < 0.05 else "viewer"
        created = START + timedelta(seconds=number * 100)
        seen = None if chance.random() < 0.05 else created + timedelta(seconds=chance.randrange(10**8))
        sought, is_active = search_text_of(name, email), chance.random() >= 0.03
        yield number, email, name, role, is_active, created, seen, sought, seen or created, created


def _fill_sqlite(path: str, count: int) -> None:
    stored = (tuple(_text(value) for value in user) for user in people(count))
    places = ", ".join("?" * len(COLUMNS))
    with quickly(path) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.executemany(f"INSERT INTO gatehouse_users ({', '.join(COLUMNS)}) VALUES ({places})", stored)  # noqa: S608
        connection.execute("INSERT INTO gatehouse_user_search (gatehouse_user_search) VALUES ('rebuild')")
        for _, trigger in triggers:
            connection.execute(trigger)


def _fill_postgresql(url: str, count: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        found = connection.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [TRIGRAMS]).fetchone()
        assert found is not None, "this server has no pg_trgm"
        connection.execute(f"DROP INDEX {TRIGRAMS}")
        with connection.cursor().copy(f"COPY gatehouse_users ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for user in people(count):
                copy.write_row(user)
        connection.execute(found[0])
        connection.execute("SELECT setval('gatehouse_users_id_seq', %s)", [count])
        connection.execute("VACUUM ANALYZE gatehouse_users")


def _text(value: object) -> object:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


# Put so many users into a migrated database.
fill = filling(_fill_sqlite, _fill_postgresql)
