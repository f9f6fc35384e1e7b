"""Every signal, and the event of the trail that it tells of."""

from flask_gatehouse import signals
from flask_gatehouse.audit import AuditEvent

from .events import link
from .markdown import code, table


def text() -> str:
    events = {signal: AuditEvent(event) for event, signal in signals.SIGNALS.items()}
    names = [name for name in signals.__all__ if name != signals.RecordedEvent.__name__]
    sent = [(name, getattr(signals, name)) for name in names]
    rows = [
        (code(name), signal.__doc__ or "", link(events[signal]) if signal in events else "any") for name, signal in sent
    ]
    return table(("signal", "when", "event"), rows)
