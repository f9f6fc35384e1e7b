"""What a killed process was about to do: one act each, what has to hold afterwards, and how it goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import func, select

from flask_gatehouse.accounts.models import Identity, User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import change_role, register
from flask_gatehouse.audit import record
from flask_gatehouse.audit.erasure import erase_personal
from flask_gatehouse.audit.events import AuditEvent
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.audit.sealing import Sealer, begin_epoch
from flask_gatehouse.audit.verifying import Held, verify
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.privacy.erasure import erase_user
from flask_gatehouse.privacy.ledger import read_ledger
from flask_gatehouse.privacy.leftovers import settle
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.signin.assertion import Assertion
from flask_gatehouse.signin.attempt import Attempt, Purpose, begin_attempt
from flask_gatehouse.signin.errors import Reason, SignInRefused
from flask_gatehouse.signin.models import SpentAttempt
from flask_gatehouse.signin.service import complete
from tests.integration.conftest import SOMEBODY, profile
from tests.integration.signin.conftest import settings_with
from tests.trail import sealed

HOST = "gate.example.com"
ADA = Actor(user_id=12, session_id="s" * 22, ip="192.0.2.7", user_agent="Browser/1", kind="user")


class Act(Protocol):
    """Something that a process does and may die of."""

    def prepare(self, database: Database) -> None:
        """Make what it is done to; everything is new each time."""

    def do(self, database: Database) -> None:
        """Do it, in the process that dies."""

    def happened(self, database: Database) -> bool:
        """Return whether it has been done, after a look that it has not been done by halves."""

    def go_on(self, database: Database) -> None:
        """Do whatever a restart and a person who tries again would do, after which it has been done."""


class SignIn:
    """Somebody new comes in; or she comes again, and the session that her browser had ends."""

    def __init__(self) -> None:
        self.number, self.email = 0, ""
        self.attempt = _new_attempt()
        self.replaces: str | None = None

    def prepare(self, database: Database) -> None:
        self.number += 1
        self.email = f"p{self.number}@example.com"
        self.replaces = self._enter(database, _new_attempt()) if self.number % 2 else None
        self.attempt = _new_attempt()

    def do(self, database: Database) -> None:
        self._enter(database, self.attempt)

    def happened(self, database: Database) -> bool:
        with database.reading() as connection:
            digest = SpentAttempt.state_digest
            spent = connection.scalar(select(digest).where(digest == self.attempt.state_digest)) is not None
            user_id = connection.scalar(select(User.id).where(User.email == self.email))
            if user_id is None:
                assert not spent
                return False
            identities = connection.scalar(select(func.count(Identity.id)).where(Identity.user_id == user_id))
            hers = UserSession.user_id == user_id
            live = connection.scalars(select(UserSession.id).where(hers, UserSession.ended_at.is_(None))).all()
        told = _events(database, AuditEvent.LOGIN_SUCCESS, ("user", user_id))
        # One account, one session that is alive, and for each sign-in one event.
        assert (identities, len(live)) == (1, 1)
        assert len(told) == (1 if self.replaces is None else 1 + spent)
        assert (live[0] != self.replaces) == spent
        return spent

    def go_on(self, database: Database) -> None:
        if not self.happened(database):
            self.do(database)
        # What the browser brings once more lets nobody in a second time.
        with pytest.raises(SignInRefused) as refused:
            self.do(database)
        assert refused.value.reason is Reason.STATE_REUSED

    def _enter(self, database: Database, attempt: Attempt) -> str:
        who = Assertion(profile(self.email, subject=self.email, email=self.email))
        inside = complete(database, settings_with(), attempt, who, actor=SOMEBODY, replaces=self.replaces)
        return inside.session.session_id


class RoleChange:
    """One of two administrators is made a viewer."""

    def __init__(self) -> None:
        self.user_id, self.number = 0, 0

    def prepare(self, database: Database) -> None:
        self.number += 1
        with database.transaction() as db:
            if self.number == 1:
                register(db, profile("root"), Role.ADMIN, actor=SOMEBODY)
            who = register(db, profile(f"chief{self.number}"), Role.ADMIN, actor=SOMEBODY)
        self.user_id = who.id

    def do(self, database: Database) -> None:
        with database.transaction() as db:
            change_role(db, self.user_id, Role.VIEWER)

    def happened(self, database: Database) -> bool:
        with database.transaction() as db:
            role, version = db.execute(select(User.role, User.version).where(User.id == self.user_id)).one()
            administrators = db.scalar(select(func.count(User.id)).where(User.role == Role.ADMIN))
        changed = role is Role.VIEWER
        assert len(_events(database, AuditEvent.AUTHZ_CHANGE, ("user", self.user_id))) == changed
        assert (version, administrators) == (1 + changed, 2 - changed)
        return changed

    def go_on(self, database: Database) -> None:
        self.do(database)


class Erasure:
    """A person is erased, with what the trail says of her and a line in the ledger."""

    def __init__(self, ledger: Path) -> None:
        self.settings = settings_with(GATEHOUSE_ERASURE_LEDGER=str(ledger))
        self.user_id, self.number, self.email = 0, 0, ""

    def prepare(self, database: Database) -> None:
        self.number += 1
        self.email = f"gone{self.number}@example.com"
        who = Assertion(profile(self.email, subject=self.email, email=self.email))
        inside = complete(database, self.settings, _new_attempt(), who, actor=SOMEBODY, replaces=None)
        self.user_id = inside.user.id

    def do(self, database: Database) -> None:
        erase_user(database, self.settings, self.user_id)

    def happened(self, database: Database) -> bool:
        with database.transaction() as db:
            gone = db.get(User, self.user_id) is None
            sessions = db.scalar(select(func.count()).where(UserSession.user_id == self.user_id))
            about = db.scalars(select(AuditEventRow.personal).where(AuditEventRow.personal.contains(self.email))).all()
        assert len(_events(database, AuditEvent.USER_DELETED, ("user", self.user_id))) == gone
        assert (sessions == 0, about == []) == (gone, gone)
        return gone

    def go_on(self, database: Database) -> None:
        if not self.happened(database):
            self.do(database)
        # What the worker does: whoever has been erased stands in the ledger, however her request ended.
        settle(database, self.settings)
        last = list(read_ledger(self.settings.erasure_ledger))[-1]
        assert any(subject.endswith(f"{self.user_id}") for subject in last.subjects)


class Sealing:
    """Events are recorded and sealed, what is personal in them is erased, and an epoch ends as at a restore."""

    def prepare(self, database: Database) -> None:
        """Need nothing."""

    def do(self, database: Database) -> None:
        for number in (20, 1):
            with database.transaction() as db:
                for _ in range(number):
                    record("something.happened", resource=("article", 1), session=db, actor=ADA)
            Sealer(database, HOST).seal()
        with database.transaction() as db:
            erase_personal(db, ["user:12"])
        Sealer(database, HOST).seal()
        with database.transaction() as db:
            begin_epoch(db)
        Sealer(database, HOST).seal()

    def happened(self, database: Database) -> bool:
        report = verify(database.engine, Held([]))
        assert report.exit_code == 0, report.as_json()
        return report.unsealed == 0

    def go_on(self, database: Database) -> None:
        # A restart finds what was committed and not sealed.
        Sealer(database, HOST).seal()


ACTS: dict[str, Callable[[Path], Act]] = {
    "sign-in": lambda folder: SignIn(),
    "role change": lambda folder: RoleChange(),
    "erasure": lambda folder: Erasure(folder / "erasures.ledger"),
    "sealing": lambda folder: Sealing(),
}


def holds_together(database: Database) -> None:
    """Seal what is there, and hold every event of it against what is sealed, in two ways.

    :raises AssertionError: if the trail does not hold together.
    """
    Sealer(database, HOST).seal()
    report = verify(database.engine, Held([]))
    assert report.exit_code == 0, report.as_json()
    with database.reading() as connection:
        committed = connection.scalar(select(func.count(AuditEventRow.id)))
    assert sum(one.size for one in report.ranges) == committed
    assert len(sealed(database)) == committed


def _new_attempt() -> Attempt:
    return begin_attempt("google", next=None, purpose=Purpose.SIGN_IN, session_id=None)


def _events(database: Database, event: AuditEvent, target: tuple[str, int]) -> list[int]:
    with database.reading() as connection:
        wanted = select(AuditEventRow.id).filter_by(event=event, target_type=target[0], target_id=str(target[1]))
        return list(connection.scalars(wanted))
