"""What somebody with an empty cache has to wait for: so many bytes in so many requests, and no more."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.processes import Node
from tests.weighed import table, visit

# A page brings the style sheet, htmx, our script, the icons and the mark; those who are signed in get the script that
# confirms, and a page that does much has one of its own, and one for its keys.
PAGES = {"/dashboard": (7, 45_000), "/account": (7, 45_000), "/users": (9, 55_000), "/admin/audit-logs": (10, 55_000)}


def test_the_first_page_is_light(node: Node, page: Page) -> None:
    parts = visit(page, f"{node.base_url}/auth/login")
    assert {part.status for part in parts} == {200}, table(parts)
    assert len(parts) <= 6, table(parts)
    assert sum(part.sent for part in parts) <= 45_000, table(parts)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_for_a_browser_that_was_never_here(
    node: Node, page: Page, sign_in: Callable[[Page], Page], new_browser: Callable[..., Page], path: str
) -> None:
    # Her cookies, and none of what the browser has kept.
    cookies = sign_in(page).context.storage_state()
    parts = visit(new_browser(storage_state=cookies), f"{node.base_url}{path}")
    requests, sent = PAGES[path]
    assert {part.status for part in parts} == {200}, table(parts)
    assert len(parts) <= requests, table(parts)
    assert sum(part.sent for part in parts) <= sent, table(parts)
