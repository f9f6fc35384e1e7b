"""Pages of the trail against a scan of all of it, in both directions, and however short the searches are."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from flask_gatehouse.audit import Personal, record, walking
from flask_gatehouse.audit.events import Outcome
from flask_gatehouse.audit.reading import (
    TrailPage,
    find_event,
    names_in_use,
    newest_number,
    read_page,
)
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.audit.search import TrailQuery, find_event_id
from flask_gatehouse.db.database import Database
from tests.integration.audit.happenings import (
    ADDRESSES,
    COUNT,
    EVENTS,
    PEOPLE,
    SESSIONS,
    START,
    Happenings,
)

MOMENTS = st.integers(-10, COUNT + 10).map(lambda minute: START + timedelta(minutes=minute, seconds=30))
NUMBERS = st.integers(0, 2 * COUNT + 10)


def maybe(*values: object) -> st.SearchStrategy[object]:
    return st.none() | st.sampled_from(values)


QUERIES = st.builds(
    TrailQuery,
    people=st.lists(st.sampled_from((*PEOPLE, 99)), max_size=2, unique=True).map(tuple),
    event=maybe(*EVENTS, "nowhere"),
    outcome=maybe(Outcome.SUCCESS, Outcome.DENIED, Outcome.FAILURE),
    since=st.none() | MOMENTS,
    until=st.none() | MOMENTS,
    ip=maybe(*ADDRESSES, "192.0.2.99"),
    request_id=st.none() | st.integers(0, COUNT // 3).map("{:016x}".format),
    session_id=maybe(*SESSIONS, "never-was"),
    target=maybe(("user", "1"), ("article", "2"), ("session", "session-00000000000000")),
    after=st.none() | NUMBERS,
    before=st.none() | NUMBERS,
)


@pytest.fixture
def trail(database: Database, monkeypatch: pytest.MonkeyPatch) -> Happenings:
    # Searches that end where no test could wait for a trail that is long enough.
    monkeypatch.setattr(walking, "REACH", 7)
    monkeypatch.setattr(walking, "EDGE", 12)
    return Happenings(database)


def down(database: Database, query: TrailQuery, limit: int) -> Iterator[TrailPage]:
    """Yield page after page, until there is none."""
    with database.reading() as connection:
        while True:
            page = read_page(connection, query, limit=limit)
            yield page
            if page.next is None:
                return
            assert query.before is None or page.next < query.before, "it goes on"
            query = replace(query, before=page.next)


def numbers(pages: list[TrailPage]) -> list[int]:
    return [event.number for page in pages for event in page.events]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=QUERIES, limit=st.integers(1, 60))
def test_all_pages_are_what_a_scan_finds(database: Database, trail: Happenings, query: TrailQuery, limit: int) -> None:
    pages = list(down(database, query, limit))
    assert numbers(pages) == trail.scan(query)
    for page in pages:
        assert len(page.events) <= limit
        # Whoever gets less than a page, and not the last one, is told how far the search has come.
        assert len(page.events) == limit or (page.searched_to is None) == (page.next is None)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=QUERIES, limit=st.integers(1, 60))
def test_back_up_again_one_comes_to_the_newest(
    database: Database, trail: Happenings, query: TrailQuery, limit: int
) -> None:
    query = replace(query, after=None, before=None)
    pages = list(down(database, query, limit))
    seen, page = pages[-1:], pages[-1]
    with database.reading() as connection:
        while page.previous is not None:
            page = read_page(connection, replace(query, after=page.previous, rising=True), limit=limit)
            # A rising page that is not full is the first one, and shows again what has been seen.
            known = {event.number for event in seen[0].events}
            seen.insert(0, replace(page, events=tuple(one for one in page.events if one.number not in known)))
            assert len(seen) <= COUNT + 1
    found = numbers(seen)
    assert found == sorted(set(found), reverse=True)
    assert set(found) == set(trail.scan(query))


def test_without_filters_a_page_is_full_and_the_next_one_follows(database: Database, trail: Happenings) -> None:
    first, second, *_ = down(database, TrailQuery(), 50)
    assert numbers([first, second]) == [row["id"] for row in trail.rows[: -100 - 1 : -1]]
    assert (first.previous, second.previous) == (None, second.events[0].number)


def test_what_is_nowhere_is_searched_to_the_end_with_few_questions(database: Database, trail: Happenings) -> None:
    query = TrailQuery(event=EVENTS[0], ip="192.0.2.99")
    (page,) = down(database, query, 50)
    assert (page.events, page.next, page.searched_to) == ((), None, None)


def test_what_never_meets_is_searched_stretch_by_stretch(database: Database, trail: Happenings) -> None:
    query = TrailQuery(ip=ADDRESSES[0], people=(1,), outcome=Outcome.FAILURE)
    assert len(list(down(database, query, 50))) == 1
    query = replace(query, outcome=None, event=EVENTS[1], target=("article", "2"))
    pages = list(down(database, query, 50))
    reached = [page.searched_to for page in pages[:-1]]
    assert reached == sorted(filter(None, reached), reverse=True)


def test_an_event_is_found_by_its_own_name(database: Database, trail: Happenings) -> None:
    for row in trail.rows[::40]:
        identifier = UUID(json.loads(row["body"])["id"])
        (page,) = down(database, TrailQuery(event_id=identifier), 50)
        assert numbers([page]) == [row["id"]]


def test_names_in_use_and_the_newest_number(database: Database, trail: Happenings) -> None:
    with database.reading() as connection:
        assert list(names_in_use(connection)) == sorted({row["event"] for row in trail.rows})
        assert newest_number(connection) == trail.rows[-1]["id"]


def test_an_empty_trail(database: Database) -> None:
    with database.reading() as connection:
        assert read_page(connection, TrailQuery()) == TrailPage((), None)
        assert read_page(connection, TrailQuery(after=7, rising=True)) == TrailPage((), None)
        assert (list(names_in_use(connection)), newest_number(connection), find_event(connection, 1)) == ([], 0, None)


def test_one_event_with_its_place_and_what_is_left_of_its_values(database: Database) -> None:
    with database.transaction() as db:
        personal = {"email": Personal("ada@example.com", None)}
        record("article.published", resource=("article", 7), personal=personal, session=db)
    with database.reading() as connection:
        number = newest_number(connection)
        found = find_event(connection, number)
        assert found is not None
        assert found[1] is None
    Sealer(database, "gate.example.com").seal()
    with database.reading() as connection:
        found = find_event(connection, number)
        assert found is not None
        event, place = found
        assert place is not None
        assert (place.epoch, place.position, len(place.hash)) == (1, 0, 32)
        assert event.to_dict()["personal"]["email"]["value"] == "ada@example.com"
        assert event.to_dict()["number"] == number
        assert find_event(connection, number + 1) is None


@pytest.mark.parametrize(
    "text",
    ["", "x", "0" * 32, "ffffffff-ffff-7fff-bfff-ffffffffffff", "e6f2bf2e-1d2c-4c50-9d2b-3f6e0a5d7e11", "urn:uuid:"],
)
def test_a_text_that_names_no_event(text: str) -> None:
    """The last time that a UUID can say is one that no calendar of ours has."""
    assert find_event_id(text) is None
