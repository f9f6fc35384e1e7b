"""What a list may be asked for: it comes through an address bar, so that anything may come."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from flask_gatehouse.accounts.errors import FieldProblem, InvalidQuery
from flask_gatehouse.accounts.queries import Cursor, CursorValue, Direction, Sort, Status, UserQuery
from flask_gatehouse.accounts.rules import Role

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
VALUES: dict[Sort, CursorValue] = {
    Sort.CREATED: NOON,
    Sort.NAME: "\nada\nada@example.com",
    Sort.EMAIL: None,
    Sort.ROLE: Role.EDITOR,
    Sort.STATUS: False,
    Sort.LAST_SIGN_IN: None,
}


def packed(parts: object) -> str:
    return urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


def test_nothing_said_is_the_newest_first() -> None:
    query = UserQuery.parse()
    assert query == UserQuery()
    assert (query.sort, query.descending, query.order, query.parameters()) == (Sort.CREATED, True, "-created", {})


def test_what_is_said_is_said_again() -> None:
    words = {"q": "Ada  Lovelace\t", "role": "editor", "status": "inactive", "sort": "-name"}
    query = UserQuery.parse(**words)  # type: ignore[arg-type]
    assert (query.text, query.role, query.status) == ("Ada Lovelace", Role.EDITOR, Status.INACTIVE)
    assert query.parameters() == words | {"q": "Ada Lovelace"}
    assert UserQuery.parse(**query.parameters()) == query  # type: ignore[arg-type]


def test_the_oldest_first_is_not_what_goes_unsaid() -> None:
    assert UserQuery.parse(sort="created").parameters() == {"sort": "created"}


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_cursor_comes_back_as_it_went(sort: Sort, direction: Direction, sign: str) -> None:
    query = UserQuery.parse(sort=f"{sign}{sort}")
    cursor = Cursor(direction, VALUES[sort], 7)
    text = query.encoded(cursor)
    assert text.replace("-", "").replace("_", "").isalnum()
    assert query.at(text).cursor == cursor
    assert UserQuery.parse(sort=f"{sign}{sort}", after=text).cursor == cursor
    other = "name" if sort is not Sort.NAME else "email"
    for wrong in (other, f"{'' if sign else '-'}{sort}"):
        with pytest.raises(InvalidQuery):
            UserQuery.parse(sort=wrong, after=text)


def test_whoever_was_let_in_with_a_letter_that_is_not_seen_does_not_end_the_list() -> None:
    query = UserQuery(sort=Sort.NAME, descending=False)
    cursor = Cursor(Direction.AFTER, "\u3164", 7)
    assert query.at(query.encoded(cursor)).cursor == cursor


def test_no_cursor_is_the_first_page() -> None:
    assert UserQuery.parse(after="").cursor is None
    assert UserQuery(cursor=Cursor(Direction.END)).at("").cursor is None


@pytest.mark.parametrize(
    ("sort", "parts"),
    [
        ("name", []),
        ("name", {}),
        ("name", None),
        ("name", ["name", "after", "x"]),
        ("name", ["name", "after", "x", 1, 1]),
        ("name", ["-name", "after", "x", 1]),
        ("name", ["name", "beside", "x", 1]),
        ("name", ["name", ["after"], "x", 1]),
        ("name", ["name", "after", "x", -1]),
        ("name", ["name", "after", "x", 2**31]),
        ("name", ["name", "after", "x", 1.5]),
        ("name", ["name", "after", "x", True]),
        ("name", ["name", "after", "x", "1"]),
        ("name", ["name", "after", None, 1]),
        ("name", ["name", "after", 7, 1]),
        ("name", ["name", "after", "\x00", 1]),
        ("name", ["name", "after", "\ud800", 1]),
        ("name", ["name", "after", "x" * 2000, 1]),
        ("email", ["email", "after", "\u202e", 1]),
        ("role", ["role", "after", "root", 1]),
        ("role", ["role", "after", None, 1]),
        ("status", ["status", "after", "true", 1]),
        ("status", ["status", "after", None, 1]),
        ("created", ["created", "after", "noon", 1]),
        ("created", ["created", "after", "9" * 30, 1]),
        ("created", ["created", "after", "-" + "9" * 18, 1]),
        ("created", ["created", "after", None, 1]),
    ],
)
def test_a_cursor_that_nobody_gave_out_is_refused(sort: str, parts: Any) -> None:
    with pytest.raises(InvalidQuery) as caught:
        UserQuery.parse(sort=sort, after=packed(parts))
    assert caught.value.fields == {"after": FieldProblem.NOT_A_PLACE}


@given(st.sampled_from([f"{sign}{sort}" for sort in Sort for sign in ("", "-")]), st.text(min_size=1))
def test_no_text_at_all_is_more_than_refused(sort: str, text: str) -> None:
    for words in ({"q": text}, {"role": text}, {"status": text}, {"sort": text}, {"sort": sort, "after": text}):
        with suppress(InvalidQuery):
            UserQuery.parse(**words)  # type: ignore[arg-type]


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4)


@given(st.sampled_from(list(Sort)), st.sampled_from(list(Direction)) | json_values, json_values, json_values)
def test_no_cursor_at_all_is_more_than_refused(sort: Sort, direction: Any, value: Any, identifier: Any) -> None:
    query = UserQuery(sort=sort, descending=False)
    try:
        cursor = query.at(packed([sort, direction, value, identifier])).cursor
    except InvalidQuery:
        return
    assert cursor is not None
    assert query.at(query.encoded(cursor)).cursor == cursor


def test_a_nest_without_an_end_is_refused() -> None:
    with pytest.raises(InvalidQuery):
        UserQuery.parse(after=urlsafe_b64encode(b"[" * 2900).decode())
