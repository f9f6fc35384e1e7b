"""The people of the tests of user administration, and how to find them on the screen and in the database."""

import re
from urllib.parse import quote_plus

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role

# With Ada and those whom the tests name, more than two pages of fifty.
CROWD = 110
KNOWN = (("Grace Hopper", Role.EDITOR), ("Hedy Lamarr", Role.VIEWER), ("Joan Clarke", Role.ADMIN))


def row(page: Page, name: str) -> Locator:
    return page.locator("#user-rows tr").filter(has_text=name)


def focused(page: Page) -> str:
    identifier: str = page.evaluate("document.activeElement.id")
    return identifier


def stored(engine: Engine, name: str) -> User | None:
    with Session(engine) as db:
        return db.scalars(select(User).where(User.name == name)).one_or_none()


def change_meanwhile(engine: Engine, name: str, other: str) -> None:
    """Give a user another name, as somebody else does in the meantime."""
    with Session(engine) as db, db.begin():
        user = db.scalars(select(User).where(User.name == name)).one()
        user.name, user.version = other, user.version + 1


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox").fill(text)
    expect(page).to_have_url(re.compile(f"[?&]q={quote_plus(text)}".replace("+", "(%20|[+])")))
    # The address changes before the rows do, and a click between the two would be lost with its row.
    expect(page.locator("#user-count")).to_contain_text(re.compile("match|No users"))
