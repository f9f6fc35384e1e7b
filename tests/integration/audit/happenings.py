"""A trail in which everything meets everything, and what a scan of all of it would find."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert

from flask_gatehouse.audit.body import canonical
from flask_gatehouse.audit.events import Outcome
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.audit.search import TrailQuery
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.identifiers import uuid7

START = datetime(2026, 3, 1, tzinfo=UTC)
COUNT = 240
PEOPLE, EVENTS, ADDRESSES = (1, 2, 3), ("article.published", "authn_login_fail", "user_updated"), ("192.0.2.1", "::1")
SESSIONS = {f"session-{number:014}": 1 + number % 3 for number in range(6)}
Row = dict[str, Any]


def rows() -> list[Row]:
    """Return events that anybody did to anything in any session, and of each session its beginning and its end."""
    chance = Random(4)
    made: list[Row] = []
    for number in range(COUNT):
        # Two nodes, of which one is late by some minutes.
        moment = START + timedelta(minutes=number, seconds=-200 * (number % 2))
        made.append({"id": 2 * number + 1, "occurred_at": moment, "request_id": f"{number // 3:016x}"} | _said(chance))
    for number, (session, person) in enumerate(SESSIONS.items()):
        first, last = made[number * 35], made[number * 35 + 30]
        about = {"actor_id": person, "target_type": "session", "target_id": session, "session_id": None}
        first.update(about, event="session_created")
        last.update(about, event="session_logout", session_id=session)
        for row in made[number * 35 + 1 : number * 35 + 30 : 4]:
            row.update(actor_id=person, session_id=session)
    return [row | {"body": _body(row), "actor_kind": "user" if row["actor_id"] else "anonymous"} for row in made]


def _said(chance: Random) -> Row:
    kind = chance.choice((None, "user", "article"))
    return {
        "event": chance.choice(EVENTS),
        "outcome": chance.choice((Outcome.SUCCESS, Outcome.DENIED)),
        "actor_id": chance.choice((None, *PEOPLE)),
        "session_id": None,
        "target_type": kind,
        "target_id": kind and str(chance.choice(PEOPLE)),
        "ip": chance.choice((None, *ADDRESSES)),
        "personal": None,
    }


def _body(row: Row) -> str:
    said = {name: row[name] for name in ("event", "outcome")}
    return canonical(
        dict.fromkeys(("node", "reason", "request", "session", "target"))
        | {"actor": {"id": None, "kind": "anonymous"}, "at": "", "change": {}, "details": {}, "personal": {}, "v": 1}
        | {"id": uuid7(row["occurred_at"])}
        | said
    )


class Happenings:
    """The trail as it stands in a database."""

    def __init__(self, database: Database) -> None:
        self.rows = rows()
        with database.transaction() as db:
            db.execute(insert(AuditEventRow), self.rows)

    def scan(self, query: TrailQuery) -> list[int]:
        """Return the numbers of all that a query means, the newest first, by looking at every event."""
        return [row["id"] for row in reversed(self.rows) if all(_holds(row, query))]


def _holds(row: Row, query: TrailQuery) -> Iterator[bool]:
    target = (row["target_type"], row["target_id"])
    low, high = query.numbers
    yield low <= row["id"] <= high
    for name in ("event", "outcome", "ip", "request_id"):
        yield getattr(query, name) in {None, row[name]}
    yield query.since is None or row["occurred_at"] >= query.since
    yield query.until is None or row["occurred_at"] < query.until
    yield query.target in {None, target}
    yield query.session_id is None or row["session_id"] == query.session_id or target == ("session", query.session_id)
    yield query.event_id is None or json.loads(row["body"])["id"] == str(query.event_id)
    users = {("user", str(person)) for person in query.people}
    yield not query.people or row["actor_id"] in query.people or target in users
