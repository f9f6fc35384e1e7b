"""Every signal, and the event of the trail that it tells of."""

from flask_gatehouse import signals

from .markdown import code, table


def text() -> str:
    events = {signal: event for event, signal in signals.SIGNALS.items()}
    names = [name for name in signals.__all__ if name != signals.RecordedEvent.__name__]
    sent = [(name, getattr(signals, name)) for name in names]
    rows = [(code(name), signal.__doc__ or "", code(events.get(signal) or "any")) for name, signal in sent]
    return table(("signal", "when", "event"), rows)
