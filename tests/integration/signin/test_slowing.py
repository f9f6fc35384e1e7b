"""Repeated refusals slow down, on both databases: who has to wait, who has not, and what is kept of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event, select

from flask_gatehouse.settings import Settings
from flask_gatehouse.signin.attempt import Purpose
from flask_gatehouse.signin.errors import Reason, SignInRefused, TooManyRefusals
from flask_gatehouse.signin.models import RefusalTally
from flask_gatehouse.signin.rules import FIRST_WAIT
from flask_gatehouse.signin.service import record_refusal
from flask_gatehouse.signin.slowing import Account, check_network, forget_refusals
from tests.integration.conftest import ISSUER, SOMEBODY, House, profile
from tests.integration.signin.conftest import Gate, settings_with

LIMIT = settings_with(GATEHOUSE_REFUSAL_LIMIT="3 per 10 minutes")
EVE: Account = (ISSUER, "eve-at-google")
ELSEWHERE = "203.0.113.9"
SLOWED, FAILED = "excess_rate_limit_exceeded", "authn_login_fail"


@pytest.fixture
def refuse(house: House) -> Callable[..., None]:
    """Refuse somebody, so many times."""

    def refuse(times: int = 1, *, account: Account | None = None, ip: str | None = SOMEBODY.ip) -> None:
        for _ in range(times):
            refused = SignInRefused(Reason.STATE_MISSING, "google")
            actor = replace(SOMEBODY, ip=ip)
            record_refusal(house.database, LIMIT, refused, purpose=Purpose.SIGN_IN, actor=actor, account=account)

    return refuse


def wait_of(house: House, ip: str | None = SOMEBODY.ip, settings: Settings = LIMIT) -> timedelta:
    try:
        check_network(house.database, settings, ip)
    except TooManyRefusals as error:
        return error.wait
    return timedelta()


def let_time_pass(house: House, span: timedelta) -> None:
    with house.database.transaction() as db:
        for row in db.scalars(select(RefusalTally)):
            for name in ("since", "wait_until", "forget_at"):
                if moment := getattr(row, name):
                    setattr(row, name, moment - span)


@pytest.mark.parametrize(
    "refused",
    [
        SignInRefused(Reason.PROVIDER_ERROR, "google", by_caller=False),
        SignInRefused(Reason.DISCOVERY_INVALID, "google"),
        SignInRefused(Reason.ID_TOKEN_SIGNATURE, "google"),
        SignInRefused(Reason.ID_TOKEN_CLAIMS, "google"),
        SignInRefused(Reason.USERINFO_SUBJECT, "google"),
        SignInRefused(Reason.PROVIDER_ANSWER, "google", by_caller=False),
    ],
    ids=["client-secret", "discovery", "signature", "claims", "subject", "answer"],
)
def test_what_is_wrong_between_the_provider_and_us_slows_nobody(house: House, refused: SignInRefused) -> None:
    for _ in range(5):
        record_refusal(house.database, LIMIT, refused, purpose=Purpose.SIGN_IN, actor=SOMEBODY)
    assert not wait_of(house)
    assert [row.event for row in house.trail()] == [FAILED] * 5


def test_a_network_waits_beyond_the_limit(house: House, refuse: Callable[..., None]) -> None:
    refuse(2)
    assert not wait_of(house)
    refuse()
    assert timedelta() < wait_of(house) <= FIRST_WAIT
    assert not wait_of(house, ELSEWHERE)
    # A neighbour is somebody else.
    assert not wait_of(house, "192.0.2.8")
    assert house.events() == [FAILED, FAILED, SLOWED, FAILED]
    let_time_pass(house, FIRST_WAIT)
    assert not wait_of(house)
    refuse()
    assert FIRST_WAIT < wait_of(house) <= 2 * FIRST_WAIT


def test_a_flood_adds_nothing_to_the_trail(house: House, refuse: Callable[..., None]) -> None:
    refuse(3)
    recorded, until = house.events(), wait_of(house)
    for _ in range(20):
        with pytest.raises(TooManyRefusals) as caught:
            refuse()
        assert timedelta() < caught.value.wait <= until
    assert house.events() == recorded
    said = house.last_details()
    assert said["reason"] == "state_missing"


def test_who_is_slowed_down_is_in_the_trail_once(house: House, refuse: Callable[..., None]) -> None:
    refuse(3, account=EVE)
    slowed = [row for row in house.trail() if row.event == SLOWED]
    assert sorted(row.body[row.body.index('"of"') :][:14] for row in slowed) == ['"of":"account"', '"of":"network"']
    assert {row.outcome for row in slowed} == {"denied"}


def test_an_account_that_is_refused_from_everywhere(gate: Gate, house: House, refuse: Callable[..., None]) -> None:
    """It waits wherever it comes from, where it would be refused once more; whoever may come in comes in."""
    for number in range(3):
        refuse(account=EVE, ip=f"198.51.100.{number}")
    with pytest.raises(TooManyRefusals):
        refuse(account=EVE, ip=ELSEWHERE)
    assert not wait_of(house, ELSEWHERE)
    refuse(account=(ISSUER, "somebody-else"), ip=ELSEWHERE)
    gate.complete(profile("eve"), settings=LIMIT)
    # That has cleared what was counted of her.
    refuse(2, account=EVE, ip="203.0.113.10")


def test_a_success_does_not_clear_the_network(gate: Gate, house: House, refuse: Callable[..., None]) -> None:
    refuse(2)
    gate.complete(profile("ada"), settings=LIMIT)
    refuse()
    assert wait_of(house)


def test_whoever_has_many_lines_has_one_site(house: House, refuse: Callable[..., None]) -> None:
    for number in range(3 * 16):
        assert not wait_of(house, "2001:db8:1:ffff::1")
        refuse(ip=f"2001:db8:1:{number:x}::1")
    assert wait_of(house, "2001:db8:1:ffff::1")
    assert not wait_of(house, "2001:db8:2:ffff::1")


def test_a_network_that_is_counted_and_not_asked_for_is_loud(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would make nobody wait."""
    three = (("192.0.2.7/32", 1), ("192.0.2.0/30", 2), ("192.0.2.0/24", 4))
    monkeypatch.setattr("flask_gatehouse.signin.slowing.networks_to_hold", lambda address: three)
    with pytest.raises(ValueError, match="unpack"):
        check_network(house.database, LIMIT, SOMEBODY.ip)


