"""How a moment is shown."""

from datetime import UTC, datetime

from markupsafe import Markup


def moment(value: datetime) -> Markup:
    """Return a ``<time>`` that reads well and says exactly when; the page's script adds the viewer's own zone."""
    utc = value.astimezone(UTC)
    exact = utc.isoformat(timespec="seconds").replace("+00:00", "Z")
    shown = f"{utc.day} {utc:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, shown)
