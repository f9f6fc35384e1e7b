"""Who may come in, as what, and what everybody else is told."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from flask_gatehouse.accounts.service import toggle_active
from flask_gatehouse.dev.misbehaviour import Misbehaviour
from tests.nodes.people import Browser, csrf_token_of, new_address, reason_of
from tests.nodes.sites import Site, running_site
from tests.processes import Node, running_gatehouse

Open = Callable[[Node], Browser]
HELP = {"GATEHOUSE_SUPPORT_EMAIL": "help@example.com"}
ADMIN = "Administrator</span>"


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    with running_site(place, HELP) as site:
        yield site


@pytest.fixture
def person(site: Site, open_browser: Open) -> Browser:
    return open_browser(site.node)


def test_an_administrator_is_bound_at_the_first_authoritative_sign_in(
    site: Site, person: Browser, open_browser: Open
) -> None:
    email = new_address("boss")
    made = site.command("create-admin", email.upper())
    assert (made.returncode, made.stderr) == (0, "")
    assert "becomes an administrator at the first sign-in" in made.stdout
    assert site.command("create-admin", email).returncode == 0

    # Whoever merely says that the address is hers gets nothing with it.
    impostor = open_browser(site.node)
    assert impostor.sign_in(email, misbehave=Misbehaviour.UNVERIFIED_ADDRESS).status_code == 302
    assert ADMIN not in impostor.get("/dashboard").text
    impostor.sign_out()

    mark = site.last_event()
    assert person.sign_in(email).status_code == 302
    assert ADMIN in person.get("/dashboard").text
    names = [name for name, _ in site.events(mark)]
    assert {"invite_used", "authz_change"} <= set(names)
    again = site.command("create-admin", email)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == f"{email} is an administrator already.\n"


def test_an_administrator_is_made_of_somebody_who_is_here(site: Site, person: Browser) -> None:
    email = new_address()
    person.sign_in(email)
    assert ADMIN not in person.get("/dashboard").text
    made = site.command("create-admin", email)
    assert (made.returncode, made.stdout) == (0, f"{email} is an administrator now.\n")
    assert ADMIN in person.get("/dashboard").text


def test_no_address_is_no_administrator(site: Site) -> None:
    refused = site.command("create-admin", "somebody")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_who_is_deactivated_is_told_whom_to_ask(site: Site, person: Browser) -> None:
    email = new_address()
    person.sign_in(email)
    user_id = site.user_id(email)
    assert user_id is not None
    with site.database.transaction() as db:
        toggle_active(db, user_id, wanted=False)
    mark = site.last_event()
    refused = person.sign_in(email)
    assert (refused.status_code, reason_of(refused)) == (403, "deactivated")
    assert "Your account is deactivated" in refused.text
    assert "mailto:help@example.com" in refused.text
    assert not person.is_signed_in()
    assert ("authn_login_fail", {"provider": "dev", "reason": "deactivated"}) in site.events(mark)
    assert site.events(mark, target_type="user", target_id=str(user_id))


def test_a_name_is_shown_and_not_obeyed(site: Site, person: Browser) -> None:
    person.sign_in(new_address(), '<script>alert("x")</script>\u202e')
    page = person.get("/dashboard").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    "next", ["https://evil.example/", "//evil.example", "/\\evil.example", "/auth/logout", "/%5Cevil.example"]
)
def test_nobody_is_led_away(site: Site, person: Browser, next: str) -> None:
    assert person.sign_in(new_address(), next=next).headers["Location"] == "/dashboard"


def test_greetings_are_said_once(site: Site, person: Browser) -> None:
    email = new_address()
    person.sign_in(email, "Grace")
    assert "Welcome, Grace! Your account has been created." in person.get("/dashboard").text
    assert "Your account has been created." not in person.get("/dashboard").text
    goodbye = person.sign_out()
    assert "You have been signed out." in person.get(goodbye.headers["Location"]).text
    person.sign_in(email, "Grace")
    page = person.get("/dashboard").text
    assert "Welcome back, Grace." in page
    assert "This is your first sign-in" not in page


@pytest.fixture(scope="module")
def choosy(place: str, site: Site) -> Iterator[dict[str, Site]]:
    """The same site with two other policies: who is in stays in, whoever else comes is judged."""
    domains = {"GATEHOUSE_SIGNUP": "domains", "GATEHOUSE_ALLOWED_DOMAINS": "example.org"}
    with ExitStack() as stack:
        yield {
            "invited": stack.enter_context(running_site(place, HELP | {"GATEHOUSE_SIGNUP": "invited"})),
            "domains": stack.enter_context(running_site(place, HELP | domains)),
        }


@pytest.mark.parametrize(("policy", "reason"), [("invited", "not_invited"), ("domains", "domain_not_allowed")])
def test_a_stranger_is_refused(choosy: dict[str, Site], open_browser: Open, policy: str, reason: str) -> None:
    site, email = choosy[policy], new_address()
    person, mark, users = open_browser(site.node), site.last_event(), site.users()
    refused = person.sign_in(email)
    assert (refused.status_code, reason_of(refused)) == (403, reason)
    assert site.users() == users
    assert not person.is_signed_in()
    # Whoever needs an invitation waits for an administrator's word from now on.
    asked = [("join_requested", {"provider": "dev"})] if policy == "invited" else []
    assert site.events(mark) == [*asked, ("authn_login_fail", {"provider": "dev", "reason": reason})]


def test_who_was_declined_is_told_until_somebody_invites_her(choosy: dict[str, Site], open_browser: Open) -> None:
    site, stranger = choosy["invited"], new_address()
    admin, person, root = open_browser(site.node), open_browser(site.node), new_address()
    assert site.command("create-admin", root).returncode == 0
    admin.sign_in(root)
    assert reason_of(person.sign_in(stranger)) == "not_invited"
    waiting = admin.get("/users/invitations", headers={"Accept": "application/json"}).json()["join_requests"]
    (number,) = [one["id"] for one in waiting if one["email"] == stranger]
    token = {"csrf_token": csrf_token_of(admin.get("/dashboard"))}
    decision = {"join_request": str(number), "decision": "decline"}
    assert admin.post("/users/invitations", decision | token).status_code == 303
    refused = person.sign_in(stranger)
    assert (refused.status_code, reason_of(refused)) == (403, "declined")
    assert "You can ask again in 7 days." in refused.text
    assert admin.post("/users/invitations", {"email": stranger, "role": "viewer"} | token).status_code == 200
    assert person.sign_in(stranger).status_code == 302


def test_who_was_invited_comes_in(choosy: dict[str, Site], open_browser: Open) -> None:
    for site in choosy.values():
        email = new_address()
        assert site.command("create-admin", email).returncode == 0
        person = open_browser(site.node)
        unverified = person.sign_in(email, misbehave=Misbehaviour.UNVERIFIED_ADDRESS)
        assert unverified.status_code == 403
        assert person.sign_in(email).status_code == 302
        assert ADMIN in person.get("/dashboard").text


def test_a_domain_comes_in_if_its_address_is_verified(choosy: dict[str, Site], open_browser: Open) -> None:
    person, email = open_browser(choosy["domains"].node), new_address(domain="example.org")
    unverified = person.sign_in(email, misbehave=Misbehaviour.UNVERIFIED_ADDRESS)
    assert reason_of(unverified) == "domain_not_allowed"
    assert person.sign_in(email).status_code == 302
    neighbour = open_browser(choosy["domains"].node)
    assert neighbour.sign_in(new_address(domain="sub.example.org")).status_code == 403


def test_an_address_that_has_an_account_is_not_given_another(
    site: Site, choosy: dict[str, Site], open_browser: Open
) -> None:
    # The provider of another node is another issuer, to whom the same address is another person.
    email = new_address()
    assert open_browser(site.node).sign_in(email).status_code == 302
    other = choosy["invited"]
    users, person = site.users(), open_browser(other.node)
    assert reason_of(person.sign_in(email)) == "not_invited"
    with running_gatehouse({**site.environment, "GATEHOUSE_BASE_URL": ""}) as third:
        newcomer, mark = open_browser(third), site.last_event()
        refused = newcomer.sign_in(email)
    assert (refused.status_code, reason_of(refused)) == (409, "address_taken")
    assert site.users() == users
    assert site.events(mark) == [("authn_login_fail", {"provider": "dev", "reason": "address_taken"})]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_only_person_of_a_development_database_may_become_its_administrator_once(
    kind: str, request: pytest.FixtureRequest, open_browser: Open
) -> None:
    with running_site(request.getfixturevalue(f"{kind}_url")) as site:
        first = open_browser(site.node)
        first.sign_in(new_address())
        page = first.get("/dashboard")
        assert "Become the administrator" in page.text
        token = {"csrf_token": csrf_token_of(page)}
        assert first.post("/dashboard/administrator").status_code == 400
        assert first.post("/dashboard/administrator", token).headers["Location"] == "/dashboard"
        page = first.get("/dashboard")
        assert ADMIN in page.text
        assert "Become the administrator" not in page.text
        assert first.post("/dashboard/administrator", token).headers["Location"] == "/dashboard"

        second = open_browser(site.node)
        second.sign_in(new_address())
        assert "Become the administrator" not in second.get("/dashboard").text
        assert second.change("/dashboard/administrator").status_code == 403
        names = [name for name, _ in site.events()]
        assert names.count("bootstrap_admin_used") == 1
        assert ADMIN not in second.get("/dashboard").text
