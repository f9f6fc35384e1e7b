"""Operators are told, from nodes over sockets, and nobody who signs in waits for it."""

import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from flask_gatehouse.alerts.deadline import DEADLINE_S
from flask_gatehouse.alerts.webhook import SIGNATURE
from flask_gatehouse.audit import AuditEvent, record
from tests.nodes.listeners import (
    Hook,
    PostOffice,
    open_hanging_server,
    open_hook,
    open_post_office,
    text_of,
    wait_until,
)
from tests.nodes.people import Browser, hidden_fields, new_address
from tests.nodes.sites import Site, gatehouse, running_site
from tests.processes import Node

OPERATOR = "security@example.com"
SECRET = "a-secret-of-the-hook"
ADMIN = "admin@example.com"


def environment_of(office: PostOffice, hook: Hook) -> dict[str, str]:
    return {
        "GATEHOUSE_SMTP_URL": f"smtp://127.0.0.1:{office.port}",
        "GATEHOUSE_MAIL_FROM": "Gate <gate@example.com>",
        "GATEHOUSE_ALERT_EMAIL": OPERATOR,
        "GATEHOUSE_ALERT_WEBHOOK_URL": hook.url,
        "GATEHOUSE_ALERT_WEBHOOK_SECRET": SECRET,
    }


@dataclass(frozen=True, slots=True)
class ToldAlone:
    """A mailbox and a hook that hear nothing but what an operator sends there, for want of a worker."""

    office: PostOffice
    hook: Hook
    environment: Mapping[str, str]
    folder: Path

    def test(self, **changed: str) -> "subprocess.CompletedProcess[str]":
        environment = {"GATEHOUSE_ENV": "development", **self.environment, **changed}
        return gatehouse(("alerts", "test"), environment, self.folder)


@pytest.fixture(scope="module")
def office(place: str) -> Iterator[PostOffice]:
    with open_post_office() as office:
        yield office


@pytest.fixture(scope="module")
def hook(place: str) -> Iterator[Hook]:
    with open_hook() as hook:
        yield hook


@pytest.fixture(scope="module")
def site(place: str, office: PostOffice, hook: Hook) -> Iterator[Site]:
    with running_site(place, environment_of(office, hook), servers=("run", "run")) as site:
        # A sink is told of what happens after it was first looked at.
        wait_until(lambda: is_followed(site))
        yield site


def is_followed(site: Site) -> bool:
    with site.database.reading() as connection:
        names = {name for (name,) in connection.exec_driver_sql("SELECT name FROM gatehouse_alert_sinks")}
    return {"alerts-mail", "alerts-webhook", "alerts-log"} <= names


def test_an_attempt_on_the_last_administrator_is_told_once_everywhere(
    site: Site, office: PostOffice, hook: Hook, open_browser: Callable[[Node], Browser]
) -> None:
    browser, address = open_browser(site.node), new_address("ada")
    assert browser.sign_in(address, "Ada <Admin>").status_code == 302
    assert site.command("create-admin", address).returncode == 0
    user_id = site.user_id(address)
    fields = hidden_fields(browser.get(f"/users/{user_id}").text) | {"name": "Ada", "role": "viewer"}
    assert browser.post(f"/users/{user_id}", fields).status_code == 409

    def told() -> list[dict[str, object]]:
        return [
            alert
            for body in hook.contents("alert")
            for alert in body["alerts"]
            if alert["rule"] == "last-administrator"
        ]

    def letters() -> list[EmailMessage]:
        return [letter for letter in office.to(OPERATOR) if "last administrator" in text_of(letter)]

    wait_until(lambda: bool(told() and letters()))
    (alert,) = told()
    assert (alert["key"], alert["count"]) == (f"user:{user_id}", 1)
    assert f"Ada <Admin> ({address})" in text_of(letters()[0])
    html = text_of(letters()[0], "html")
    assert "<Admin>" not in html
    assert f"{site.node.base_url}/admin/audit-logs" in html
    wait_until(lambda: any("alert last-administrator: " in node.log for node in site.nodes))
    # Two workers on one database, a mailbox and a hook: each was told once.
    time.sleep(2)
    assert (len(told()), len(letters())) == (1, 1)
    assert sum(node.log.count("alert last-administrator: ") for node in site.nodes) == 1


