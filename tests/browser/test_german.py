"""A day in German, on a wide screen and on a narrow one: longer words, the same pages."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import Complaints, assert_accessible
from tests.processes import Node

BERLIN = {"locale": "de-DE", "timezone_id": "Europe/Berlin"}
SCREENS = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 320, "height": 900}}
OVERFLOWING = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, .skip-link, svg"))
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((one) => one.outerHTML.slice(0, 120))"""
SETTLED = "Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))"
# A text that is longer than its button, cell or badge runs over its border.
SPILLING = """() => [...document.querySelectorAll("button, .button, .badge, td, th, h1, h2, label, .menu-item, .tile")]
  .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden"))
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
  .map((one) => one.outerHTML.slice(0, 160))"""


def look(page: Page) -> None:
    """Hold a page to what every page must be: German, accessible, and within its screen."""
    expect(page.locator("html")).to_have_attribute("lang", "de")
    # Colours on their way from one scheme to the other belong to neither.
    page.evaluate(SETTLED)
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate(SPILLING) == []
    assert_accessible(page)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_day_in_german(
    node: Node,
    page: Page,
    sign_in: Callable[[Page], Page],
    new_browser: Callable[..., Page],
    complaints: Complaints,
    screen: str,
) -> None:
    complaints.allow("status of 422")
    sign_in(page)
    german = new_browser(viewport=SCREENS[screen], **BERLIN)

    german.goto(f"{node.base_url}/users")
    expect(german.get_by_role("heading", name="Anmelden bei Gatehouse")).to_be_visible()
    look(german)
    german.get_by_role("link", name="anmelden").click()
    # The embedded provider is for developers, and in English for everybody.
    expect(german.locator("html")).to_have_attribute("lang", "en")
    german.get_by_role("button", name="Ada Admin").click()

    expect(german.get_by_role("heading", name="Personen", exact=True)).to_be_visible()
    expect(german.get_by_text(re.compile(r"Willkommen zurück"))).to_be_visible()
    look(german)
    created = german.locator("#user-rows time").last
    expect(created).to_have_text(re.compile(r"^vor \d+ (Monat|Jahr)"))
    # In the viewer's own zone, as her language writes it.
    expect(created).to_have_attribute("title", re.compile(r"^\w+(tag|woch), \d+\. \w+ 202\d um \d\d:\d\d:\d\d ME"))

    german.get_by_role("searchbox", name="Name oder Adresse").fill("grace")
    expect(german.locator("#user-count")).to_have_text("1 Person gefunden")
    german.get_by_role("button", name="Grace Hopper bearbeiten").click()
    german.get_by_label("Name von Grace Hopper").fill("")
    german.get_by_role("button", name="Speichern").click()
    expect(german.get_by_text("Bitte füllen Sie dies aus.")).to_be_visible()
    look(german)
    german.get_by_role("button", name="Abbrechen").click()

    german.get_by_role("button", name="Grace Hopper löschen").click()
    dialog = german.get_by_role("dialog", name="Grace Hopper löschen?")
    expect(dialog.get_by_role("button", name="Abbrechen")).to_be_focused()
    look(german)
    dialog.get_by_role("button", name="Abbrechen").click()

    german.get_by_label("Grace Hopper auswählen").check()
    expect(german.locator("#bulk-count")).to_have_text("1 ausgewählt")
    look(german)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_other_pages_in_german(
    node: Node,
    page: Page,
    sign_in: Callable[[Page], Page],
    new_browser: Callable[..., Page],
    complaints: Complaints,
    screen: str,
) -> None:
    sign_in(page)
    german = new_browser(viewport=SCREENS[screen], **BERLIN)
    german.goto(f"{node.base_url}/dashboard")
    german.get_by_role("link", name="anmelden").click()
    german.get_by_role("button", name="Ada Admin").click()
    expect(german).to_have_url(f"{node.base_url}/dashboard")
    complaints.allow("status of 404")
    for path in ("/dashboard", "/account", "/users/invitations", "/auth/logout", "/nowhere"):
        german.goto(node.base_url + path)
        look(german)
    german.goto(f"{node.base_url}/users")
    german.locator("#user-rows .name a").first.click()
    expect(german.get_by_role("heading", name="Warum diese Person darf oder nicht darf")).to_be_visible()
    look(german)
    german.locator("#delete summary").click()
    look(german)
    # A page with nothing that the open menu would cover in part.
    german.goto(f"{node.base_url}/account")
    german.locator(".account-button").click()
    look(german)
