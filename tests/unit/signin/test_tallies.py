"""How refusals are counted: a limit, waits that grow and end, and nothing that is remembered for ever."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies

from flask_gatehouse.settings import Rate
from flask_gatehouse.signin.rules import FIRST_WAIT, LONGEST_WAIT, Tally, count_refusal

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
RATE = Rate(3, 10 * MINUTE)


def counted(tally: Tally, *moments: datetime) -> Tally:
    for moment in moments:
        tally = count_refusal(tally, moment, RATE)
    return tally


def test_the_first_wait_begins_with_the_refusal_that_reaches_the_limit() -> None:
    assert not counted(Tally(), NOW, NOW).left(NOW)
    slowed = counted(Tally(), NOW, NOW, NOW)
    assert slowed.left(NOW) == FIRST_WAIT
    assert slowed.left(NOW + FIRST_WAIT) == timedelta()


def test_what_is_too_far_apart_is_no_repetition() -> None:
    tally = counted(Tally(), NOW, NOW + MINUTE, NOW + 10 * MINUTE)
    assert (tally.count, tally.since, tally.waits) == (1, NOW + 10 * MINUTE, 0)


def test_waits_grow_and_never_beyond_the_longest() -> None:
    tally, moment, waits = counted(Tally(), NOW, NOW), NOW, []
    for _ in range(8):
        tally = counted(tally, moment)
        waits.append(tally.left(moment))
        moment += waits[-1]
    assert waits == [FIRST_WAIT * 2**number for number in range(5)] + [LONGEST_WAIT] * 3


def test_what_comes_during_a_wait_makes_it_no_longer() -> None:
    slowed = counted(Tally(), NOW, NOW, NOW)
    later = counted(slowed, *(NOW + number * SECOND for number in range(1, 25)))
    assert (later.wait_until, later.waits, later.count) == (slowed.wait_until, 1, 27)


def test_it_is_all_forgotten_after_a_time_of_peace() -> None:
    slowed = counted(Tally(), NOW, NOW, NOW)
    forget_at = slowed.forget_at(RATE)
    assert forget_at == NOW + FIRST_WAIT + RATE.within
    assert counted(slowed, forget_at - SECOND).waits == 2
    assert counted(slowed, forget_at) == Tally(1, forget_at)
    assert Tally().forget_at(RATE) is None


@given(strategies.lists(strategies.integers(0, 3 * 10**6), max_size=200), strategies.integers(1, 30))
def test_nobody_ever_waits_longer_than_the_longest(pauses: list[int], times: int) -> None:
    tally, moment, rate = Tally(), NOW, Rate(times, 10 * MINUTE)
    for pause in pauses:
        moment += timedelta(milliseconds=pause)
        tally = count_refusal(tally, moment, rate)
        assert timedelta() <= tally.left(moment) <= LONGEST_WAIT


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20 per minute", Rate(20, MINUTE)),
        ("20 per 10 minutes", Rate(20, 10 * MINUTE)),
        ("5/hour", Rate(5, 60 * MINUTE)),
        (" 3 PER 2 Days ", Rate(3, 2 * 24 * 60 * MINUTE)),
        ("100 per month", Rate(100, timedelta(days=30))),
        ("5/year", Rate(5, timedelta(days=365))),
        ("1 per 10 years", Rate(1, timedelta(days=3650))),
    ],
)
def test_a_rate_in_words(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20",
        "0 per minute",
        "20 per 0 minutes",
        "1 per week",
        "9999999 per day",
        "1 per 9999999 days",
        "1 per 11 years",
    ],
)
def test_other_words_are_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        Rate.parse(text)