def test_a_refusal_from_nowhere_is_recorded(house: House, refuse: Callable[..., None]) -> None:
    refuse(5, ip=None)
    assert house.events() == [FAILED] * 5
    assert not wait_of(house, None)


def test_the_table_is_no_list_of_addresses(house: House, refuse: Callable[..., None]) -> None:
    refuse(3, account=EVE)
    with house.database.transaction() as db:
        keys = db.scalars(select(RefusalTally.key)).all()
    assert [len(key) for key in keys] == [32, 32]
    # Under another key of the application the same network has another name.
    assert wait_of(house)
    assert not wait_of(house, settings=settings_with(SECRET_KEY="m" * 20 + "nopqrstuvwxyz0123"))


def test_what_there_is_nothing_to_remember_of_is_forgotten(house: House, refuse: Callable[..., None]) -> None:
    def forget() -> int:
        with house.database.transaction() as db:
            return forget_refusals(db)

    refuse(3, account=EVE)
    assert forget() == 0
    let_time_pass(house, LIMIT.refusal_limit.within)
    assert forget() == 0
    let_time_pass(house, FIRST_WAIT)
    assert forget() == 2


def test_refusals_at_one_moment_all_count(house: House, refuse: Callable[..., None]) -> None:
    """Each stands before its first write until all of them do; SQLite lets one writer in at a time anyway."""
    together, met = 3, Barrier(3)
    waits_for_others = house.database.engine.dialect.name == "postgresql"
    passed: set[int] = set()

    def wait(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        if text.startswith("INSERT INTO gatehouse_refusal_tallies") and id(connection) not in passed:
            passed.add(id(connection))
            if waits_for_others:
                met.wait(60)

    event.listen(house.database.engine, "before_cursor_execute", wait)
    with ThreadPoolExecutor(together) as threads:
        list(threads.map(lambda _: refuse(), range(together)))
    event.remove(house.database.engine, "before_cursor_execute", wait)
    with house.database.transaction() as db:
        (tally,) = db.scalars(select(RefusalTally))
    assert (tally.count, tally.waits) == (3, 1)
    assert house.events().count(SLOWED) == 1
