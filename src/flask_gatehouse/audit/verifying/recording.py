"""Recording what a verification found, so that the trail says how far it was verified, and alerts can follow it.

The event comes after everything that was verified, in a transaction of its own: it changes nothing of that.
"""

from typing import Any

from sqlalchemy.orm import Session

from ...kernel.context import Actor
from ..events import UNDECIDED, AuditEvent
from ..service import record
from .report import Report


def record_result(session: Session, report: Report, *, actor: Actor) -> None:
    """Record the result of a verification.

    Of doubts the number is recorded and not the words, which may quote what is stored.
    """
    details = _reach(report)
    if report.exit_code == 0:
        record(AuditEvent.VERIFIED, details=details, session=session, actor=actor)
        return
    first = report.findings.first
    if first is not None:
        details["finding"] = {
            "kind": str(first.kind),
            "epoch": first.epoch,
            "first": first.first,
            "last": first.last,
        }
    details |= {"findings": report.findings.count, "doubts": len(report.doubts)}
    reason = "tampered" if report.findings else UNDECIDED
    record(AuditEvent.VERIFY_FAILED, details=details, reason=reason, session=session, actor=actor)


def _reach(report: Report) -> dict[str, Any]:
    """Return how far a verification reached, in the newest epoch."""
    details: dict[str, Any] = {"checkpoints": report.checkpoints, "outside": report.outside}
    if report.ranges:
        newest = report.ranges[-1]
        details |= {"epoch": newest.epoch, "from": newest.first, "to": newest.size, "vouched": newest.vouched}
    return details
