"""What a page takes for an event, and for a personal value beside one."""

import json
from typing import Any

import pytest

from flask_gatehouse.audit.understanding import understood, values_beside

EVENT: dict[str, Any] = {
    "actor": {"id": 7, "kind": "user"},
    "at": "2026-03-01T00:00:00.000000Z",
    "change": {"role": ["viewer", "editor"]},
    "details": {},
    "event": "user_updated",
    "id": "0195517c-5c00-7abc-8def-0123456789ab",
    "node": None,
    "outcome": "success",
    "personal": {"ip": {"commitment": "0" * 64, "of": "user:7"}},
    "reason": None,
    "request": None,
    "session": None,
    "target": {"id": "5", "type": "article"},
    "v": 1,
}


def body_with(**changes: object) -> str:
    return json.dumps(EVENT | changes, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("target", [None, {"id": "5", "type": "article"}, {"id": None, "type": "Köln 🌍"}])
def test_an_event_is_understood(target: object) -> None:
    assert understood(body_with(target=target)) == EVENT | {"target": target}


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "perhaps"},
        {"outcome": None},
        {"details": []},
        {"session": 5},
        {"actor": {"id": "7", "kind": "user"}},
        {"actor": {"id": 7, "kind": "us\0er"}},
        {"target": {"id": "\0", "type": "article"}},
        {"target": {"id": "5"}},
        {"change": {"role": ["viewer"]}},
        {"personal": {"ip": {"of": "user:7"}}},
    ],
    ids=str,
)
def test_what_no_event_says_is_not(changes: dict[str, object]) -> None:
    assert understood(body_with(**changes)) is None


@pytest.mark.parametrize("value", ["\\u0000", "\\ud800", "a\\udfffb"])
def test_a_value_that_no_page_can_show_is_none(value: str) -> None:
    assert values_beside(f'{{"ip":{{"salt":"00","value":"{value}"}}}}') == {}
    assert values_beside(f'{{"{value}":{{"salt":"00","value":"x"}}}}') == {}


def test_a_value_beyond_the_first_plane_is_one() -> None:
    assert values_beside('{"ip":{"salt":"00","value":"\\ud83c\\udf0d Köln"}}') == {"ip": "🌍 Köln"}
