"""Whoever listens to one application's signals: functions of the host, which may do anything, and may fail."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from blinker import Signal
from flask import Flask, has_app_context

from ..audit.announcing import RecordedEvent
from ..signals import SIGNALS, event_recorded
from .state import current_application

log = logging.getLogger("flask_gatehouse")


class Receivers:
    """The audience of one application; what happens in another one is nothing to it."""

    def __init__(self, application: Flask) -> None:
        self._application = application

    def listens(self, event: str) -> bool:
        return any(signal.has_receivers_for(self._application) for signal in _signals_of(event))

    def tell(self, event: RecordedEvent) -> None:
        """Call every receiver, in the application's context: also commands, and threads of the worker, have one then.

        What a receiver fails at is logged, because the change is done and whoever asked for it shall not be told
        otherwise. While the application is tested, it raises.
        """
        with self._context():
            for signal in _signals_of(event.name):
                about: dict[str, Any] = {} if signal is event_recorded else {"user_id": event.user_id}
                for receiver in () if signal.is_muted else signal.receivers_for(self._application):
                    self._call(receiver, event=event, **about)

    def _call(self, receiver: Callable[..., Any], **about: Any) -> None:
        try:
            self._application.ensure_sync(receiver)(self._application, **about)
        except Exception:
            if self._application.testing:
                raise
            log.exception("a receiver of %s failed", about["event"].name)

    def _context(self) -> AbstractContextManager[Any]:
        if has_app_context() and current_application() is self._application:
            return nullcontext()
        return self._application.app_context()


def _signals_of(event: str) -> Iterator[Signal]:
    yield event_recorded
    if (own := SIGNALS.get(event)) is not None:
        yield own
