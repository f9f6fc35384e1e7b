"""What formats make of an event, without a database."""

import csv
import io
import json
from typing import Any

import pytest

from flask_gatehouse.audit.agreement import Row
from flask_gatehouse.audit.body import canonical
from flask_gatehouse.audit.events import AuditEvent
from flask_gatehouse.audit.exporting.csv_lines import COLUMNS, CSV_HEADER, csv_line
from flask_gatehouse.audit.exporting.event import ExportedEvent
from flask_gatehouse.audit.exporting.ocsf import as_ocsf
from flask_gatehouse.audit.exporting.ocsf_classes import KINDS, OTHER, Class, kind_of

BODY: dict[str, Any] = {
    "actor": {"id": 7, "kind": "user"},
    "at": "2026-03-01T00:05:00.123456Z",
    "change": {},
    "details": {"number": -1},
    "event": "article.published",
    "id": "019c9f00-0000-7000-8000-000000000000",
    "node": "node-1",
    "outcome": "success",
    "personal": {},
    "reason": None,
    "request": "r",
    "session": "s",
    "target": {"id": "5", "type": "article"},
    "v": 1,
}


def event(body: str | None = None, personal: str | None = None, **columns: Any) -> ExportedEvent:
    said = {
        "position": 3,
        "event_id": 4,
        "hash": b"",
        "actor_id": "7",
        "actor_kind": "user",
        "at": "2026-03-01T00:05:00.123456",
        "event": "article.published",
        "outcome": "success",
        "request_id": "r",
        "session_id": "s",
        "target_id": "5",
        "target_type": "article",
        "ip": None,
        "personal": personal,
        "body": canonical(BODY) if body is None else body,
    } | columns
    return ExportedEvent("gate.example.com/gatehouse/00/1", 1, 3, Row(**said))


def cells(**columns: Any) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(CSV_HEADER + csv_line(event(**columns)), newline=""))
    return row


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_that_begins_like_a_formula_is_text(sign: str) -> None:
    for value in (sign, f"{sign}cmd|' /C calc'!A0", f'{sign}"x",1\r\n=1'):
        assert cells(target_id=value)["target_id"] == f"'{value}"


@pytest.mark.parametrize("value", ["7", "a=b", "x\t=1", "'=1", 'He said "no",\r\nand left', "Zoë 🗝", " =1", ""])
def test_any_other_cell_is_what_it_was(value: str) -> None:
    assert cells(target_id=value)["target_id"] == value


def test_lines_are_those_of_the_standard() -> None:
    line = csv_line(event(target_id='a,"b"'))
    assert CSV_HEADER.startswith("epoch,position,id,at,event,outcome,reason,")
    assert line.startswith("1,3,019c9f00-0000-7000-8000-000000000000,2026-03-01T00:05:00.123456Z,article.published,")
    assert '"a,""b"""' in line
    assert line.endswith('"{""number"":-1}"\r\n')
    assert len(next(csv.reader([line]))) == len(COLUMNS)


@pytest.mark.parametrize(
    "body",
    [
        *("", "nonsense", "[1]", "{}", canonical(BODY | {"v": 2}), canonical(BODY | {"details": []}), '"\udcff"'),
        canonical(BODY).replace("node-1", "\udcff"),
        *(canonical(BODY | {"event": "authz_change", "change": {"role": role}}) for role in ("x", 5, {"a": "b"})),
    ],
)
def test_a_body_that_somebody_has_changed_still_leaves_a_line(body: str) -> None:
    found = event(body=body, personal="[nonsense", target_type="user")
    assert "article.published" in csv_line(found)
    assert as_ocsf(found)["metadata"]["event_code"] == "article.published"
    changed = event(body=body, event="authz_change")
    assert "authz_change" in csv_line(changed)
    assert "change" not in as_ocsf(changed)["unmapped"]


def test_what_a_body_says_of_another_event_is_not_said_of_this_one() -> None:
    assert cells(event="article.deleted")["details"] == ""


@pytest.mark.parametrize(
    "personal",
    [
        *("[]", '"x"', "{", '{"name": 7}', '{"name":{"salt":"","value":NaN}}'),
        *('{"name":{"salt":"","value":"\\ud800"}}', '{"\\ud800":{"salt":"","value":"x"}}'),
    ],
)
def test_nor_do_personal_values_that_are_none_end_an_export(personal: str) -> None:
    assert cells(personal=personal)["personal"] == ""
    assert "personal" not in as_ocsf(event(personal=personal))["unmapped"]


def test_personal_values_have_columns_of_their_own() -> None:
    kept = {"ip": {"salt": "", "value": "192.0.2.7"}, "name": {"salt": "", "value": "Zoë"}}
    row = cells(personal=json.dumps(kept))
    assert (row["ip"], row["user_agent"], row["personal"]) == ("192.0.2.7", "", '{"name":"Zoë"}')


def test_every_event_of_ours_has_its_class() -> None:
    assert set(KINDS) == set(AuditEvent), "say in audit/exporting/ocsf_classes.py what the new event is"


@pytest.mark.parametrize(
    ("name", "activity", "said"),
    [
        ("article.created", 1, "Create"),
        ("article.viewed", 2, "Read"),
        ("article.updated", 3, "Update"),
        ("deleted", 4, "Delete"),
        ("article.published", OTHER, "published"),
        ("a.b.c", OTHER, "c"),
    ],
)
def test_a_hosts_own_event_is_what_its_last_word_says(name: str, activity: int, said: str) -> None:
    assert kind_of(name)[:3] == (Class.API_ACTIVITY, activity, said)


def test_a_hosts_event_in_ocsf() -> None:
    made = as_ocsf(event())
    assert made["type_uid"] == 600399
    assert made["time"] == 1772323500123
    assert made["actor"] == {"user": {"uid": "7", "type_id": 1, "type": "User"}, "session": {"uid": "s"}}
    assert made["resources"] == [{"type": "article", "uid": "5"}]
    assert made["src_endpoint"] == {"name": "node-1"}
    assert made["unmapped"]["details"] == {"number": -1}
    assert made["metadata"]["sequence"] == 3
