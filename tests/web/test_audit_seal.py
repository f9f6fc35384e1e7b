"""The state of the seal in words: each way in which it can stand, and what a page makes of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_gatehouse import Role
from flask_gatehouse.audit import AuditEvent, record
from flask_gatehouse.audit.reading import TrailEvent
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.audit.standing import Signed, Standing
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import SYSTEM
from flask_gatehouse.settings import Settings
from flask_gatehouse.testing import sign_in_as
from flask_gatehouse.web import moments
from flask_gatehouse.web.audit_seal import Seal, describe
from tests.web.conftest import state_of

# A file is collected long before its tests run: every age below is counted from this moment.
NOW = utc_now()


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def verification(event: AuditEvent, reason: str | None = None, **details: Any) -> TrailEvent:
    content = {"event": event.value, "reason": reason, "details": details}
    return TrailEvent(9, minutes_ago(3.5), "", content, {})


@pytest.fixture
def settings(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(moments, "utc_now", lambda: NOW)
    return replace(state_of(app).settings, audit_key_file=tmp_path / "key", checkpoint_dir=tmp_path)


GOOD = Standing(
    epoch=1,
    sealed=18_206,
    waiting=2,
    waiting_since=minutes_ago(0),
    verification=verification(AuditEvent.VERIFIED, to=18_204, epoch=1),
    signed=Signed(1, 18_200, minutes_ago(2.5), minutes_ago(1.5)),
)


def said(standing: Standing, settings: Settings) -> tuple[Seal, str]:
    seal = describe(standing, settings, NOW)
    return seal, unescape(" ".join((seal.headline, *seal.notes, *seal.warnings)))


def test_in_order(settings: Settings) -> None:
    seal, words = said(GOOD, settings)
    assert (seal.level, seal.warnings) == ("success", ())
    assert "Verified to event 18,204, <time" in words
    assert "3 minutes ago</time>." in words
    assert "2 are not sealed yet." in words
    assert "The newest checkpoint, to event 18,200, left the database" in words


TAMPERED = verification(
    AuditEvent.VERIFY_FAILED, "tampered", to=18_204, finding={"kind": "edited", "epoch": 1, "first": 1204, "last": 1204}
)


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        ({"verification": TAMPERED}, "danger", "The first bad place is 1,204 of epoch 1 (edited)."),
        ({"verification": TAMPERED}, "danger", "the audit log was changed from outside"),
        ({"verification": verification(AuditEvent.VERIFY_FAILED, "inconsistent")}, "danger", "Keep the checkpoints"),
        ({"verification": verification(AuditEvent.VERIFY_FAILED, "undecided")}, "warning", "came to no result"),
        ({"verification": None}, "info", "18,206 events are sealed. Nobody has verified them yet."),
        ({"epoch": 2, "signed": Signed(2, 1, NOW, NOW)}, "info", "Nobody has verified them yet."),
        ({"waiting_since": minutes_ago(5)}, "warning", "is 'gatehouse worker' running?"),
        ({"waiting": 1000}, "success", "1,000 or more are not sealed yet."),
        ({"waiting": 0, "waiting_since": None}, "success", "Every event is sealed."),
        ({"signed": None}, "warning", "No checkpoint is signed yet"),
        ({"signed": Signed(1, 18_200, minutes_ago(9), None)}, "warning", "has not left the database"),
        ({"signed": Signed(1, 18_200, minutes_ago(1), None)}, "success", "Verified to event"),
    ],
)
def test_what_is_not_as_it_should_be(settings: Settings, change: dict[str, Any], level: str, words: str) -> None:
    seal, text = said(replace(GOOD, **change), settings)
    assert seal.level == level
    assert words in text


def test_before_anything_is_signed_it_says_so_and_not_that_a_verification_failed(settings: Settings) -> None:
    """A new trail, which the worker has verified before its first checkpoint was signed."""
    undecided = verification(AuditEvent.VERIFY_FAILED, "undecided", epoch=1)
    fresh = replace(GOOD, verification=undecided, signed=None)
    seal, text = said(fresh, settings)
    assert (seal.level, seal.headline) == (
        "warning",
        "Not verified yet: no checkpoint is signed that could vouch for the log.",
    )
    assert "'gatehouse worker' signs one within a minute: is it running?" in text
    assert "Not everything could be judged" not in text
    assert said(replace(fresh, sealed=0), settings)[0].level == "info"


def test_a_checkpoint_that_stays_on_the_machine_is_called_so(settings: Settings) -> None:
    _, text = said(GOOD, replace(settings, checkpoint_dir=None))
    assert "went to the worker's log alone" in text


def test_without_a_key_it_warns_and_says_what_to_do(settings: Settings) -> None:
    seal, text = said(GOOD, replace(settings, audit_key_file=None))
    assert seal.level == "warning"
    assert "Set GATEHOUSE_AUDIT_KEY_FILE" in text
    assert "checkpoint" not in text


def test_the_page_tells_it(app: Flask) -> None:
    client, database = app.test_client(), state_of(app).database
    sign_in_as(client, Role.ADMIN, email="ada@example.com", name="Ada")
    assert "Nothing is sealed yet." in client.get("/admin/audit-logs").text
    Sealer(database, "gate.example.com").seal()
    with database.transaction() as db:
        record(AuditEvent.VERIFIED, details={"to": 3, "epoch": 1}, session=db, actor=SYSTEM)
    page = client.get("/admin/audit-logs").text
    assert "Verified to event 3, <time" in page
    assert "1 is not sealed yet." in page
    with database.transaction() as db:
        record(AuditEvent.VERIFY_FAILED, details={"epoch": 1}, reason="tampered", session=db, actor=SYSTEM)
    assert "seal-danger" in client.get("/admin/audit-logs/news", headers={"HX-Request": "true"}).text
