"""She is told everything that is held about her, and nothing about anybody else."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from flask_gatehouse.accounts.errors import UserNotFound
from flask_gatehouse.accounts.joining import expire_join_requests
from flask_gatehouse.accounts.profile import Profile
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import (
    decline_join_request,
    invite,
    list_join_requests,
    register,
    request_to_join,
)
from flask_gatehouse.accounts.telling import UNTOLD
from flask_gatehouse.audit import record, traces
from flask_gatehouse.db.base import Base
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.privacy.erasure import erase_address
from flask_gatehouse.privacy.errors import NothingHeld
from flask_gatehouse.privacy.export import export_address, export_user
from flask_gatehouse.sessions.expiring import expire_sessions, sessions_due
from flask_gatehouse.sessions.rules import limits_of
from flask_gatehouse.sessions.telling import UNTOLD as UNTOLD_OF_SESSIONS
from tests.integration.conftest import profile
from tests.integration.privacy.conftest import AT_HOME, ROOT, Lives
from tests.trail import said

REFERENCE = Path(__file__).parents[3] / "docs/reference/personal-data.md"
# Under which name a table's rows are told.
TOLD = {
    "gatehouse_users": "user",
    "gatehouse_identities": "identities",
    "gatehouse_sessions": "sessions",
    "gatehouse_invitations": "invitations",
    "gatehouse_join_requests": "join_requests",
}
# Tables of whose rows the export shows another form, or none: why.
OTHERWISE = {
    "gatehouse_audit_events": "told as events, made of the body and of her own personal values",
    "gatehouse_audit_trees": "hashes and counters of the trail",
    "gatehouse_audit_leaves": "hashes of the trail",
    "gatehouse_audit_tiles": "hashes of the trail",
    "gatehouse_audit_checkpoints": "signatures of the trail",
    "gatehouse_audit_counts": "how many events there were of a kind",
    "gatehouse_alert_sinks": "how far a reader of the trail has come",
    "gatehouse_alert_groups": "counts of events of the trail, by the id of a person or by a network, for days",
    "gatehouse_spent_attempts": "digests of random numbers, for minutes",
    "gatehouse_refusal_tallies": "counts under keyed digests that lead to nobody, for hours",
    "gatehouse_ledger_key": "a key",
    "gatehouse_pending_erasures": "of people who have left",
    "gatehouse_retention_cursors": "how far retention has come",
}


def told(lives: Lives, user_id: int | None = None, actor: Actor = ROOT) -> dict[str, Any]:
    parts = export_user(lives.database, lives.settings, user_id or lives.zoraida.id, actor=actor)
    found: dict[str, Any] = json.loads("".join(parts))
    return found


def test_no_column_of_any_table_is_forgotten(lives: Lives) -> None:
    """A new column, or a new table, has to be told, or to be named with the reason why it is not."""
    export = told(lives)
    # There is none left of those that are hers: one that waits would be.
    values = {"email": "zoraida@example.com", "role": "viewer", "created_at": lives.house.trail()[0].occurred_at}
    with lives.database.transaction() as db:
        db.execute(_table("gatehouse_invitations").insert().values(**values))
    export["invitations"] = told(lives)["invitations"]
    reasons = {**UNTOLD, **UNTOLD_OF_SESSIONS}
    for table in Base.metadata.sorted_tables:
        if table.name in OTHERWISE:
            assert table.name not in TOLD
            continue
        rows = export[TOLD[table.name]]
        row = rows if isinstance(rows, dict) else rows[0]
        columns = {column.name for column in table.columns}
        untold = {name for name in columns if f"{table.name}.{name}" in reasons}
        assert set(row) == {column.key for column in table.columns} - untold
        assert all(reasons[f"{table.name}.{name}"] for name in untold)
    assert {name.partition(".")[0] for name in reasons} <= set(TOLD)


def test_who_is_no_user_is_told_what_would_be_erased(lives: Lives) -> None:
    address = "quixotic@example.com"
    declined = profile("declined", name="Zoraïda", email=address, email_is_authoritative=False)
    waiting = profile("waiting", name="Zoraïda", email="Quixotic@example.com")
    with lives.database.transaction() as db:
        invited = invite(db, address, "editor", actor=ROOT).id
        request_to_join(db, declined, actor=AT_HOME)
        decline_join_request(db, max(one.id for one in list_join_requests(db.connection())), actor=ROOT)
        request_to_join(db, waiting, actor=AT_HOME)
    found = json.loads("".join(export_address(lives.database, lives.settings, [address], actor=ROOT)))
    assert (found["user"], found["identities"], found["sessions"]) == (None, [], [])
    assert [one["id"] for one in found["invitations"]] == [invited]
    assert [one["subject"] for one in found["join_requests"]] == ["declined-at-google", "waiting-at-google"]
    events = ["invite_created", "join_requested", "join_declined", "join_requested"]
    assert [one["event"] for one in found["events"]] == events
    assert {one["personal"]["email"].lower() for one in found["events"]} == {address}
    assert lives.house.trail()[-1].event == "personal_data_exported"
    assert set(found) == set(told(lives))
    requests = {f"join_request:{one['id']}" for one in found["join_requests"]}
    erase_address(lives.database, lives.settings, [address], actor=ROOT)
    assert set(said(lives.house.trail()[-1].body)["subjects"]) == {f"invitation:{invited}", *requests}
    with pytest.raises(NothingHeld):
        export_address(lives.database, lives.settings, [address], actor=ROOT)


@pytest.mark.parametrize("ended", ["expired", "used"])
def test_who_has_only_stated_an_address_is_not_told_to_its_owner(lives: Lives, ended: str) -> None:
    """Nobody vouched for it, and once the request is over no row says so any more."""
    address = "quixotic@example.com"
    eve = profile("eve", email=address, email_is_authoritative=False)
    _request_of_eve(lives, eve, ended)
    with pytest.raises(NothingHeld):
        export_address(lives.database, lives.settings, [address], actor=ROOT)
    with lives.database.transaction() as db:
        invite(db, address, "editor", actor=ROOT)
    text = "".join(export_address(lives.database, lives.settings, [address], actor=ROOT))
    assert [one["event"] for one in json.loads(text)["events"]] == ["invite_created"]
    assert "Eve" not in text
    assert (AT_HOME.ip or "?") not in text


def _request_of_eve(lives: Lives, eve: Profile, ended: str) -> None:
    with lives.database.transaction() as db:
        request_to_join(db, eve, actor=AT_HOME)
        if ended == "used":
            register(db, eve, Role.VIEWER, actor=AT_HOME)
            return
        requests = _table("gatehouse_join_requests")
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        db.execute(requests.update().where(requests.c.subject == eve.subject).values(requested_at=long_ago))
        assert expire_join_requests(db) == 1


def test_a_user_is_told_what_her_erasure_would_remove_for_her_address(lives: Lives) -> None:
    """What was declined for it at another account, and invitations that are over; not who has only stated it."""
    confirmed = profile("elsewhere", name="Z. Quixotic", email="Zoraida@example.com")
    stated = profile("eve", email="zoraida@example.com", email_is_authoritative=False)
    for who in (confirmed, stated):
        with lives.database.transaction() as db:
            request_to_join(db, who, actor=AT_HOME)
            decline_join_request(db, max(one.id for one in list_join_requests(db.connection())), actor=ROOT)
    export = told(lives)
    assert [one["subject"] for one in export["join_requests"]] == ["quixotic-there", "elsewhere-at-google"]
    shown = [(one["event"], one["personal"].get("name")) for one in export["events"]]
    assert ("join_declined", "Z. Quixotic") in shown
    assert "invite_revoked" in {event for event, _ in shown}
    assert "Eve" not in json.dumps(export)


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


def test_the_reference_names_every_field(lives: Lives) -> None:
    text, export = REFERENCE.read_text(encoding="utf-8"), told(lives)
    fields = set(export) | set(export["events"][0]) | {"session", "request"}
    for table, name in TOLD.items():
        fields |= {
            column.key
            for column in _table(table).columns
            if f"{table}.{column.name}" not in {**UNTOLD, **UNTOLD_OF_SESSIONS}
        }
        assert f"`{name}`" in text
    assert [field for field in sorted(fields) if f"`{field}`" not in text] == []


def test_everything_of_hers_is_there(lives: Lives) -> None:
    export = told(lives)
    assert (export["format"], export["version"]) == ("gatehouse-personal-data", 1)
    assert (export["user"]["email"], export["user"]["name"]) == ("zoraida@example.com", "Zoraida Quijano")
    assert [one["subject"] for one in export["identities"]] == ["zoraida-at-google"]
    assert [one["ip"] for one in export["sessions"]] == [AT_HOME.ip] * 2
    assert [one["subject"] for one in export["join_requests"]] == ["quixotic-there"]
    events = [event["event"] for event in export["events"]]
    assert {"user_created", "join_requested", "join_used", "invite_created", "invite_used", "session_created"} <= {
        *events
    }
    # What she did to others, and what others did to her, in the order in which it was written.
    assert "article.published" in events
    assert events[-1] == "personal_data_exported"
    identifiers = [event["id"] for event in export["events"]]
    assert len(set(identifiers)) == len(identifiers)
    assert [event["at"] for event in export["events"]] == sorted(event["at"] for event in export["events"])


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        ({"is_active": False, "session_generation": 1}, "deactivated"),
        ({"session_generation": 1}, "generation"),
        ({"last_seen_at": datetime(2020, 1, 1, tzinfo=UTC)}, "idle"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "absolute"),
    ],
)
def test_a_session_whose_end_nobody_has_written_down_is_over(
    lives: Lives, happened: dict[str, Any], reason: str
) -> None:
    living = [(one["ended_at"], one["end_reason"]) for one in told(lives)["sessions"]]
    assert living == [(None, None)] * 2
    users, sessions = _table("gatehouse_users"), _table("gatehouse_sessions")
    hers = {"gatehouse_users": users.c.id, "gatehouse_sessions": sessions.c.user_id}
    table = users if "session_generation" in happened else sessions
    with lives.database.transaction() as db:
        db.execute(table.update().where(hers[table.name] == lives.zoraida.id).values(happened))
    over = [(one["ended_at"], one["end_reason"]) for one in told(lives)["sessions"]]
    assert over == [(None, reason)] * 2
    limits = limits_of(lives.settings, Role.VIEWER)
    with lives.database.transaction() as db:
        assert expire_sessions(db, limits, limits, sessions_due(db.connection(), limits, limits)) == 2
    written = [(one["ended_at"] is not None, one["end_reason"]) for one in told(lives)["sessions"]]
    assert written == [(True, reason)] * 2


def test_values_of_others_are_left_out(lives: Lives) -> None:
    text = json.dumps(told(lives))
    assert (ROOT.ip or "?") not in text
    assert "Root's browser" not in text
    assert '"Root"' not in text
    assert (ROOT.session_id or "?") not in text
    own = json.dumps(told(lives, lives.root.id))
    assert "zora" not in own.lower()


def test_what_nobody_knows_whose_it_is_is_not_hers(lives: Lives) -> None:
    stranger = Actor(ip="203.0.113.66", user_agent="Stranger's browser")
    with lives.database.transaction() as db:
        record("authn_login_fail", resource=("user", lives.zoraida.id), session=db, actor=stranger)
    export = told(lives)
    (refused,) = [event for event in export["events"] if event["event"] == "authn_login_fail"]
    assert refused["personal"] == {}
    assert "203.0.113.66" not in json.dumps(export)


def test_that_it_was_told_is_recorded(lives: Lives) -> None:
    told(lives)
    row = lives.house.trail()[-1]
    assert (row.event, row.target_id, row.actor_id) == ("personal_data_exported", str(lives.zoraida.id), 1)


def test_nobody_is_told_of_nobody_and_nothing_is_recorded(lives: Lives) -> None:
    for user_id in (4711, 0, 2**40):
        count = len(lives.house.trail())
        with pytest.raises(UserNotFound):
            export_user(lives.database, lives.settings, user_id or -1, actor=ROOT)
        assert len(lives.house.trail()) == count


def test_a_long_trail_is_read_in_batches(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "BATCH", 3)
    with lives.database.transaction() as db:
        for number in range(20):
            target = ("user", lives.zoraida.id) if number % 2 else ("article", number)
            herself = Actor(user_id=lives.zoraida.id, kind="user")
            record(f"host.{number}", resource=target, session=db, actor=herself if number % 3 else ROOT)
    events = [event["event"] for event in told(lives)["events"]]
    expected = [f"host.{number}" for number in range(20) if number % 2 or number % 3]
    assert [event for event in events if event.startswith("host.")] == expected


def test_no_connection_is_held_while_somebody_reads_slowly(lives: Lives) -> None:
    parts = export_user(lives.database, lives.settings, lives.zoraida.id, actor=ROOT)
    next(parts)
    next(parts)
    assert lives.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    parts.close()  # type: ignore[attr-defined]
