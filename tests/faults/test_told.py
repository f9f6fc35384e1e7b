"""Whoever is told, at the end of a line that goes bad: it ends in time, and what was to be told arrives afterwards."""

import time
from collections.abc import Callable, Iterator

import pytest

from flask_gatehouse.alerts import deadline, webhook
from flask_gatehouse.alerts.mail import Letter, Mailer
from flask_gatehouse.audit import AuditEvent, record
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.settings.mail import parse_mail_server
from tests.nodes.listeners import Hook, PostOffice, open_hook, open_post_office, wait_until
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node

from .answers import within
from .line import BAD, Way, open_line
from .report import Shows

# A call to each of them, and the rest for this machine. What drips would take many times as long.
DEADLINE_S, MARGIN_S = 2.0, 9.0
# What is merely slow is waited for, however slow this machine is on top of it.
PATIENCE_S = 120.0
OPERATOR = "security@example.com"


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    with open_post_office() as office:
        yield office


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with open_hook() as hook:
        yield hook


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "DEADLINE_S", PATIENCE_S)


def tell(send: Callable[[], None], way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    if way is Way.SLOW:
        send()
        return
    with monkeypatch.context() as less_patience:
        less_patience.setattr(deadline, "DEADLINE_S", DEADLINE_S)
        began = time.monotonic()
        with pytest.raises(DependencyUnavailable):
            send()
        assert time.monotonic() - began < DEADLINE_S + MARGIN_S


@pytest.mark.parametrize("way", BAD)
def test_a_mail_server(office: PostOffice, monkeypatch: pytest.MonkeyPatch, shows: Shows, way: Way) -> None:
    with open_line(office.port) as line:
        mailer = Mailer(parse_mail_server(f"smtp://127.0.0.1:{line.port}"), "Gate <gate@example.com>")
        address = new_address("operator")
        letter = Letter(address, "Subject", "Text", "<p>Text</p>")
        with line.going(way):
            tell(lambda: mailer.send(letter), way, monkeypatch)
        if way is not Way.SLOW:
            mailer.send(letter)
    # Twice at worst, where the server took it and could not say so.
    assert 1 <= len(office.to(address)) <= 2
    shows(f"mail server: line {way}", "ends in time, arrives afterwards" if way is not Way.SLOW else "slow and whole")


@pytest.mark.parametrize("way", BAD)
def test_a_webhook(hook: Hook, monkeypatch: pytest.MonkeyPatch, shows: Shows, way: Way) -> None:
    address = new_address()
    with open_line(int(hook.url.rpartition(":")[2].partition("/")[0])) as line:
        url = f"http://127.0.0.1:{line.port}/hook"
        with line.going(way):
            tell(lambda: webhook.post(url, "secret", {"type": address}), way, monkeypatch)
        if way is not Way.SLOW:
            webhook.post(url, "secret", {"type": address})
    assert 1 <= len(hook.contents(address)) <= 2
    shows(f"webhook: line {way}", "ends in time, arrives afterwards" if way is not Way.SLOW else "slow and whole")


def test_an_alert_outlives_that_nobody_listens(
    office: PostOffice, sqlite_url: str, open_browser: Callable[[Node], Browser], shows: Shows
) -> None:
    with open_line(office.port) as line:
        environment = {
            "GATEHOUSE_SMTP_URL": f"smtp://127.0.0.1:{line.port}",
            "GATEHOUSE_MAIL_FROM": "gate@example.com",
            "GATEHOUSE_ALERT_EMAIL": OPERATOR,
        }
        with running_site(sqlite_url, environment) as site:
            wait_until(lambda: is_followed(site))
            with line.going(Way.REFUSED):
                with site.database.transaction() as db:
                    record(AuditEvent.VERIFY_FAILED, reason="inconsistent", session=db)
                wait_until(lambda: "alerts-mail is tried again" in site.node.log)
                assert within(PATIENCE_S, lambda: open_browser(site.node).sign_in(new_address())).status_code == 302
                assert office.to(OPERATOR) == []
            office.wait_for(1, OPERATOR)
    shows("mail server: nobody listens", "requests go on, the alert arrives once by itself")


def is_followed(site: Site) -> bool:
    with site.database.reading() as connection:
        names = {name for (name,) in connection.exec_driver_sql("SELECT name FROM gatehouse_alert_sinks")}
    return "alerts-mail" in names
