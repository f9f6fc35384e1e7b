"""How a moment is shown."""

from datetime import UTC, datetime

from markupsafe import Markup

from ..kernel.clock import utc_now

# Seconds in each unit, the longest first.
_UNITS = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3600), ("minute", 60))


def moment(value: datetime) -> Markup:
    """Return a ``<time>`` that reads well and says exactly when; the page's script adds the viewer's own zone."""
    utc = value.astimezone(UTC)
    return _time(utc, f"{utc.day} {utc:%b %Y, %H:%M} UTC")


def ago(value: datetime) -> Markup:
    """Return a ``<time>`` that says how long ago it was; the exact time shows on hover and on focus."""
    utc = value.astimezone(UTC)
    return _time(utc, relative((utc_now() - utc).total_seconds()), focusable=True)


def relative(seconds: float) -> str:
    """Return ``3 hours ago`` for a number of seconds; what lies ahead counts as now."""
    for unit, length in _UNITS:
        if (count := int(seconds // length)) >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _time(utc: datetime, shown: str, *, focusable: bool = False) -> Markup:
    exact = utc.isoformat(timespec="seconds").replace("+00:00", "Z")
    stop = Markup(' tabindex="0"') if focusable else ""
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(exact, exact, stop, shown)
