"""What is done at one node holds at the other with its very next request: two processes, one database."""

from collections.abc import Callable, Iterator

import pytest

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import change_role, delete_user, toggle_active
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, running_site
from tests.ports import free_port
from tests.processes import Node, running_gatehouse

Open = Callable[[Node], Browser]


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    # The two servers that there are, so that neither can be what makes it work.
    with running_site(place, {"GATEHOUSE_SUPPORT_EMAIL": "help@example.com"}, servers=("run", "gunicorn")) as site:
        yield site


@pytest.fixture
def email() -> str:
    return new_address()


@pytest.fixture
def person(site: Site, open_browser: Open, email: str) -> Browser:
    """Somebody who has signed in at the first node and has been at the other one too."""
    browser = open_browser(site.node)
    assert browser.sign_in(email).headers["Location"] == "/dashboard"
    assert both(site, browser) == [True, True]
    return browser


def both(site: Site, browser: Browser) -> list[bool]:
    return [browser.is_signed_in(at=node) for node in site.nodes]


def thief_of(browser: Browser, open_browser: Open) -> Browser:
    """Return another browser with a copy of the session's cookie."""
    copy = open_browser(browser.node)
    copy.session_token = browser.session_token
    return copy


def test_a_callback_may_arrive_at_the_other_node(site: Site, open_browser: Open, email: str) -> None:
    browser = open_browser(site.node)
    callback = browser.choose(browser.begin("/account"), email)
    answer = browser.arrive(callback, at=site.other)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account")
    assert both(site, browser) == [True, True]


@pytest.mark.parametrize("number", [0, 1])
def test_signing_out_kills_a_copied_cookie_everywhere(
    site: Site, person: Browser, open_browser: Open, email: str, number: int
) -> None:
    thief = thief_of(person, open_browser)
    assert both(site, thief) == [True, True]
    goodbye = person.sign_out(at=site.nodes[number])
    assert (goodbye.status_code, goodbye.headers["Location"]) == (303, "/auth/login?notice=signed_out&provider=dev")
    assert "gatehouse" not in person.cookies
    # Each browser drops the cookie when it hears that it is worthless, so that each is asked anew.
    for node in site.nodes:
        stolen = open_browser(node)
        stolen.session_token = thief.session_token
        assert not stolen.is_signed_in()
    assert [row["end_reason"] for row in site.sessions(email)] == ["logout"]


def test_a_session_is_ended_from_another_browser(site: Site, person: Browser, open_browser: Open, email: str) -> None:
    second = open_browser(site.other)
    second.node = site.node
    second.sign_in(email)
    second.node = site.other
    first_id, second_id = (row["id"] for row in site.sessions(email))
    page = second.get("/account").text
    assert f'id="session-{first_id}"' in page
    assert f'id="session-{second_id}"' in page

    ended = second.change(f"/account/sessions/{first_id}", headers={"HX-Request": "true"}, method="DELETE")
    assert (ended.status_code, "The session was ended." in ended.text) == (200, True)
    refused = person.get("/dashboard")
    assert refused.headers["Location"] == "/auth/login?next=%2Fdashboard&notice=ended"
    assert second.is_signed_in()
    again = second.change(f"/account/sessions/{first_id}", headers={"HX-Request": "true"}, method="DELETE")
    assert (again.status_code, "had ended already" in again.text) == (200, True)


def test_nobody_ends_a_session_of_somebody_else(site: Site, person: Browser, open_browser: Open, email: str) -> None:
    stranger = open_browser(site.node)
    stranger.sign_in(new_address())
    session_id = site.sessions(email)[0]["id"]
    assert stranger.change(f"/account/sessions/{session_id}", method="DELETE").status_code == 404
    assert both(site, person) == [True, True]


def test_all_other_sessions_end_at_once(site: Site, person: Browser, open_browser: Open, email: str) -> None:
    others = [open_browser(site.node) for _ in range(2)]
    for other in others:
        other.sign_in(email)
    answer = person.change("/account/sessions/others", at=site.other)
    assert answer.headers["Location"] == "/account"
    assert "2 other sessions were ended." in person.get("/account", at=site.other).text
    assert [other.is_signed_in(at=node) for other, node in zip(others, site.nodes, strict=True)] == [False, False]
    assert both(site, person) == [True, True]


