"""A name of one long word, which no page may be wider for."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.models import User
from tests.browser.conftest import ADA
from tests.browser.crowd import row
from tests.browser.test_german import OVERFLOWING
from tests.processes import Node

LONG = "Donaudampfschifffahrtsgesellschaft" * 5
# In how many lines the part of an address after its @ stands.
LINES_OF_DOMAIN = """(cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell.lastChild);
  return new Set([...range.getClientRects()].map((one) => one.top)).size;
}"""


@pytest.fixture
def ada(page: Page, engine: Engine, sign_in: Callable[[Page], Page]) -> Iterator[Page]:
    sign_in(page)
    name_ada(engine, LONG)
    yield page
    name_ada(engine, "Ada Admin")


def name_ada(engine: Engine, name: str) -> None:
    with Session(engine) as db, db.begin():
        db.execute(update(User).where(User.email == ADA).values(name=name))


def test_it_stays_within_a_narrow_screen(node: Node, ada: Page) -> None:
    ada.set_viewport_size({"width": 320, "height": 640})
    for path in ("/dashboard", "/account", "/users?q=ada", "/users/1", "/auth/logout", "/account/delete"):
        ada.goto(f"{node.base_url}{path}")
        assert ada.evaluate(OVERFLOWING) == [], path


def test_it_takes_no_room_from_the_addresses_beside_it(node: Node, ada: Page) -> None:
    for width in (1200, 1280):
        ada.set_viewport_size({"width": width, "height": 800})
        ada.goto(f"{node.base_url}/users?sort=created")
        expect(row(ada, LONG)).to_be_visible()
        lines = {cell.evaluate(LINES_OF_DOMAIN) for cell in ada.locator("#user-rows .cell-wide").all()[:10]}
        assert lines == {1}
        assert ada.evaluate(OVERFLOWING) == []
