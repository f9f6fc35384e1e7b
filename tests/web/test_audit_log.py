"""The audit log as the web answers it: filters, bad parameters, JSON, and the record of who reads it."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from flask_gatehouse import Role
from flask_gatehouse.accounts.models import User
from flask_gatehouse.audit import Facts, Personal, record, record_each, walking
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.testing import sign_in_as
from tests.integration.audit.test_foreign_rows import bent, plant
from tests.web.conftest import state_of

LOG = "/admin/audit-logs"
HTMX = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}
GRACE = Actor(
    user_id=77, session_id="s" * 22, ip="2001:db8::1", user_agent="B/1", kind="user", request_id="0" * 15 + "1"
)


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in_as(client, Role.ADMIN, email="ada@example.com", name="Ada Admin")
    return client


@pytest.fixture
def happen(app: Flask) -> Callable[..., None]:
    def happen(event: str, **words: Any) -> None:
        with state_of(app).database.transaction() as db:
            record(event, session=db, **{"actor": GRACE} | words)

    return happen


def listed(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"{LOG}?{query}", headers=JSON)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["events"]
    return found


def names(client: FlaskClient, query: str) -> list[str]:
    return [event["event"] for event in listed(client, query)]


def readings(client: FlaskClient) -> list[dict[str, Any]]:
    return [event["details"] for event in listed(client, "event=sensitive_read")][::-1]


@pytest.mark.parametrize(
    "query",
    [
        "event=article.published",
        "q=article:7",
        "q=user:77&event=article.published",
        "who=user:77&outcome=success&event=article.published",
        "ip=2001:DB8:0::1&event=article.published",
        "q=2001:db8::1&event=article.published",
        f"q={'0' * 15}1",
        "when=today&event=article.published",
        "since=2020-01-01&event=article.published",
    ],
)
def test_a_filter_finds_what_it_means(admin: FlaskClient, happen: Callable[..., None], query: str) -> None:
    happen("article.published", resource=("article", 7))
    happen("other", actor=Actor(ip="192.0.2.1"))
    assert names(admin, query) == ["article.published"]


@pytest.mark.parametrize(
    "query",
    [
        "event=nowhere",
        "who=nobody+of+this+name",
        "who=ada&q=user:77",
        "who=user:9999999999",
        "ip=2001:db8::1&q=192.0.2.1",
        "q=ffffffff-ffff-7fff-bfff-ffffffffffff",
        "q=" + "0" * 32,
        "q=abcdefghijklmnopqrstuv",
        "until=0001-01-01",
        "since=9999-12-31T23:59",
        "since=9999-12-31&until=9999-12-31",
        "q=::1%25eth0",
        "before=1",
        "outcome=failure",
    ],
)
def test_what_is_nowhere_is_an_empty_page_and_no_mistake(admin: FlaskClient, query: str) -> None:
    assert listed(admin, query) == []
    assert "log-count" in admin.get(f"{LOG}?{query}").text


BAD = [
    ("outcome=maybe", "outcome"),
    ("when=yesterday", "when"),
    ("since=x", "since"),
    ("since=2026-13-01", "since"),
    ("since=0001-01-01T00:00%2B23:59", "since"),
    ("until=10000-01-01", "until"),
    ("since=2026-02-01&until=2026-01-01", "until"),
    ("ip=1.2.3", "ip"),
    ("ip=::1%25eth0", "ip"),
    ("ip=" + "1" * 5000, "ip"),
    ("before=-1", "before"),
    ("before=" + "9" * 30, "before"),
    ("before=%D9%A3", "before"),
    ("before=1&after=1", "after"),
    ("q=%00", "q"),
    ("q=" + "x" * 201, "q"),
    ("who=%E2%80%AE", "who"),
    ("event=" + "e" * 65, "event"),
    ("event=%ED%A0%80%00", "event"),
]


@pytest.mark.parametrize(("query", "field"), BAD)
def test_what_cannot_be_asked_is_refused_with_a_reason(admin: FlaskClient, query: str, field: str) -> None:
    answer = admin.get(f"{LOG}?{query}", headers=JSON)
    assert (answer.status_code, set(answer.get_json()["fields"])) == (422, {field})
    reason = answer.get_json()["fields"][field]
    for headers in ({}, HTMX):
        page = admin.get(f"{LOG}?{query}", headers=headers)
        assert (page.status_code, reason in page.text) == (422, True)
        if field not in {"when", "before", "after"}:
            assert re.search(rf'id="{field}-problem"[^>]*>{re.escape(reason)}</span>', page.text)
    assert admin.get(f"{LOG}/news?{query}", headers=HTMX).status_code == 422
    assert readings(admin) == [{"resource": "audit_log", "filters": {"event": "sensitive_read"}}]


@pytest.mark.parametrize("number", ["0", "999999", "9" * 19, "9" * 400, "-1", "x", "1.5", "%00"])
def test_no_such_event(admin: FlaskClient, number: str) -> None:
    for headers in ({}, HTMX, JSON):
        assert admin.get(f"{LOG}/{number}", headers=headers).status_code == 404


def test_pages_lead_back_and_forth(admin: FlaskClient, app: Flask) -> None:
    with state_of(app).database.transaction() as db:
        record_each("article.published", [Facts(("article", number)) for number in range(120)], session=db)
    seen: list[int] = []
    address = f"{LOG}?event=article.published"
    answer = admin.get(address, headers=JSON).get_json()
    while True:
        seen += [event["number"] for event in answer["events"]]
        if answer["next"] is None:
            break
        answer = admin.get(f"{address}&before={answer['next']}", headers=JSON).get_json()
    assert len(seen) == 120
    assert seen == sorted(seen, reverse=True)
    second = admin.get(f"{address}&before={seen[99]}").text
    assert f"after={seen[100]}" in second
    upwards = listed(admin, f"event=article.published&after={seen[100]}")
    assert [event["number"] for event in upwards] == seen[50:100]


def test_a_program_that_asks_for_news_is_told_those_alone(admin: FlaskClient, happen: Callable[..., None]) -> None:
    happen("article.published")
    happen("article.published")
    newest, older = [event["number"] for event in listed(admin, "event=article.published")]
    for after, news in ((older, [newest]), (newest, [])):
        told = admin.get(f"{LOG}?event=article.published&after={after}", headers=JSON).get_json()
        assert [event["number"] for event in told["events"]] == news
        assert told["next"] == (newest if news else None)
    # A person who goes back to newer events sees a whole page.
    page = admin.get(f"{LOG}?event=article.published&after={newest}").text
    assert f'id="event-{older}"' in page


@pytest.mark.parametrize(
    "asked", ["after=999999999999999999", "after=1000000000", "after=0&outcome=failure", "after=0"]
)
def test_a_program_is_led_nowhere_from_the_ends_of_the_log(
    admin: FlaskClient, happen: Callable[..., None], asked: str
) -> None:
    happen("article.published")
    told = admin.get(f"{LOG}?{asked}", headers=JSON).get_json()
    assert (bool(told["events"]), told["next"], told["searched_to"]) == (asked == "after=0", None, None)


def test_a_search_that_rests_says_how_far_it_has_come(
    admin: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "REACH", 10)
    with state_of(app).database.transaction() as db:
        record_each("kept.first", [Facts(("article", 1))] * 30, session=db)
        record_each("kept.last", [Facts(("article", 2))] * 30, session=db)
    query = f"{LOG}?event=kept.first&q=article:2"
    answer = admin.get(query, headers=JSON).get_json()
    assert (answer["events"], answer["searched_to"] is None, answer["next"] is None) == ([], False, False)
    page = admin.get(query).text
    assert "Search on" in page
    assert f"before={answer['next']}" in page
    assert "Nothing matches" not in page
    # Towards what is newer a program goes on by ``previous``, also where nothing older is left to lead to.
    with state_of(app).database.transaction() as db:
        record_each("kept.first", [Facts(("article", 2))], session=db)
    rising = admin.get(f"{query}&after=0", headers=JSON).get_json()
    assert (rising["events"], rising["next"], rising["searched_to"] is None) == ([], None, False)
    while not rising["events"]:
        assert rising["searched_to"]
        rising = admin.get(f"{query}&after={rising['previous']}", headers=JSON).get_json()
    assert rising["events"][0]["target"] == {"type": "article", "id": "2"}


def test_the_page_tells_what_has_changed_and_what_is_erased(
    admin: FlaskClient, app: Flask, happen: Callable[..., None]
) -> None:
    personal = {"email": Personal("<b>@example.com", None)}
    happen("article.moved", change={"status": ("<draft>", True)}, details={"by": {"a": 1}}, personal=personal)
    (event,) = listed(admin, "event=article.moved")
    for headers in ({}, HTMX):
        page = admin.get(f"{LOG}/{event['number']}", headers=headers).text
        assert "<del>&lt;draft&gt;</del>" in page.replace("\n", "").replace("  ", "")
        assert "&lt;b&gt;@example.com" in page
        assert "Not sealed yet" in page
        assert "User 77" in page
        assert "<b>" not in page
    Sealer(state_of(app).database, "gate.example.com").seal()
    assert "of epoch 1" in admin.get(f"{LOG}/{event['number']}").text
    assert admin.get(f"{LOG}/{event['number']}", headers=JSON).get_json()["place"]["epoch"] == 1


def test_who_is_deleted_keeps_her_events(app: Flask, admin: FlaskClient) -> None:
    gone = sign_in_as(app.test_client(), email="gone@example.com", name="Gone Person")
    assert "Gone Person" in admin.get(f"{LOG}?who=user:{gone.user_id}").text
    with state_of(app).database.transaction() as db:
        db.execute(delete(User).where(User.id == gone.user_id))
    page = admin.get(f"{LOG}?who=user:{gone.user_id}").text
    assert f"User {gone.user_id}" in page
    assert "Gone Person" not in page


# --- Who reads is written down -----------------------------------------------------------------


def test_reading_is_recorded_once_for_a_while_and_not_for_each_key(admin: FlaskClient) -> None:
    for text in ("n", "no", "nob", "nobody"):
        admin.get(f"{LOG}?q={text}", headers=HTMX)
        admin.get(f"{LOG}?q={text}")
    assert readings(admin)[:-1] == [{"resource": "audit_log", "filters": {"q": True}}]
    with time_machine.travel(utc_now() + timedelta(minutes=6)):
        admin.get(f"{LOG}?q=nobody")
        assert readings(admin).count({"resource": "audit_log", "filters": {"q": True}}) == 2


def test_it_says_at_whom_somebody_looked_and_holds_nothing_personal(admin: FlaskClient) -> None:
    admin.get(f"{LOG}?who=ada@example.com&ip=192.0.2.99&when=7d&outcome=denied")
    (reading, *_) = readings(admin)
    assert reading["filters"] == {"who": True, "ip": True, "when": "7d", "outcome": "denied"}
    assert reading["person"] == 1


def test_what_is_no_name_of_an_event_is_not_kept_for_good(admin: FlaskClient, happen: Callable[..., None]) -> None:
    happen("article.published")
    # The last one is ours, and has not happened yet.
    for event in ("grace@example.org", "article.published", "grace.hopper", "backup_drilled"):
        assert admin.get(f"{LOG}?event={event}").status_code == 200
    kept = [reading["filters"]["event"] for reading in readings(admin)]
    assert kept == [True, "article.published", "backup_drilled", "sensitive_read"]


def test_one_event_is_a_reading_too(admin: FlaskClient) -> None:
    for headers in ({}, HTMX, JSON):
        admin.get(f"{LOG}/1", headers=headers)
        admin.get(f"{LOG}/2", headers=headers)
    admin.get(f"{LOG}/999999")
    assert readings(admin)[:-1] == [{"resource": "audit_log", "event": number} for number in (1, 2)]


@pytest.mark.parametrize(("path", "headers"), [("", {}), ("/activity", {}), ("/activity", HTMX), ("/activity", JSON)])
def test_whoever_reads_of_a_person_is_written_down_before_she_is_shown_anything(
    app: Flask, admin: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    grace = sign_in_as(app.test_client(), email="grace@example.org", name="Grace Hopper")
    for _ in range(3):
        assert admin.get(f"/users/{grace.user_id}{path}", headers=headers).status_code == 200
    asked = f"event=sensitive_read&q=user:{grace.user_id}"
    assert [event["details"] for event in listed(admin, asked)] == [{"resource": "user", "person": grace.user_id}]


def test_one_s_own_activity_and_somebody_who_is_not_there_are_no_reading(admin: FlaskClient) -> None:
    for path in (
        "/account",
        "/account/activity",
        "/users/1",
        "/users/1/activity",
        "/users/4711",
        "/users/4711/activity",
    ):
        admin.get(path)
    # The row that the list shows, and no more.
    admin.get("/users/1", headers=JSON)
    assert readings(admin) == [{"resource": "audit_log", "filters": {"event": "sensitive_read"}}]


def test_what_a_page_asks_by_itself_is_no_reading_and_shows_no_event(
    admin: FlaskClient, happen: Callable[..., None]
) -> None:
    happen("article.published")
    for path in (f"{LOG}/news?after=1", f"{LOG}/news", f"{LOG}/news?after=1&q=ada"):
        answer = admin.get(path, headers=HTMX | {"Gatehouse-Background": "true"})
        assert answer.status_code == 200
        assert "article.published" not in answer.text
    assert readings(admin) == [{"resource": "audit_log", "filters": {"event": "sensitive_read"}}]


def test_the_header_of_a_background_request_hides_no_reading(admin: FlaskClient) -> None:
    """Anybody can send it: whoever is shown events is written down."""
    for path, read in ((LOG, {"filters": {}}), (f"{LOG}/1", {"event": 1})):
        assert "user_created" in admin.get(path, headers=JSON | {"Gatehouse-Background": "true"}).text
        with time_machine.travel(utc_now() + timedelta(minutes=6)):
            assert {"resource": "audit_log"} | read in readings(admin)


def test_news_are_counted_for_the_filters_of_the_page(admin: FlaskClient, happen: Callable[..., None]) -> None:
    newest = listed(admin)[0]["number"]
    happen("article.published")
    happen("article.published")
    happen("article.removed")
    assert "2 new events" in admin.get(f"{LOG}/news?event=article.published&after={newest}", headers=HTMX).text
    assert "new event" not in admin.get(f"{LOG}/news?event=nowhere&after={newest}", headers=HTMX).text
    for _ in range(51):
        happen("article.published")
    assert "More than 50 new events" in admin.get(f"{LOG}/news?after={newest}", headers=HTMX).text


def test_others_may_not(app: Flask) -> None:
    client = app.test_client()
    sign_in_as(client, Role.EDITOR, email="ed@example.com", name="Ed")
    for path in (LOG, f"{LOG}/1", f"{LOG}/news"):
        assert client.get(path).status_code == 403
    assert "Audit log" not in client.get("/dashboard").text


def test_the_export_is_offered_with_the_filters_of_the_page(app: Flask, admin: FlaskClient) -> None:
    page = unescape(admin.get(f"{LOG}?event=user_created&when=7d").text)
    is_there = "gatehouse.audit_export" in app.view_functions
    for name in ("jsonl", "csv", "ocsf"):
        assert (f'href="{LOG}/export?event=user_created&when=7d&format={name}"' in page) is is_there


def test_a_row_that_is_no_event_does_not_hide_the_others(app: Flask, admin: FlaskClient) -> None:
    plant(state_of(app).database, '{"<b>": 1}')
    (strange,) = [event for event in listed(admin) if event["event"] == "unreadable"]
    assert strange["actor"]["kind"] == "unknown"
    page = admin.get(LOG).text
    assert "No event: verify the log" in page
    assert "Nobody knows who" in page
    one = admin.get(f"{LOG}/{strange['number']}", headers=HTMX).text
    assert "{&#34;&lt;b&gt;&#34;: 1}" in one


def test_nor_does_one_about_a_number_that_nobody_can_have(app: Flask, admin: FlaskClient) -> None:
    strange = bent("user_updated", target={"id": "9" * 5000, "type": "user"})
    plant(state_of(app).database, strange, event="user_updated", personal=None)
    page = admin.get(LOG)
    assert page.status_code == 200
    assert "user 9999999999" in page.text


def test_what_is_no_role_hides_nobody_s_activity(app: Flask, happen: Callable[..., None]) -> None:
    """The names of our events are open to a host, and what it says in them is its own affair."""
    client = app.test_client()
    ada = sign_in_as(client, Role.ADMIN, email="ada@example.com", name="Ada Admin")
    for before, after in (("viewer", ["editor"]), ({"role": "viewer"}, 7)):
        happen("authz_change", resource=("user", ada.user_id), change={"role": (before, after)})
    page = client.get("/account/activity").text
    assert "From Viewer to [&#39;editor&#39;]" in page
    for address in ("/account", f"/users/{ada.user_id}", f"/users/{ada.user_id}/activity", "/admin/access-review", LOG):
        assert (address, client.get(address).status_code) == (address, 200)


def test_a_filter_that_nobody_knows_is_refused_by_its_name(app: Flask) -> None:
    """A mistyped one would show everything, and look as if that were all."""
    client = app.test_client()
    sign_in_as(client, Role.ADMIN)
    asked = "/admin/audit-logs?evnt=authz_fail&outcome=success"
    told = client.get(asked, headers={"Accept": "application/json"})
    assert (told.status_code, told.get_json()["fields"]) == (422, {"evnt": "There is no such filter."})
    for headers in ({}, {"HX-Request": "true"}):
        page = client.get(asked, headers=headers)
        assert (page.status_code, "There is no filter called evnt." in page.text) == (422, True)
        assert "&lt;b&gt;" in client.get("/admin/audit-logs?<b>=1", headers=headers).text
    assert client.get("/admin/audit-logs/news?evnt=1").status_code == 422
