"""What reaches a sink, whatever happens on the way: nothing lost, few messages, and nothing silent."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from sqlalchemy import func, select

from flask_gatehouse.accounts.bulk import Action, Change, change_many
from flask_gatehouse.accounts.holds import hold_user
from flask_gatehouse.accounts.service import toggle_active
from flask_gatehouse.alerts.cursor import MOST_FAILURES
from flask_gatehouse.alerts.errors import LetterRefused
from flask_gatehouse.alerts.messages import Alert, Message, as_text
from flask_gatehouse.alerts.models import AlertGroup
from flask_gatehouse.alerts.sinks import LogSink
from flask_gatehouse.audit import AuditEvent, Facts, record
from flask_gatehouse.audit.events import UNDECIDED, Upkeep
from flask_gatehouse.audit.service import record_each
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.sessions.rules import EndReason, Limits, ended
from flask_gatehouse.sessions.service import note_use_after_end
from tests.integration.alerts.conftest import Desk
from tests.integration.conftest import SOMEBODY, House


class PowerCut(BaseException):
    """Ends a worker where it stands; nothing of ours catches it."""


def cut() -> None:
    raise PowerCut


def away() -> None:
    raise DependencyUnavailable("the mail server")


def refuse(database: Database, times: int, actor: Actor = SOMEBODY) -> None:
    with database.transaction() as db:
        record_each(AuditEvent.LOGIN_FAIL, [Facts(("user", 7), reason="deactivated")] * times, session=db, actor=actor)


def fail_verification(database: Database) -> None:
    with database.transaction() as db:
        record(AuditEvent.VERIFY_FAILED, reason="inconsistent", session=db)


def test_ten_thousand_failures_are_one_message(desk: Desk) -> None:
    refuse(desk.database, 10_000)
    assert desk.work() == []
    desk.wait(timedelta(minutes=2))
    (message,) = desk.work()
    told = {alert.rule: alert for alert in message.alerts}
    assert set(told) == {"refusals-account", "refusals-network"}
    assert {alert.count for alert in message.alerts} == {10_000}
    assert (told["refusals-account"].key, told["refusals-network"].key) == ("user:7", "192.0.2.0/24")
    assert len(told["refusals-account"].examples) == 3
    text = as_text(message)
    assert "10,000 times, from 20" in text
    assert (
        "authn_login_fail · by anonymous · on somebody who was deleted (user 7) · deactivated · from 192.0.2.7" in text
    )


def test_what_goes_on_is_told_again_after_the_window_and_not_before(desk: Desk) -> None:
    refuse(desk.database, 20)
    desk.work()
    desk.wait(timedelta(minutes=2))
    assert len(desk.work()) == 1
    refuse(desk.database, 30)
    desk.wait(timedelta(minutes=2))
    assert len(desk.work()) == 1
    desk.wait(timedelta(minutes=15))
    assert [alert.count for alert in desk.work()[1].alerts] == [30, 30]


def test_a_few_refusals_are_no_alert_and_are_forgotten(desk: Desk) -> None:
    refuse(desk.database, 9)
    desk.work()
    desk.wait(timedelta(minutes=2))
    assert desk.work() == []
    desk.wait(timedelta(minutes=15))
    desk.work()
    with desk.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(AlertGroup)) == 0


def test_a_power_cut_before_sending_loses_nothing(desk: Desk) -> None:
    desk.listener.before = cut
    fail_verification(desk.database)
    with pytest.raises(PowerCut):
        desk.work()
    desk.listener.before = lambda: None
    # Whoever died has the sink for two minutes still.
    assert desk.work() == []
    desk.wait(timedelta())
    (message,) = desk.work()
    assert [alert.count for alert in message.alerts] == [1]


def test_a_power_cut_after_sending_tells_it_again(desk: Desk) -> None:
    desk.listener.after = cut
    fail_verification(desk.database)
    with pytest.raises(PowerCut):
        desk.work()
    desk.listener.after = lambda: None
    desk.wait(timedelta())
    first, second = desk.work()
    assert first.alerts == second.alerts
    desk.wait(timedelta())
    assert len(desk.work()) == 2


def test_a_verification_without_a_result_is_told_as_that(desk: Desk) -> None:
    with desk.database.transaction() as db:
        record(AuditEvent.VERIFY_FAILED, reason=UNDECIDED, session=db)
    (message,) = desk.work()
    told = [(alert.rule, alert.title) for alert in message.alerts]
    assert told == [("verification-undecided", "A verification of the audit trail came to no result")]


@pytest.mark.parametrize("reason", EndReason)
def test_a_session_that_is_used_after_somebody_has_ended_it_is_told(desk: Desk, reason: EndReason) -> None:
    with desk.database.transaction() as db:
        record(AuditEvent.SESSION_USE_AFTER_EXPIRE, resource=("session", "x" * 22), reason=reason, session=db)
    desk.work()
    desk.wait(timedelta(minutes=2))
    rules = [alert.rule for message in desk.work() for alert in message.alerts]
    assert rules == ([] if reason in {EndReason.IDLE, EndReason.ABSOLUTE} else ["session-after-end"])


@pytest.mark.parametrize("end", ["not me", "deactivated", "deactivated with others", "activated again"])
def test_a_thief_who_comes_back_is_told_however_her_sessions_were_ended(desk: Desk, house: House, end: str) -> None:
    user = house.join("ada")
    begun = house.enter(user)
    with desk.database.transaction() as db:
        if end == "not me":
            assert hold_user(db, user.id, user.session_generation, about="login", actor=SOMEBODY)
        elif end == "deactivated with others":
            assert change_many(db, [user.id], Change(Action.DEACTIVATE), actor_id=None).changed == 1
        else:
            toggle_active(db, user.id, wanted=False, actor=SOMEBODY)
        if end == "activated again":
            toggle_active(db, user.id, wanted=True, actor=SOMEBODY)
    limits = Limits(idle=timedelta(minutes=30), absolute=timedelta(hours=24))
    reason = ended(house.find(begun).times, limits)
    assert reason is not None
    with desk.database.transaction() as db:
        assert note_use_after_end(db, begun.session_id, reason, actor=SOMEBODY)
    desk.work()
    desk.wait(timedelta(minutes=2))
    assert "session-after-end" in [alert.rule for message in desk.work() for alert in message.alerts]


@pytest.mark.parametrize("reason", [*Upkeep, None])
def test_an_erasure_that_nobody_has_asked_for_is_not_told(desk: Desk, reason: Upkeep | None) -> None:
    with desk.database.transaction() as db:
        record(AuditEvent.PERSONAL_DATA_ERASED, details={"subjects": ["user:7"]}, reason=reason, session=db)
    desk.work()
    desk.wait(timedelta(minutes=2))
    rules = [alert.rule for message in desk.work() for alert in message.alerts]
    # One that a restore has repeated is one: somebody had come back.
    assert rules == ([] if reason in {Upkeep.RETENTION, Upkeep.REPEATED} else ["erased"])


def test_everybody_who_comes_after_all_sessions_were_ended_is_one_message(desk: Desk) -> None:
    def come(numbers: range) -> None:
        with desk.database.transaction() as db:
            for number in numbers:
                target, who = ("session", f"{number:022}"), Actor(user_id=number, kind="user")
                record(
                    AuditEvent.SESSION_USE_AFTER_EXPIRE,
                    resource=target,
                    reason=EndReason.REVOKED,
                    session=db,
                    actor=who,
                )

    come(range(1, 26))
    desk.work()
    desk.wait(timedelta(minutes=2))
    assert [(alert.count, len(alert.examples)) for message in desk.work() for alert in message.alerts] == [(25, 3)]
    come(range(26, 51))
    desk.wait(timedelta(minutes=2))
    assert len(desk.work()) == 1
    desk.wait(timedelta(hours=1))
    assert [alert.count for alert in desk.work()[1].alerts] == [25]


def test_of_two_workers_one_tells(desk: Desk) -> None:
    fail_verification(desk.database)
    desk.seal()
    barrier = Barrier(2)

    def run() -> None:
        worker = desk.worker()
        barrier.wait()
        worker.run()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(message.alerts) for message in desk.listener.messages] == [1]


def test_a_sink_that_is_away_is_tried_again_and_given_up_at_last(
    desk: Desk, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    desk.listener.before = away
    fail_verification(desk.database)
    desk.work()
    assert house.events()[-1] == "audit_verify_failed"
    assert "alerts-test is tried again in 10 seconds" in caplog.text
    for _ in range(MOST_FAILURES - 1):
        desk.wait(timedelta())
        desk.worker().run()
    assert house.events()[-1] == "alert_undelivered"
    assert f"given up for alerts-test: the mail server is not available, {MOST_FAILURES} times" in caplog.text
    assert house.last_details() == {
        "sink": "alerts-test",
        "rules": {"verification-failed": 1},
        "number_of_events": 1,
    }
    # It is not told about itself, and goes on with what comes next.
    desk.listener.before = lambda: None
    desk.wait()
    assert desk.work() == []
    fail_verification(desk.database)
    assert len(desk.work()) == 1


def test_another_sink_is_told_of_one_that_is_dead(desk: Desk) -> None:
    with desk.database.transaction() as db:
        record(AuditEvent.ALERT_UNDELIVERED, details={"sink": "alerts-mail"}, session=db)
    (message,) = desk.work()
    assert [alert.rule for alert in message.alerts] == ["undelivered"]


def test_what_is_refused_for_good_is_not_tried_again(desk: Desk, house: House) -> None:
    def refused() -> None:
        raise LetterRefused("550")

    desk.listener.before = refused
    fail_verification(desk.database)
    desk.work()
    assert house.events()[-1] == "alert_undelivered"


def test_a_message_follows_another_after_a_while(desk: Desk) -> None:
    fail_verification(desk.database)
    assert len(desk.work()) == 1
    with desk.database.transaction() as db:
        record(AuditEvent.PROVIDER_UNAVAILABLE, resource=("provider", "google"), session=db)
    assert len(desk.work()) == 1
    desk.wait(timedelta(seconds=31))
    assert [alert.key for alert in desk.work()[1].alerts] == ["provider:google"]


def test_what_was_overdue_while_nobody_could_be_told_is_told_when_it_is_so_again(desk: Desk) -> None:
    def backup(age: timedelta) -> None:
        with time_machine.travel(utc_now() - age, tick=False), desk.database.transaction() as db:
            record(AuditEvent.BACKUP_MADE, session=db)

    backup(timedelta(days=5))
    backup(timedelta(days=4))
    desk.listener.before = away
    assert desk.work() == []
    backup(timedelta())
    desk.listener.before = lambda: None
    desk.wait(timedelta())
    assert desk.work() == []
    # Its rhythm is broken once more, a moment later.
    backup(timedelta(days=3))
    backup(timedelta(days=3))
    desk.wait(timedelta())
    assert [alert.rule for message in desk.work() for alert in message.alerts] == ["backup-overdue"]


def test_many_groups_are_one_message_that_says_how_many_there_are(desk: Desk) -> None:
    with desk.database.transaction() as db:
        for number in range(25):
            who, change = Actor(user_id=number + 1, kind="user"), {"role": ("viewer", "admin")}
            record(
                AuditEvent.AUTHZ_CHANGE,
                resource=("user", 99),
                change=change,
                session=db,
                actor=who,
            )
    desk.work()
    desk.wait(timedelta(minutes=1))
    (message,) = desk.work()
    assert len(message.alerts) == 20
    assert message.more == [("A role or a permission was changed", 5)]
    assert message.subject == "[Gatehouse] A role or a permission was changed and 24 more"


def test_the_log_says_how_many_there_are_too(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    now = utc_now()
    alert = Alert("provider-down", "A sign-in service does not answer", None, "provider:google", 1, now, now)
    LogSink().send(
        Message("Gatehouse", "https://gate.example", [alert], [("A backup is overdue", 1), (alert.title, 5)])
    )
    assert caplog.messages[1:] == [
        "alert: and 1 more: A backup is overdue",
        "alert: and 5 more: A sign-in service does not answer",
    ]
