"""Patterns and the parser come to the same answer about a row, whatever somebody has done to it."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from flask_gatehouse.audit import agreement
from flask_gatehouse.audit.agreement import Row, absent_subjects
from flask_gatehouse.audit.body import VERSION, Personal, canonical, seal_personal
from flask_gatehouse.audit.content import Disagreement, UnknownVersion

COMMITTED, KEPT = seal_personal(
    {"ip": Personal("203.0.113.9", "user:7"), "user_agent": Personal("Browser/1", "user:7")}, random.Random(7).randbytes
)
CONTENT: dict[str, Any] = {
    "actor": {"id": 7, "kind": "user"},
    "at": "2026-03-01T00:00:00.000000Z",
    "change": {"status": ["draft", "published"]},
    "details": {},
    "event": "article.published",
    "id": "0195517c-5c00-7abc-8def-0123456789ab",
    "node": "web-1",
    "outcome": "success",
    "personal": COMMITTED,
    "reason": None,
    "request": "r1",
    "session": "s1",
    "target": {"id": "5", "type": "article"},
    "v": VERSION,
}
BODY, PERSONAL = canonical(CONTENT), canonical(KEPT)


def judged(one: Row) -> Any:
    """Return what verification says of a row: by the patterns, and where they cannot tell, by the parser."""
    said = (one.actor_id and int(one.actor_id), one.actor_kind, one.at.replace("T", " "), *one[6:12])
    absent = absent_subjects(json.dumps(said, separators=(",", ":"), ensure_ascii=False), *one[12:14], one.body or "")
    return agreement.read_closely(one) if absent is None else absent


def row(body: str = BODY, personal: str | None = PERSONAL, ip: str | None = "203.0.113.9") -> Row:
    said = ("7", "user", "2026-03-01T00:00:00.000000", "article.published", "success", "r1", "s1", "5", "article")
    return Row(0, 1, bytes(32), *said, ip, personal, body)


def answer(judge: Any, one: Row) -> object:
    try:
        return tuple(judge(one))
    except (Disagreement, UnknownVersion) as error:
        return type(error)


def test_a_row_as_it_was_recorded_agrees() -> None:
    assert answer(judged, row()) == ()
    assert answer(judged, row(personal=None, ip=None)) == ("user:7", "user:7")
    alone = canonical({"ip": KEPT["ip"]})
    assert answer(judged, row(personal=alone)) == ("user:7",)
    rest = canonical({"user_agent": KEPT["user_agent"]})
    assert answer(judged, row(personal=rest, ip=None)) == ("user:7",)


DIGEST, SALT = COMMITTED["ip"]["commitment"], KEPT["ip"]["salt"]
# As long as a digest is, and a way to say twice who it was.
STRANGE = '","of":"user:8"},"x":{"commitment":"'.ljust(64, "0")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SALT, SALT.upper()),
        (SALT, f"  {SALT[2:]}"),
        (SALT, f"zz{SALT[2:]}"),
        (SALT, f"é{SALT[1:]}"),
        (SALT, SALT[::-1]),
        ("203.0.113.9", "203.0.113.8"),
        ("Browser/1", "Browser/2"),
        ('"salt"', '"sa\\u006ct"'),
        ("}}", "} }"),
    ],
)
def test_values_that_are_not_those_that_were_committed_to_disagree(old: str, new: str) -> None:
    assert old in PERSONAL
    assert answer(judged, row(personal=PERSONAL.replace(old, new))) is Disagreement


@pytest.mark.parametrize("column", ["actor_kind", "event", "outcome", "request_id", "session_id", "target_type"])
@pytest.mark.parametrize("value", ["", "x", 'x","y', "x\\", "null", None])
def test_a_column_that_is_not_what_the_body_says_disagrees(column: str, value: str | None) -> None:
    assert answer(judged, row()._replace(**{column: value})) is Disagreement


@pytest.mark.parametrize("value", ["x", 'x"y', "x\\", 'x","y', "a\nb", "a\x01b", "Köln", "a/b", "\x7f"])
def test_what_has_to_be_escaped_agrees_if_it_is_the_same(value: str) -> None:
    said = CONTENT | {"request": value, "session": value, "target": {"id": value, "type": value}}
    alike = {"request_id": value, "session_id": value, "target_id": value, "target_type": value}
    one = row(canonical(said))._replace(**alike)
    assert answer(judged, one) == ()
    assert answer(judged, one._replace(session_id=f"{value} ")) is Disagreement


def test_patterns_can_tell_of_rows_as_we_write_them() -> None:
    columns = '[7,"user","2026-03-01 00:00:00.000000","article.published","success","r1","s1","5","article"]'
    assert absent_subjects(columns, "203.0.113.9", PERSONAL, BODY) == ()
    nobody = canonical(CONTENT | {"actor": {"id": None, "kind": "user"}, "target": None, "request": None})
    columns = '[null,"user","2026-03-01 00:00:00.000000","article.published","success",null,"s1",null,null]'
    assert absent_subjects(columns, "203.0.113.9", PERSONAL, nobody) == ()
    assert absent_subjects(None, "203.0.113.9", PERSONAL, nobody) is None


def test_a_digest_that_says_something_else_is_not_taken_for_one() -> None:
    one = row(BODY.replace(DIGEST, STRANGE), None, None)
    assert answer(judged, one) == answer(agreement.read_closely, one) == ("user:8", "user:7", "user:7")


@given(data=st.data())
@settings(max_examples=600, deadline=None)
def test_whatever_is_put_anywhere_both_say_the_same(data: Any) -> None:
    piece = st.sampled_from(
        ['"', "\\", "{", "}", ",", ":", "0", "a", "A", " ", "é", "\n", "null", "{}", '{"a":1,"a":2}']
    )

    def edited(text: str) -> str:
        start = data.draw(st.integers(0, len(text)))
        return text[:start] + data.draw(piece) + text[start + data.draw(st.integers(0, 3)) :]

    body, personal = BODY, data.draw(st.sampled_from([PERSONAL, None]))
    for _ in range(data.draw(st.integers(0, 2))):
        body = edited(body)
    if personal is not None and data.draw(st.booleans()):
        personal = edited(personal)
    one = row(body, personal, data.draw(st.sampled_from(["203.0.113.9", None])))
    assert answer(judged, one) == answer(agreement.read_closely, one)
