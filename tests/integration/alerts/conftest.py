"""A trail, somebody who is told of it, and the workers between them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from flask_gatehouse.alerts.engine import Alerts
from flask_gatehouse.alerts.messages import Message
from flask_gatehouse.alerts.models import AlertGroup, AlertSink
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.db.database import Database
from flask_gatehouse.settings import Settings
from tests.integration.conftest import House

LONG = timedelta(days=2)


@dataclass
class Listener:
    """A sink that keeps what it is told, unless ``fault`` raises."""

    name: str = "alerts-test"
    messages: list[Message] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    def send(self, message: Message) -> None:
        self.before()
        self.messages.append(message)
        self.after()


@dataclass
class Desk:
    """Whoever is told, and one worker after the other."""

    database: Database
    settings: Settings
    listener: Listener = field(default_factory=Listener)

    def worker(self) -> Alerts:
        return Alerts(self.database, self.settings, self.listener)

    def seal(self) -> None:
        Sealer(self.database, "gate.example").seal()

    def work(self) -> list[Message]:
        """Seal what is there, let a worker run, and return everything that has been told so far."""
        self.seal()
        self.worker().run()
        return self.listener.messages

    def wait(self, span: timedelta = LONG) -> None:
        """Let time pass: everything that is remembered happened earlier."""
        with self.database.transaction() as db:
            for group in db.scalars(select(AlertGroup)):
                for name in ("since", "until", "due_at", "quiet_until", "forget_at"):
                    moment = getattr(group, name)
                    if moment is not None:
                        setattr(group, name, moment - span)
            db.execute(update(AlertSink).values(leased_until=None, retry_at=None))


@pytest.fixture
def settings() -> Settings:
    return Settings.load({"GATEHOUSE_ENV": "development", "SECRET_KEY": "k", "DATABASE_URL": "sqlite:////x.db"}, {})


@pytest.fixture
def desk(house: House, settings: Settings) -> Desk:
    desk = Desk(house.database, settings)
    # A sink is told of what happens after it was first looked at.
    desk.work()
    return desk
