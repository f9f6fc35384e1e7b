"""What waits for a COMMIT: done once it has returned, and never for what was rolled back.

A session may be a host's own, with savepoints of its own, so that SQLAlchemy's own events say what has become of each.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

_WAITING = "gatehouse_waiting"


@dataclass(slots=True)
class _Waiting:
    """The calls that one session owes, each with the transaction or the savepoint in which it was asked for."""

    calls: list[tuple[SessionTransaction | None, Callable[[], None]]] = field(default_factory=list)
    is_committed: bool = False

    def forget(self, session: Session, rolled_back: SessionTransaction) -> None:
        self.calls = [(asked, call) for asked, call in self.calls if not _is_within(asked, rolled_back)]

    def note(self, session: Session) -> None:
        # A savepoint that is released has changed nothing yet that anybody else sees.
        self.is_committed = self.is_committed or not session.in_nested_transaction()

    def end(self, session: Session, ended: SessionTransaction) -> None:
        if ended.parent is not None:
            return
        calls, is_committed = self.calls, self.is_committed
        # Whatever is called may use this very session, which is free again.
        self.calls, self.is_committed = [], False
        for _asked, call in calls if is_committed else ():
            call()


def when_committed(session: Session, call: Callable[[], None]) -> None:
    """Call something as soon as the running transaction of a session has been committed.

    The session's connection is back in its pool by then. What was asked for within a savepoint that was rolled back,
    or in a transaction that never came to its COMMIT, is not called.
    """
    waiting: _Waiting | None = session.info.get(_WAITING)
    if waiting is None:
        waiting = session.info[_WAITING] = _Waiting()
        event.listen(session, "after_soft_rollback", waiting.forget)
        event.listen(session, "after_commit", waiting.note)
        event.listen(session, "after_transaction_end", waiting.end)
    waiting.calls.append((session.get_nested_transaction() or session.get_transaction(), call))


def _is_within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer
