"""When a session lives and when it has ended. Pure: the clock, the limits and the settings are arguments."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ..accounts.rules import Role
from ..settings import Settings


class EndReason(StrEnum):
    """Why a session ended. The last two follow from the user's row, and are written on the session's by the worker."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    IDLE = "idle"
    ABSOLUTE = "absolute"
    REPLACED = "replaced"
    DEACTIVATED = "deactivated"
    GENERATION = "generation"


# Time alone ends these: whoever comes afterwards has left a tab open. Every other end is somebody's doing.
BY_TIME = frozenset({EndReason.IDLE, EndReason.ABSOLUTE})
# What ``secrets.token_urlsafe(16)`` makes, of which the public name of a session is.
SESSION_ID_PATTERN = "[A-Za-z0-9_-]{22}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts without use, and at all."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class Times:
    """What a session's row and its user's row say at the moment ``now`` of the database's clock."""

    now: datetime
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ended: EndReason | None
    user_is_active: bool
    generation_is_current: bool


def limits_of(settings: Settings, role: Role) -> Limits:
    """Return how long a person with this role stays signed in."""
    if role is Role.ADMIN:
        return Limits(settings.admin_idle_timeout, settings.admin_session_lifetime)
    return Limits(settings.idle_timeout, settings.session_lifetime)


def is_session_id(text: str) -> bool:
    """Return whether a text can be the public name of a session."""
    return re.fullmatch(SESSION_ID_PATTERN, text) is not None


def ended(times: Times, limits: Limits) -> EndReason | None:
    """Return why the session has ended, or None while it lives.

    The absolute end is the earlier of what was promised when it began and what the limits say today:
    a limit that is shortened, or a person who becomes an administrator, counts at once.
    (NIST SP 800-63B-4 §2.2.3, ASVS 7.3.1 and 7.3.2)
    """
    if times.ended is not None:
        return times.ended
    if not times.user_is_active:
        return EndReason.DEACTIVATED
    if not times.generation_is_current:
        return EndReason.GENERATION
    if times.now >= absolute_end(times, limits):
        return EndReason.ABSOLUTE
    if times.now - times.last_seen_at >= limits.idle:
        return EndReason.IDLE
    return None


def absolute_end(times: Times, limits: Limits) -> datetime:
    """Return the moment after which nothing can prolong the session."""
    return min(times.expires_at, times.created_at + limits.absolute)


def time_left(times: Times, limits: Limits) -> timedelta:
    """Return how long the session lasts if nothing more is asked of it; never negative."""
    end = min(times.last_seen_at + limits.idle, absolute_end(times, limits))
    return max(end - times.now, timedelta())


def can_be_extended(times: Times, limits: Limits) -> bool:
    """Return whether using the session now would make it last longer than it would otherwise."""
    return times.last_seen_at + limits.idle < absolute_end(times, limits)


def is_confirmed(confirmed_at: datetime, now: datetime, max_age: timedelta) -> bool:
    """Return whether the last proof of who is there is fresh enough for something that cannot be taken back.

    (ASVS 7.5.1 and 7.5.3)
    """
    return now - confirmed_at < max_age


def touch_is_due(times: Times, limits: Limits) -> bool:
    """Return whether this use should be written down: at most once a minute, or a tenth of a shorter idle limit."""
    return times.now - times.last_seen_at >= min(timedelta(seconds=60), limits.idle / 10)
