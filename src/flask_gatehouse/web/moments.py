"""How a moment is shown."""

from datetime import UTC, datetime, timedelta
from math import ceil

from markupsafe import Markup

from ..kernel.clock import utc_now
from .language import forms, marked as _, plural, text

# Seconds in each unit, the longest first, and what is said of them.
_UNITS = (
    (31_536_000, forms("%(count)s year ago", "%(count)s years ago")),
    (2_592_000, forms("%(count)s month ago", "%(count)s months ago")),
    (86_400, forms("%(count)s day ago", "%(count)s days ago")),
    (3600, forms("%(count)s hour ago", "%(count)s hours ago")),
    (60, forms("%(count)s minute ago", "%(count)s minutes ago")),
)
_LENGTHS = (
    (3600, forms("%(count)s hour", "%(count)s hours")),
    (60, forms("%(count)s minute", "%(count)s minutes")),
)
_MONTHS = (
    _("Jan"), _("Feb"), _("Mar"), _("Apr"), _("May"), _("Jun"),
    _("Jul"), _("Aug"), _("Sep"), _("Oct"), _("Nov"), _("Dec"),
)  # fmt: skip


def moment(value: datetime) -> Markup:
    """Return a ``<time>`` that reads well and says exactly when; the page's script adds the viewer's own zone."""
    return _time(value.astimezone(UTC), minute(value))


def minute(value: datetime) -> str:
    """Return the same in words, where nothing but text can stand."""
    utc = value.astimezone(UTC)
    month = text(_MONTHS[utc.month - 1])
    return text(
        "%(day)s %(month)s %(year)s, %(time)s UTC", day=utc.day, month=month, year=utc.year, time=f"{utc:%H:%M}"
    )


def day(value: datetime) -> str:
    """Return a day in words, where nothing but text can stand."""
    utc = value.astimezone(UTC)
    return text("%(day)s %(month)s %(year)s", day=utc.day, month=text(_MONTHS[utc.month - 1]), year=utc.year)


def day_and_month(value: datetime, *, with_hour: bool = False) -> str:
    """Return ``27 Nov``, or ``27 Nov, 09:00`` where the hour counts, in UTC."""
    utc = value.astimezone(UTC)
    month = text(_MONTHS[utc.month - 1])
    if with_hour:
        return text("%(day)s %(month)s, %(time)s", day=utc.day, month=month, time=f"{utc:%H:%M}")
    return text("%(day)s %(month)s", day=utc.day, month=month)


def ago(value: datetime) -> Markup:
    """Return a ``<time>`` that says how long ago it was; the exact time shows on hover and on focus."""
    utc = value.astimezone(UTC)
    return _time(utc, relative((utc_now() - utc).total_seconds()), focusable=True)


def relative(seconds: float) -> str:
    """Return ``3 hours ago`` for a number of seconds; what lies ahead counts as now."""
    for length, said in _UNITS:
        if (count := int(seconds // length)) >= 1:
            return plural(*said, count)
    return text("just now")


def length_of_time(span: timedelta) -> str:
    """Return ``45 seconds`` or ``5 minutes``, and rather more than less."""
    seconds = ceil(span.total_seconds())
    for length, said in _LENGTHS:
        if seconds >= 2 * length:
            return plural(*said, ceil(seconds / length))
    return plural("%(count)s second", "%(count)s seconds", seconds)


def _time(utc: datetime, shown: str, *, focusable: bool = False) -> Markup:
    exact = utc.isoformat(timespec="seconds").replace("+00:00", "Z")
    stop = Markup(' tabindex="0"') if focusable else ""
    hint = utc.strftime(text("%Y-%m-%d, %H:%M:%S UTC"))
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(exact, hint, stop, shown)