def test_a_forged_change_changes_nothing(site: Site, person: Browser, email: str) -> None:
    before = site.last_event()
    session_id = site.sessions(email)[0]["id"]
    for path in ("/auth/logout", "/account/sessions/others", f"/account/sessions/{session_id}"):
        assert person.post(path).status_code == 400
    elsewhere = person.change("/auth/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 400
    assert both(site, person) == [True, True]
    assert [name for name, _ in site.events(before)] == ["malicious_csrf"] * 4


def test_a_command_ends_the_sessions_of_one_person(site: Site, person: Browser, open_browser: Open, email: str) -> None:
    neighbour = open_browser(site.node)
    neighbour.sign_in(new_address())
    done = site.command("sessions", "revoke", "--user", email.upper())
    assert (done.returncode, done.stdout) == (0, "One session was ended.\n")
    assert person.get("/dashboard", at=site.other).headers["Location"].endswith("notice=ended")
    assert both(site, neighbour) == [True, True]
    nobody = site.command("sessions", "revoke", "--user", "nobody@example.com")
    assert (nobody.returncode, nobody.stderr) == (1, "Error: Nobody here has the address nobody@example.com.\n")


def test_a_command_ends_the_sessions_of_everybody(site: Site, person: Browser, open_browser: Open) -> None:
    neighbour = open_browser(site.node)
    neighbour.sign_in(new_address())
    done = site.command("sessions", "revoke", "--all")
    assert done.returncode == 0, done.stderr
    assert not person.is_signed_in(at=site.other)
    assert not neighbour.is_signed_in()
    assert site.command("sessions", "revoke").returncode == 2


def test_deactivation_counts_at_once_and_reactivation_revives_nothing(
    site: Site, person: Browser, open_browser: Open, email: str
) -> None:
    tokens, user_id = person.session_token, site.user_id(email)
    assert user_id is not None
    with site.database.transaction() as db:
        toggle_active(db, user_id, wanted=False)
    answers = []
    for node in site.nodes:
        thief = open_browser(node)
        thief.session_token = tokens
        answers.append(thief.get("/dashboard").headers["Location"])
    assert answers == ["/auth/login?next=%2Fdashboard&notice=deactivated"] * 2
    notice = open_browser(site.other).get(answers[0]).text
    assert "Your account has been deactivated." in notice
    assert "mailto:help@example.com" in notice

    with site.database.transaction() as db:
        toggle_active(db, user_id, wanted=True)
    for node in site.nodes:
        thief = open_browser(node)
        thief.session_token = tokens
        assert not thief.is_signed_in()
    assert person.sign_in(email).status_code == 302
    assert both(site, person) == [True, True]


def test_deletion_counts_at_once(site: Site, person: Browser, email: str) -> None:
    user_id = site.user_id(email)
    assert user_id is not None
    with site.database.transaction() as db:
        delete_user(db, user_id)
    assert both(site, person) == [False, False]


def test_a_new_role_counts_at_once_and_ends_nothing(site: Site, person: Browser, email: str) -> None:
    user_id = site.user_id(email)
    assert user_id is not None
    for role, title in ((Role.EDITOR, "Editor"), (Role.VIEWER, "Viewer"), (Role.ADMIN, "Administrator")):
        with site.database.transaction() as db:
            change_role(db, user_id, role)
        pages = [person.get("/dashboard", at=node) for node in site.nodes]
        assert [page.status_code for page in pages] == [200, 200]
        assert all(f"{title}</span>" in page.text for page in pages)


def test_a_confirmation_at_one_node_makes_the_old_cookie_worthless_at_both(
    site: Site, person: Browser, open_browser: Open, email: str
) -> None:
    old = person.session_token
    assert person.confirm(email).headers["Location"] == "/account"
    assert person.session_token != old
    assert both(site, person) == [True, True]
    for node in site.nodes:
        thief = open_browser(node)
        thief.session_token = old
        assert not thief.is_signed_in()
    assert len(site.sessions(email)) == 1


def test_signing_in_again_ends_the_session_that_the_browser_had(site: Site, person: Browser, email: str) -> None:
    other_email, old = new_address(), person.session_token
    # Whoever is signed in is not offered the sign-in page, but a link to a provider may still be followed.
    callback = person.choose(person.begin(), other_email)
    assert person.arrive(callback, at=site.other).status_code == 302
    assert person.session_token != old
    assert [row["end_reason"] for row in site.sessions(email)] == ["replaced"]
    assert [row["end_reason"] for row in site.sessions(other_email)] == [None]


def test_a_node_that_dies_takes_nothing_with_it(site: Site, open_browser: Open, email: str) -> None:
    with running_gatehouse(site.environment, server="gunicorn", port=free_port()) as third:
        person = open_browser(site.node)
        callback = person.choose(person.begin("/account"), email)
        assert person.arrive(callback, at=third).status_code == 302
        third.kill()
    assert "Your account has been created." in person.get("/dashboard", at=site.other).text
    assert both(site, person) == [True, True]
    assert person.sign_out().status_code == 303
