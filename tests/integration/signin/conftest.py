"""A gate: people who come with what a provider has said of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from flask_gatehouse.accounts.service import Profile
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.sessions.service import Begun
from flask_gatehouse.settings import Settings
from flask_gatehouse.signin.assertion import Assertion
from flask_gatehouse.signin.attempt import Attempt, Purpose, begin_attempt
from flask_gatehouse.signin.errors import Reason, SignInRefused
from flask_gatehouse.signin.service import SignedIn, complete, confirm
from tests.integration.conftest import SOMEBODY, House, profile

KEY = "k9sJ2mQx7vTz4bNw8cRd1fGh5jLp3aYe"


def settings_with(**more: str) -> Settings:
    values = {"GATEHOUSE_BASE_URL": "https://app.example.com", "SECRET_KEY": KEY, **more}
    return Settings.load(values, {})


def new_attempt(session_id: str | None = None) -> Attempt:
    purpose = Purpose.SIGN_IN if session_id is None else Purpose.CONFIRM
    return begin_attempt("google", next=None, purpose=purpose, session_id=session_id)


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of a house, and what it says."""

    house: House

    def complete(
        self,
        who: Profile,
        attempt: Attempt | None = None,
        *,
        settings: Settings | None = None,
        replaces: str | None = None,
        **said: Any,
    ) -> SignedIn:
        return complete(
            self.house.database,
            settings or settings_with(),
            attempt or new_attempt(),
            Assertion(who, **said),
            actor=SOMEBODY,
            replaces=replaces,
        )

    def confirm(
        self,
        inside: SignedIn,
        who: Profile | None = None,
        attempt: Attempt | None = None,
        *,
        actor: Actor | None = None,
        now: datetime | None = None,
        **said: Any,
    ) -> Begun:
        session_id = inside.session.session_id
        return confirm(
            self.house.database,
            settings_with(),
            attempt or new_attempt(session_id),
            Assertion(who or profile("ada"), **said),
            actor=actor or Actor(inside.user.id, session_id, SOMEBODY.ip, SOMEBODY.user_agent, "user"),
            now=now or utc_now(),
        )


def refusal(action: Callable[[], object]) -> SignInRefused:
    with pytest.raises(SignInRefused) as refused:
        action()
    return refused.value


def reason(action: Callable[[], object]) -> Reason:
    return refusal(action).reason


@pytest.fixture
def gate(house: House) -> Gate:
    return Gate(house)
