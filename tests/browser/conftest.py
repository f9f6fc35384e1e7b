"""A node with an administrator and a crowd, for the pages of user administration."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.db.engine import make_engine
from tests.browser.crowd import CROWD, KNOWN
from tests.processes import Node, running_gatehouse

ADA = "ada@example.com"
START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_gatehouse({}) as node:
        yield node


@pytest.fixture(scope="module")
def engine(node: Node) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{node.directory / 'instance/gatehouse.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def sign_in(node: Node, engine: Engine) -> Callable[[Page], Page]:
    """A function that signs Ada in as an administrator, and leaves her with the same people each time."""

    def sign_in(page: Page) -> Page:
        page.goto(f"{node.base_url}/account")
        page.get_by_role("link", name="Sign in with").click()
        page.get_by_role("button", name="Ada Admin").click()
        expect(page).to_have_url(f"{node.base_url}/account")
        people = [*KNOWN, *((f"Person {number:03}", Role.VIEWER) for number in range(CROWD))]
        with Session(engine) as db, db.begin():
            db.execute(delete(User).where(User.email != ADA))
            db.execute(update(User).values(role=Role.ADMIN, created_at=START - timedelta(days=1)))
            db.add_all(
                User(
                    name=name,
                    email=f"{name.lower().replace(' ', '.')}@example.com",
                    role=role,
                    is_active=name != "Person 007",
                    created_at=START + timedelta(minutes=number),
                )
                for number, (name, role) in enumerate(people)
            )
        return page

    return sign_in


@pytest.fixture
def users(node: Node, page: Page, sign_in: Callable[[Page], Page]) -> Page:
    """The list, as an administrator sees it."""
    sign_in(page).goto(f"{node.base_url}/users")
    expect(page.get_by_role("heading", name="Users", exact=True)).to_be_visible()
    return page
