"""The list of users on both databases: every order, every filter, every way through the pages, and bad requests."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from flask_gatehouse.accounts.errors import InvalidQuery
from flask_gatehouse.accounts.fold import folded
from flask_gatehouse.accounts.listing import EXACT, UserPage, count_users, list_users
from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.queries import Cursor, CursorValue, Direction, Sort, Status, UserQuery
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.views import UserRow
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.clock import utc_now
from tests.integration.conftest import House

NAMES = ("Änne Ödegård", "bob", "Čarl 100%", "under_score", "Straße", 'O"Hara\\', "Ольга", "山田")
ORDERS = [f"{sign}{sort}" for sort in Sort for sign in ("", "-")]


def some_people(count: int) -> list[dict[str, Any]]:
    """Return people with many equal values, and with none where there may be none."""
    chance, now = random.Random(7), utc_now()
    return [
        {
            "name": chance.choice(NAMES),
            "email": None if number % 3 == 0 else f"u{number}@mail.example.com",
            "role": chance.choice(list(Role)),
            "is_active": chance.random() < 0.8,
            "held_at": now if number % 7 == 0 else None,
            "created_at": now - timedelta(days=chance.randrange(20)),
            "last_sign_in_at": None if number % 4 == 0 else now - timedelta(days=chance.randrange(20)),
        }
        for number in range(count)
    ]


@pytest.fixture
def people(database: Database) -> Database:
    with database.transaction() as db:
        db.execute(insert(User), some_people(137))
    return database


def pages(database: Database, query: UserQuery, *, backwards: bool = False) -> Iterator[UserPage]:
    """Yield the pages from the first to the last, or from the last to the first."""
    with database.reading() as connection:
        page = list_users(connection, query)
        if backwards and page.last:
            page = list_users(connection, query.at(page.last))
        yield page
        while cursor := page.previous if backwards else page.next:
            page = list_users(connection, query.at(cursor))
            yield page


def rows(database: Database, **words: Any) -> list[UserRow]:
    return [row for page in pages(database, UserQuery.parse(limit=10, **words)) for row in page.rows]


def sorted_by(row: UserRow, sort: Sort) -> tuple[Any, ...]:
    """Return what a row is sorted by; whoever has no value stands before all others."""
    if sort is Sort.NAME:
        return (folded(row.name).encode(), (row.email or "").encode())
    value = {
        Sort.CREATED: row.created_at,
        Sort.EMAIL: row.email,
        Sort.ROLE: row.role,
        Sort.STATUS: row.is_active,
        Sort.LAST_SIGN_IN: row.last_sign_in_at,
    }[sort]
    return (False,) if value is None else (True, value)


@pytest.mark.parametrize("order", ORDERS)
class TestOrders:
    def test_everybody_comes_once_and_in_order(self, people: Database, order: str) -> None:
        found = rows(people, sort=order)
        assert len({row.id for row in found}) == len(found) == 137
        sort = Sort(order.removeprefix("-"))
        ascending = sorted(found, key=lambda row: (*sorted_by(row, sort), row.id))
        assert found == (ascending[::-1] if order.startswith("-") else ascending)

    def test_the_way_back_shows_the_same(self, people: Database, order: str) -> None:
        query = UserQuery.parse(sort=order, limit=10)
        there = [row.id for page in pages(people, query) for row in page.rows]
        back = [[row.id for row in page.rows] for page in pages(people, query, backwards=True)]
        assert back[0] == there[-10:]
        # The first page is whole even where fewer stand before the second one.
        assert back[-1] == there[:10]
        assert [one for page in reversed(back[:-1]) for one in page] == there[7:]

    def test_a_page_says_what_is_beyond_it(self, people: Database, order: str) -> None:
        first, *between, last = pages(people, UserQuery.parse(sort=order, limit=10))
        assert (first.previous, last.next, last.last) == (None, None, None)
        assert all(page.previous and page.next and page.last for page in between)


class TestSearching:
    @pytest.mark.parametrize(
        ("sought", "name"),
        [
            ("ÄNNE", NAMES[0]),
            ("anne odeg", NAMES[0]),
            ("ard", NAMES[0]),
            ("100%", NAMES[2]),
            ("r_s", NAMES[3]),
            ("strasse", NAMES[4]),
            ("STRASSE", NAMES[4]),
            ('"hara\\', NAMES[5]),
            ('o"h', NAMES[5]),
            ("льг", NAMES[6]),
            ("ОЛ", NAMES[6]),
            ("山", NAMES[7]),
            ("o", "O"),
            ("b", "b"),
        ],
    )
    def test_part_of_a_name(self, people: Database, sought: str, name: str) -> None:
        found = rows(people, q=sought)
        assert found
        assert all(folded(name) in folded(row.name) for row in found)

    def test_part_of_an_address(self, people: Database) -> None:
        assert [row.email for row in rows(people, q="u77@MAIL")] == ["u77@mail.example.com"]
        assert len(rows(people, q="mail.example")) == 137 - 46
        # Of two characters it must be the beginning.
        assert {row.email[:2] for row in rows(people, q="u7") if row.email} == {"u7"}
        assert rows(people, q="77") == []

    @pytest.mark.parametrize(
        "sought", ["%%%", "___", "a%e", "\\\\\\", "' OR 1=1 --", "zzzz", "%", "%s", ":x", "{}", "***"]
    )
    def test_nothing_in_it_is_a_command(self, people: Database, sought: str) -> None:
        assert rows(people, q=sought) == []
        with people.reading() as connection:
            assert count_users(connection, UserQuery.parse(q=sought)).number == 0

    def test_it_follows_every_change(self, house: House) -> None:
        ada = house.join("ada", name="Ada Lovelace")
        assert [row.id for row in rows(house.database, q="lovelace")] == [ada.id]
        with house.database.transaction() as db:
            db.get_one(User, ada.id).name = "Countess"
        assert rows(house.database, q="lovelace") == []
        assert [row.id for row in rows(house.database, q="countess")] == [ada.id]
        with house.database.transaction() as db:
            db.delete(db.get_one(User, ada.id))
        assert rows(house.database, q="countess") == []

    @pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
    def test_it_does_without_an_index_of_trigrams(self, kind: str, request: pytest.FixtureRequest) -> None:
        engine = make_engine(request.getfixturevalue(f"{kind}_url"))
        with engine.begin() as connection:
            if kind == "sqlite":
                for name in ("insert", "delete", "update"):
                    connection.execute(text(f"DROP TRIGGER gatehouse_user_search_{name}"))
                connection.execute(text("DROP TABLE gatehouse_user_search"))
            else:
                connection.execute(text("DROP EXTENSION pg_trgm CASCADE"))
            connection.execute(insert(User), some_people(20))
        assert len(rows(Database(lambda: engine), q="u7@")) == 1
        engine.dispose()


def standing(row: UserRow) -> Status:
    """Return what the list says of somebody."""
    if not row.is_active:
        return Status.INACTIVE
    return Status.LOCKED if row.is_held else Status.ACTIVE


class TestFiltering:
    @pytest.mark.parametrize("order", ["name", "-last_sign_in", "created"])
    @pytest.mark.parametrize(
        ("role", "status"), [("admin", ""), ("", "inactive"), ("viewer", "active"), ("", "locked")]
    )
    def test_by_role_and_status_and_text(self, people: Database, role: str, status: str, order: str) -> None:
        everybody = rows(people)
        for sought in ("", "mail", "bob"):
            wanted = {
                row.id
                for row in everybody
                if role in {"", row.role} and status in {"", standing(row)} and sought in f"{row.name} {row.email}"
            }
            assert {row.id for row in rows(people, q=sought, role=role, status=status, sort=order)} == wanted
            with people.reading() as connection:
                count = count_users(connection, UserQuery.parse(q=sought, role=role, status=status))
            assert (count.number, count.is_exact) == (len(wanted), True)


@pytest.fixture(scope="module")
def crowd_size() -> int:
    return 25 * EXACT


@pytest.fixture
def crowd(database: Database, crowd_size: int) -> Database:
    """More people than are counted exactly; one in a hundred is an editor, nobody an administrator."""
    now = utc_now()
    people = [
        {
            "name": f"Person {number}",
            "email": f"person{number}@example.com",
            "role": Role.EDITOR if number % 100 == 0 else Role.VIEWER,
            "created_at": now + timedelta(seconds=number),
        }
        for number in range(crowd_size)
    ]
    with database.transaction() as db:
        db.execute(insert(User), people)
        if database.engine.dialect.name == "postgresql":
            db.execute(text("ANALYZE gatehouse_users"))
    return database


def test_a_crowd(crowd: Database, crowd_size: int) -> None:
    """Counts are exact where they are small and close where they are not; no page reads the whole table."""
    with crowd.reading() as connection:
        for words, expected in (
            ({}, crowd_size),
            ({"q": "example"}, crowd_size),
            ({"role": "viewer"}, crowd_size * 0.99),
        ):
            count = count_users(connection, UserQuery.parse(**words))  # type: ignore[arg-type]
            assert not count.is_exact
            assert abs(count.number - expected) < expected / 10
        for words, number in (({"role": "editor"}, 250), ({"q": "person777@"}, 1), ({"role": "admin"}, 0)):
            count = count_users(connection, UserQuery.parse(**words))  # type: ignore[arg-type]
            assert (count.number, count.is_exact) == (number, True)
        _no_page_reads_everybody(crowd, connection)


def _no_page_reads_everybody(crowd: Database, connection: Any) -> None:
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        asked.append((statement, parameters))

    event.listen(crowd.engine, "before_cursor_execute", note)
    for order in ORDERS:
        query = UserQuery.parse(sort=order)
        page = list_users(connection, query)
        assert page.next
        assert page.last
        list_users(connection, query.at(page.next))
        list_users(connection, query.at(page.last))
    for words in ({"q": "person777@"}, {"q": "example"}, {"role": "editor"}, {"q": "pe", "sort": "name"}, {}):
        list_users(connection, UserQuery.parse(**words))  # type: ignore[arg-type]
        count_users(connection, UserQuery.parse(**words))  # type: ignore[arg-type]
    event.remove(crowd.engine, "before_cursor_execute", note)
    explain = "EXPLAIN " if crowd.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    for statement, parameters in asked:
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))
        # Read from a table as it lies, or sorted as a whole.
        assert "Seq Scan on gatehouse_users" not in plan, (statement, plan)
        assert "SCAN gatehouse_users'" not in plan, (statement, plan)


@pytest.mark.parametrize(
    ("order", "value"),
    [
        ("created", datetime(1, 1, 1, tzinfo=UTC)),
        ("created", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("name", ""),
        ("name", "\U0010ffff" * 400),
        ("email", "%'\"\\"),
        ("email", None),
        ("role", Role.EDITOR),
        ("status", True),
        ("last_sign_in", None),
    ],
)
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("identifier", [0, 2**31 - 1])
def test_a_cursor_that_nobody_gave_out_is_harmless(
    people: Database, order: str, value: CursorValue, direction: Direction, identifier: int
) -> None:
    for sign in ("", "-"):
        query = UserQuery.parse(sort=sign + order)
        cursor = query.encoded(Cursor(direction, value, identifier))
        with people.reading() as connection:
            assert len(list_users(connection, query.at(cursor)).rows) <= query.limit


HOSTILE = [
    {"q": "\x00"},
    {"q": "a\x00b"},
    {"q": "a" * 5000},
    {"q": "\u202eabc"},
    {"q": "\ud800"},
    {"q": "\x1b[0m"},
    {"role": "root"},
    {"role": "ADMIN"},
    {"role": "\x00"},
    {"status": "deleted"},
    {"sort": "password"},
    {"sort": "--name"},
    {"sort": "name;DROP TABLE gatehouse_users"},
    {"after": "x"},
    {"after": "\ud800"},
    {"after": "é"},
    {"after": "A" * 5000},
    {"after": "W10"},
]


@pytest.mark.parametrize("words", HOSTILE)
def test_what_makes_no_sense_is_refused_by_name(words: dict[str, str]) -> None:
    with pytest.raises(InvalidQuery) as caught:
        UserQuery.parse(**words)  # type: ignore[arg-type]
    assert set(caught.value.fields) == set(words)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidQuery) as caught:
        UserQuery.parse(q="\x00", role="root", status="?", sort="?")
    assert set(caught.value.fields) == {"q", "role", "status", "sort"}
