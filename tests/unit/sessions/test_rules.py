"""When a session lives. Nothing here waits: the clock is an argument."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from flask_gatehouse.sessions.rules import (
    EndReason,
    Limits,
    Times,
    absolute_end,
    can_be_extended,
    ended,
    time_left,
    touch_is_due,
)

BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)
LIMITS = Limits(idle=timedelta(minutes=30), absolute=timedelta(hours=24))
SECOND = timedelta(seconds=1)
FRESH = Times(
    now=BEGAN,
    created_at=BEGAN,
    last_seen_at=BEGAN,
    expires_at=BEGAN + LIMITS.absolute,
    ended=None,
    user_is_active=True,
    generation_is_current=True,
)


def after(now: timedelta, *, seen: timedelta = timedelta()) -> Times:
    """Return the state of a session ``now`` after it began, which was used last ``seen`` after it began."""
    return replace(FRESH, now=BEGAN + now, last_seen_at=BEGAN + seen)


MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        (after(timedelta()), None),
        (after(30 * MINUTES - SECOND), None),
        (after(30 * MINUTES), EndReason.IDLE),
        # The runbook's fault 3: .seconds of a day and ten minutes is ten minutes.
        (after(24 * HOURS + 10 * MINUTES, seen=10 * MINUTES), EndReason.ABSOLUTE),
        (replace(after(48 * HOURS + 10 * MINUTES, seen=24 * HOURS), expires_at=BEGAN + 96 * HOURS), EndReason.ABSOLUTE),
        (after(24 * HOURS - SECOND, seen=24 * HOURS - 2 * SECOND), None),
        (after(24 * HOURS, seen=24 * HOURS - SECOND), EndReason.ABSOLUTE),
        # What was promised when it began holds, whatever the limits say today.
        (replace(after(2 * HOURS, seen=2 * HOURS), expires_at=BEGAN + 1 * HOURS), EndReason.ABSOLUTE),
        (replace(FRESH, user_is_active=False), EndReason.DEACTIVATED),
        (replace(FRESH, generation_is_current=False), EndReason.GENERATION),
        # A clock that was set back must not end anything, nor prolong it past its end.
        (after(-5 * MINUTES), None),
        *((replace(FRESH, ended=reason), reason) for reason in EndReason),
        # What is written down was decided already.
        (replace(after(48 * HOURS), ended=EndReason.LOGOUT, user_is_active=False), EndReason.LOGOUT),
        # Being shut out is told before a time that has also run out.
        (replace(after(48 * HOURS), user_is_active=False), EndReason.DEACTIVATED),
    ],
)
def test_why_a_session_has_ended(times: Times, reason: EndReason | None) -> None:
    assert ended(times, LIMITS) is reason


def test_a_shorter_limit_counts_at_once() -> None:
    """Somebody who becomes an administrator has an administrator's limits from the next request on."""
    times = after(5 * HOURS, seen=5 * HOURS - 6 * MINUTES)
    assert ended(times, LIMITS) is None
    assert ended(times, replace(LIMITS, idle=5 * MINUTES)) is EndReason.IDLE
    assert ended(times, replace(LIMITS, absolute=4 * HOURS)) is EndReason.ABSOLUTE


def test_a_longer_limit_does_not_prolong_what_was_promised() -> None:
    assert absolute_end(FRESH, replace(LIMITS, absolute=48 * HOURS)) == BEGAN + 24 * HOURS


@pytest.mark.parametrize(
    ("idle", "since_last", "due"),
    [
        (30 * MINUTES, 59 * SECOND, False),
        (30 * MINUTES, 60 * SECOND, True),
        (5 * MINUTES, 29 * SECOND, False),
        (5 * MINUTES, 30 * SECOND, True),
        (30 * MINUTES, -5 * SECOND, False),
    ],
)
def test_a_use_is_written_down_once_a_minute_or_a_tenth_of_the_idle_limit(
    idle: timedelta, since_last: timedelta, due: bool
) -> None:
    assert touch_is_due(after(since_last), replace(LIMITS, idle=idle)) is due


spans = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=3))
moments = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=3))


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Times, Limits]:
    seen = draw(moments)
    times = replace(after(seen + draw(moments), seen=seen), expires_at=BEGAN + draw(spans))
    return times, Limits(draw(spans), draw(spans))


@given(sessions())
def test_what_is_left_agrees_with_what_has_ended(session: tuple[Times, Limits]) -> None:
    times, limits = session
    left = time_left(times, limits)
    assert (left == timedelta()) is (ended(times, limits) is not None)
    if left:
        just_before, then = (replace(times, now=times.now + span) for span in (left - timedelta(microseconds=1), left))
        assert ended(just_before, limits) is None
        assert ended(then, limits) in {EndReason.IDLE, EndReason.ABSOLUTE}


@given(sessions())
def test_using_a_session_never_moves_its_absolute_end(session: tuple[Times, Limits]) -> None:
    times, limits = session
    used = replace(times, last_seen_at=times.now)
    assert absolute_end(used, limits) == absolute_end(times, limits)
    if ended(times, limits) is None:
        assert time_left(used, limits) >= time_left(times, limits)
        assert (not can_be_extended(times, limits)) <= (time_left(used, limits) == time_left(times, limits))


@given(sessions())
def test_whoever_works_without_a_pause_is_not_idle(session: tuple[Times, Limits]) -> None:
    """Uses that are too close together to be written down must not add up to an idle end."""
    times, limits = session
    if not touch_is_due(times, limits):
        assert ended(times, limits) is not EndReason.IDLE


def test_a_reason_survives_its_journey_as_text() -> None:
    assert [EndReason(reason.value) for reason in EndReason] == list(EndReason)