@pytest.fixture
def told_alone(database_url: str, tmp_path: Path) -> Iterator[ToldAlone]:
    with open_post_office() as office, open_hook() as hook:
        yield ToldAlone(office, hook, {"DATABASE_URL": database_url, **environment_of(office, hook)}, tmp_path)


def test_what_is_posted_is_signed(told_alone: ToldAlone) -> None:
    assert told_alone.test().returncode == 0
    ((headers, body),) = told_alone.hook.posts
    moment, _, digest = headers[SIGNATURE].partition(",")
    signed = f"{moment.removeprefix('t=')}.".encode() + body
    assert digest == f"v1={hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()}"
    assert abs(int(moment.removeprefix("t=")) - time.time()) < 300
    assert json.loads(body)["type"] == "alert.test"


def test_a_test_message_goes_everywhere_and_says_what_happened(told_alone: ToldAlone) -> None:
    tried = told_alone.test()
    assert (tried.returncode, tried.stdout) == (0, "log: taken.\nmail: taken.\nwebhook: taken.\n")
    (letter,) = told_alone.office.letters
    assert letter["Subject"] == "[Gatehouse] This is a test"
    told_alone.hook.answers.append(500)
    told_alone.office.refusals.append("550 no")
    tried = told_alone.test()
    assert (tried.returncode, tried.stdout) == (1, "log: taken.\n")
    assert "mail: the letter cannot be sent (the mail server says 550 to the letter)." in tried.stderr
    assert "webhook: the webhook (it answered 500) is not available." in tried.stderr


def test_what_is_not_configured_is_named(told_alone: ToldAlone) -> None:
    no_mail = dict.fromkeys(("GATEHOUSE_SMTP_URL", "GATEHOUSE_MAIL_FROM", "GATEHOUSE_ALERT_EMAIL"), "")
    told = {"GATEHOUSE_ALERT_WEBHOOK_FORMAT": "slack", "GATEHOUSE_APP_NAME": "<!channel>"}
    tried = told_alone.test(**no_mail, **told)
    assert tried.returncode == 0
    assert "mail: not configured" in tried.stdout
    ((_, body),) = told_alone.hook.posts
    # What a chat takes; and nobody's name calls everybody.
    assert list(json.loads(body)) == ["text"]
    assert json.loads(body)["text"].startswith("*[&lt;!channel&gt;] This is a test*\n")


def test_a_server_that_hangs_stops_nobody(sqlite_url: str, hook: Hook, open_browser: Callable[[Node], Browser]) -> None:
    """It drips one byte a second, so that it never falls silent for long enough."""
    with ExitStack() as stack:
        port, held = stack.enter_context(open_hanging_server())
        environment = {
            "GATEHOUSE_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "GATEHOUSE_MAIL_FROM": "gate@example.com",
            "GATEHOUSE_ALERT_EMAIL": OPERATOR,
            "GATEHOUSE_ALERT_WEBHOOK_URL": hook.url,
            "GATEHOUSE_ALERT_WEBHOOK_SECRET": SECRET,
        }
        site = stack.enter_context(running_site(sqlite_url, environment))
        wait_until(lambda: is_followed(site))
        with site.database.transaction() as db:
            before = len(hook.contents("alert"))
            record(AuditEvent.VERIFY_FAILED, reason="inconsistent", session=db)
        wait_until(lambda: bool(held))
        wait_until(lambda: len(hook.contents("alert")) > before)
        # A second event, while the mail server still hangs: sealed, told to the others, and nobody waits.
        began = time.monotonic()
        assert open_browser(site.node).sign_in(new_address()).status_code == 302
        assert time.monotonic() - began < DEADLINE_S
        mark = site.last_event()

        def all_sealed() -> bool:
            with site.database.reading() as connection:
                rows = connection.exec_driver_sql("SELECT max(event_id) FROM gatehouse_audit_leaves")
                return (rows.scalar() or 0) >= mark

        wait_until(all_sealed)
        ended = time.monotonic()
    assert time.monotonic() - ended < DEADLINE_S
