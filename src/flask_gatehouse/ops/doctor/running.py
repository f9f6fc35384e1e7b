"""Carrying checks out side by side: one that hangs keeps none of the others from being told."""

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Thread

from sqlalchemy.exc import DBAPIError

from ...db.database import said_by_driver
from ...kernel.errors import GatehouseError
from .finding import Check, Finding, unknown
from .subject import Subject, secrets_of


@dataclass(frozen=True, slots=True)
class Examined:
    """A check and what it has found."""

    check: Check
    finding: Finding


def examine(subject: Subject, checks: Sequence[Check], tell: Callable[[Examined], None]) -> list[Examined]:
    """Carry out the checks and return what they found, in their order.

    :param tell: called for each as soon as it is done.
    """
    hidden = sorted(secrets_of(subject.settings), key=len, reverse=True)
    found: dict[Check, Examined] = {}

    def take(check: Check, finding: Finding) -> None:
        found[check] = Examined(check, _without(finding, hidden))
        tell(found[check])

    for is_last in (False, True):
        _side_by_side(subject, [check for check in checks if check.is_last is is_last], take)
    return [found[check] for check in checks]


def _side_by_side(subject: Subject, checks: Sequence[Check], take: Callable[[Check, Finding], None]) -> None:
    done: queue.SimpleQueue[tuple[Check, Finding]] = queue.SimpleQueue()
    began, waiting = time.monotonic(), set(checks)
    for check in checks:
        # Daemons: what hangs is left alone when the program ends.
        Thread(target=lambda one: done.put((one, carry_out(one, subject))), args=(check,), daemon=True).start()
    while waiting:
        left = min(check.deadline for check in waiting) - (time.monotonic() - began)
        try:
            check, finding = done.get(timeout=max(0.0, left))
        except queue.Empty:
            late = [one for one in waiting if one.deadline <= time.monotonic() - began]
        else:
            waiting.discard(check)
            take(check, finding)
            continue
        for check in late:
            waiting.discard(check)
            take(check, unknown(f"It did not come to an end within {check.deadline:.0f} seconds."))


def carry_out(check: Check, subject: Subject) -> Finding:
    """Carry out one check; whatever keeps it from an answer is told as that."""
    try:
        return check.look(subject)
    except GatehouseError as error:
        sentence = str(error)
        return unknown(f"{sentence[:1].upper()}{sentence[1:]}.")
    except DBAPIError as error:
        return unknown(f"The database says: {said_by_driver(error)}")
    except OSError as error:
        return unknown(f"{type(error).__name__}: {error.strerror or 'no answer'}")
    except Exception as error:  # noqa: BLE001 - the outermost line of a thread: its fault must not look like a pass
        return unknown(f"The check itself failed with {type(error).__name__}, which is a fault of Gatehouse.")


def _without(finding: Finding, hidden: Sequence[str]) -> Finding:
    """Return a finding in which no secret stands, whatever somebody's error message repeats."""
    evidence = finding.evidence
    for secret in hidden:
        evidence = evidence.replace(secret, "***")
    return replace(finding, evidence=evidence)
