"""Links and forms that htmx has boosted, and history that it restores: whole pages, though htmx asks for them."""

import pytest
from flask.testing import FlaskClient

from flask_gatehouse import Role
from flask_gatehouse.testing import sign_in_as

HTMX = {"HX-Request": "true"}


@pytest.fixture
def admin(client: FlaskClient) -> FlaskClient:
    sign_in_as(client, Role.ADMIN)
    return client


@pytest.mark.parametrize("path", ["/users", "/users/1", "/users/1/edit", "/users/1/activity", "/admin/audit-logs"])
def test_a_boosted_link_gets_its_page(admin: FlaskClient, path: str) -> None:
    """htmx 1.9, 2 and 4 put what they get for one into the body."""
    part, page = admin.get(path, headers=HTMX), admin.get(path, headers=HTMX | {"HX-Boosted": "true"})
    assert ("<html" in part.text, "<html" in page.text) == (False, True)
    restored = admin.get(path, headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert "<html" in restored.text
    assert {"HX-Request", "HX-Boosted", "HX-History-Restore-Request", "Accept"} <= set(page.vary)


def test_a_boosted_form_is_led_on_as_without_script(client: FlaskClient) -> None:
    who = sign_in_as(client, Role.ADMIN)
    headers = who.headers | HTMX | {"HX-Boosted": "true"}
    answer = client.post(
        f"/users/{who.user_id}", data={"name": "Ada", "version": "1", "_method": "put"}, headers=headers
    )
    assert answer.status_code == 303
