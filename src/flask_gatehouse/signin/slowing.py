"""Repeated refusals slow down: counted in the database, so that all nodes agree.

Two things are counted: the account that a provider has vouched for, and the network that a request comes from. The
network waits before anything is asked of a provider. The account waits only where it would be refused once more:
whoever may come in comes in, so that nobody can lock somebody else out by being refused in her name. Never counted is
an address that is only claimed.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Select, Table, bindparam, delete, func, select
from sqlalchemy.orm import Session

from ..audit import AuditEvent, record
from ..db.base import database_now, now_of
from ..db.database import Database
from ..db.prepared import PreparedSelect
from ..db.upsert import insert_of
from ..kernel.context import Actor
from ..kernel.networks import networks_to_hold
from ..settings import Rate, Settings
from .errors import TooManyRefusals
from .models import RefusalTally
from .rules import Tally, count_refusal

Account = tuple[str, str]
_tallies = cast("Table", RefusalTally.__table__)
_PURPOSE = b"gatehouse.refusals\0"
# Built once: each sign-in asks it twice.
_WAITS = cast("Select[Any]", select(func.max(_tallies.c.wait_until), database_now()))
_LONGEST_WAIT = PreparedSelect(_WAITS.where(_tallies.c.key.in_([bindparam("line"), bindparam("site")])))
_FORGET = delete(_tallies).where(_tallies.c.key == bindparam("this"))


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted together.

    :param kind: ``account`` or ``network``.
    """

    kind: str
    key: bytes
    rate: Rate


def check_network(database: Database, settings: Settings, address: str | None) -> None:
    """Let a sign-in go on unless its network has to wait. One SELECT, and no write.

    :raises TooManyRefusals: with the time that is left.
    :raises DependencyUnavailable: if the database does not answer.
    """
    keys = [counter.key for counter in _networks(settings, address)]
    if not keys:
        return
    # Two at most, which the statement asks for: a third one would be counted in and make nobody wait.
    line, site = keys if len(keys) > 1 else keys * 2
    wait_until, now = database.first(_LONGEST_WAIT, {"line": line, "site": site}) or (None, None)
    if wait_until is not None and wait_until > now:
        raise TooManyRefusals(wait_until - now)


def count_and_record(db: Session, settings: Settings, account: Account | None, actor: Actor) -> timedelta:
    """Count a refusal, and record each wait that begins with it.

    :param account: issuer and subject, where a provider has vouched for them.
    :returns: the wait during which it came; zero if there was none, and only then is the refusal itself recorded:
        what a flood adds to the trail is bounded by the rate, and by one refusal for each wait.
    """
    now = now_of(db)
    counters = [*([_account(settings, account)] if account else []), *_networks(settings, actor.ip)]
    # In one order, so that two refusals that share two of them never wait for each other.
    counters.sort(key=lambda counter: counter.key)
    rows = [_locked(db, counter, now) for counter in counters]
    before = [Tally(row.count, row.since, row.waits, row.wait_until) for row in rows]
    left = max((tally.left(now) for tally in before), default=timedelta())
    for counter, row, tally in zip(counters, rows, before, strict=True):
        after = count_refusal(tally, now, counter.rate)
        row.count, row.since, row.waits, row.wait_until = after.count, after.since, after.waits, after.wait_until
        row.forget_at = after.forget_at(counter.rate) or now
        if after.left(now) and not tally.left(now):
            _record(db, counter, after, now, actor)
    db.flush()
    return left


def clear_account(db: Session, settings: Settings, account: Account) -> None:
    """Forget the refusals of somebody who has come in. Those of her network stay: others are in it, too."""
    db.connection().execute(_FORGET, {"this": _account(settings, account).key})


def forget_refusals(db: Session, *, batch: int = 5000) -> int:
    """Delete the tallies of which there is nothing left to remember; return how many."""
    # Asked before: no index of PostgreSQL is looked into for a clock that goes on.
    now = now_of(db)
    old = select(RefusalTally.key).where(RefusalTally.forget_at <= now).limit(batch)
    # Whoever counts in some of them has taken them in another order.
    old = old.with_for_update(skip_locked=True)
    statement = delete(RefusalTally).where(RefusalTally.key.in_(old)).returning(RefusalTally.key)
    return len(db.scalars(statement.execution_options(synchronize_session=False)).all())


def _locked(db: Session, counter: Counter, now: datetime) -> RefusalTally:
    """Return a row that nobody else counts in until this transaction ends; it is made where there is none."""
    row = insert_of(db)(RefusalTally).values(key=counter.key, count=0, waits=0, forget_at=now + counter.rate.within)
    # One statement: between two, the worker could forget the row.
    held = row.on_conflict_do_update(index_elements=[RefusalTally.key], set_={"key": counter.key})
    kept: RefusalTally = db.scalars(held.returning(RefusalTally), execution_options={"populate_existing": True}).one()
    return kept


def _record(db: Session, counter: Counter, tally: Tally, now: datetime, actor: Actor) -> None:
    wait = tally.left(now)
    record(
        AuditEvent.RATE_LIMIT_EXCEEDED,
        details={"of": counter.kind, "refusals": tally.count, "wait_seconds": round(wait.total_seconds())},
        session=db,
        actor=actor,
    )


def _networks(settings: Settings, address: str | None) -> Sequence[Counter]:
    rate = settings.refusal_limit
    return [
        Counter("network", _key(settings, f"network\0{network}"), Rate(rate.times * lines, rate.within))
        for network, lines in networks_to_hold(address)
    ]


def _account(settings: Settings, account: Account) -> Counter:
    return Counter("account", _key(settings, "\0".join(("account", *account))), settings.refusal_limit)


def _key(settings: Settings, text: str) -> bytes:
    return hmac.digest(settings.secret_key.reveal().encode(), _PURPOSE + text.encode(), "sha256")
