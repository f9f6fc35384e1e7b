"""No token, code, cookie or secret ever reaches the trail, whatever people do; and what names a request does."""

import hashlib
import json
import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select

from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.dev.attachment import make_provider
from flask_gatehouse.settings import Settings
from tests.nodes.people import Browser, csrf_token_of, hidden_fields, new_address, reason_of
from tests.nodes.sites import Site, running_site
from tests.ports import free_port
from tests.processes import Node

Open = Callable[[Node], Browser]
# In settings of their own, and within addresses.
CONFIGURED = {
    "GOOGLE_CLIENT_SECRET": "canary-client-secret-of-google",
    "GITHUB_CLIENT_SECRET": "canary-client-secret-of-github",
    "SECRET_KEY_FALLBACKS": "canary-of-the-key-before-this-one-0123456789",
    "GATEHOUSE_ALERT_WEBHOOK_SECRET": "canary-secret-of-the-webhook-0123456789",
    "GATEHOUSE_METRICS_TOKEN": "canary-token-of-the-metrics-0123456789",
}
SECRETS = {"smtp": "canary-password-of-the-mailbox", "webhook": "canary-path-of-the-webhook"}
PLANTED = "canary-that-somebody-sends-along"
# What happens meanwhile, so that something is there to look into.
EXPECTED = {
    "authn_login_success",
    "authn_login_fail",
    "authn_token_reuse",
    "authn_reauth_success",
    "authn_reauth_fail",
    "session_renewed",
    "session_logout",
    "user_updated",
    "authz_change",
    "invite_created",
    "authz_fail",
    "malicious_csrf",
}
# Shorter ones stand in any text by chance, and none of ours is as short.
SHORTEST = 12


@pytest.fixture(scope="module")
def site(place: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    key = tmp_path_factory.mktemp("outside") / "audit.key"
    write_key(key, SigningKey.generate("localhost"))
    # Nobody answers there, so that what cannot be delivered is an event too.
    nobody = f"127.0.0.1:{free_port()}"
    settings = {
        "GOOGLE_CLIENT_ID": "our-google-client",
        "GITHUB_CLIENT_ID": "our-github-client",
        "GATEHOUSE_AUDIT_KEY_FILE": str(key),
        "GATEHOUSE_MAIL_FROM": "gate@example.com",
        "GATEHOUSE_ALERT_EMAIL": "operator@example.com",
        "GATEHOUSE_SMTP_URL": f"smtp://gate:{SECRETS['smtp']}@{nobody}",
        "GATEHOUSE_ALERT_WEBHOOK_URL": f"http://{nobody}/{SECRETS['webhook']}",
    }
    # The embedded provider of each node has its own memory of codes, so that a replay gets as far as to us.
    with running_site(place, settings | CONFIGURED, servers=("run", "gunicorn")) as site:
        yield site


class Watched:
    """Somebody at a browser, and every secret that passes through it."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.secrets: set[str] = set()
        browser.http.hooks["response"].append(self._note)

    def _note(self, response: Any, *rest: Any, **more: Any) -> None:
        for address in (response.url, response.headers.get("Location", "")):
            pairs = dict(parse_qsl(urlsplit(address).query))
            self.secrets |= {pairs[name] for name in ("code", "state", "nonce", "code_challenge") if name in pairs}
        self.secrets |= {cookie.value or "" for cookie in response.cookies}
        for pattern in (r'name="csrf-token" content="([^"]+)"', r'name="csrf_token" value="([^"]+)"'):
            self.secrets |= set(re.findall(pattern, response.text))

    def post(self, path: str, fields: dict[str, str], *, method: str = "POST", page: str = "/dashboard") -> int:
        token = csrf_token_of(self.browser.get(page))
        headers = {"X-CSRFToken": token, "Authorization": f"Bearer {PLANTED}", "Referer": f"http://x/?{PLANTED}"}
        return self.browser.post(path, fields, headers=headers, method=method).status_code


def everything_in(site: Site) -> str:
    """Return the whole trail as one text, each column of each event."""
    with site.database.reading() as connection:
        rows = connection.execute(select(AuditEventRow.__table__)).all()
    return "\n".join(str(value) for row in rows for value in row)


def test_no_secret_reaches_the_trail(site: Site, open_browser: Open) -> None:
    boss, friend = Watched(open_browser(site.node)), Watched(open_browser(site.node))
    address, other = new_address("boss"), new_address("friend")
    assert site.command("create-admin", address).returncode == 0

    # In; the same way once more, by somebody who copied it all; confirmed, and confirmed as somebody else.
    callback = boss.browser.choose(boss.browser.begin(), address)
    thief = open_browser(site.node)
    for name in boss.browser.attempt_cookies():
        thief.http.cookies.set(name, boss.browser.cookies[name], domain="localhost.local", path="/")
    assert boss.browser.arrive(callback).status_code == 302
    assert reason_of(thief.arrive(callback, at=site.other)) == "state_reused"
    assert boss.browser.confirm(address).status_code == 302
    assert boss.browser.confirm(new_address()).status_code >= 400
    failed = boss.browser.get(f"/auth/authorize/dev?state={PLANTED}&code={PLANTED}&access_token={PLANTED}")
    assert failed.status_code == 400
    assert friend.browser.sign_in(other, "A Friend").status_code == 302

    # What an administrator does to others.
    user_id = site.user_id(other)
    edit = {"name": "Renamed", "role": "editor", "version": "1", "_password": PLANTED}
    assert boss.post(f"/users/{user_id}", edit | {"password": PLANTED}, method="PUT") == 422
    assert boss.post(f"/users/{user_id}?token={PLANTED}", edit, method="PUT") == 422
    assert boss.post(f"/users/{user_id}?_token={PLANTED}", edit, method="PUT") < 400
    assert boss.post("/users/bulk", {"user": str(user_id), "change": "role", "new_role": "viewer"}) < 400
    assert boss.post("/users/invitations", {"email": new_address(), "role": "editor"}) < 400

    # What others may not.
    assert friend.post(f"/users/bulk?token={PLANTED}", {"user": "1", "change": "deactivate"}) == 403
    assert friend.browser.post("/auth/logout", {"csrf_token": PLANTED}).status_code == 400
    assert friend.browser.get(f"/users/invitations?secret={PLANTED}").status_code == 403
    goodbye = friend.browser.get("/auth/logout")
    assert friend.browser.post("/auth/logout", hidden_fields(goodbye.text)).status_code == 303

    events = {name for name, _ in site.events()}
    assert events >= EXPECTED

    # What commands do is recorded as well, and what they are told is not.
    assert site.command("audit", "verify").returncode == 0
    key = Path(site.environment["GATEHOUSE_AUDIT_KEY_FILE"]).read_text().strip()
    own = {site.environment["SECRET_KEY"], PLANTED, client_secret_of(site), key, key.split("+", 4)[4]}
    own |= {*CONFIGURED.values(), *SECRETS.values()}
    seen = {secret for secret in boss.secrets | friend.secrets if len(secret) >= SHORTEST}
    # Cookies of two sessions and their attempts, codes, states, nonces, challenges, tokens of forms.
    assert len(seen) >= 20
    trail = everything_in(site)
    assert new_address("").partition("@")[2] in trail
    for secret in own | seen:
        digest = hashlib.sha256(secret.encode())
        for form in (secret, digest.hexdigest(), str(digest.digest())):
            assert form not in trail, secret


def client_secret_of(site: Site) -> str:
    provider = make_provider(Settings.load(site.environment, {}))
    assert len(provider.relying_party.client_secret) >= SHORTEST
    return provider.relying_party.client_secret


def test_an_event_names_its_request_its_node_and_its_session(site: Site, open_browser: Open) -> None:
    person, email = open_browser(site.node), new_address()
    mark = site.last_event()
    person.sign_in(email)
    person.sign_out()
    (session,) = site.sessions(email)
    rows = rows_after(site, mark)
    bodies = {row.event: json.loads(row.body) for row in rows}

    assert set(bodies) == {"user_created", "session_created", "authn_login_success", "session_logout"}
    # The public id: what the cookie holds is another, of which the database has a digest alone.
    assert bodies["authn_login_success"]["session"] == bodies["session_logout"]["session"] == session["id"]
    assert bodies["session_created"]["target"] == {"id": session["id"], "type": "session"}
    assert {body["node"] for body in bodies.values()} == {platform.node()[:64]}
    requests = {name: body["request"] for name, body in bodies.items()}
    assert all(re.fullmatch("[0-9a-f]{16}", request) for request in requests.values())
    # One sign-in is one request, and signing out is another.
    assert requests["user_created"] == requests["session_created"] == requests["authn_login_success"]
    assert requests["session_logout"] != requests["authn_login_success"]
    assert {row.event: row.request_id for row in rows} == requests


def test_what_a_command_does_has_no_request(site: Site) -> None:
    mark = site.last_event()
    assert site.command("create-admin", new_address()).returncode == 0
    (row,) = rows_after(site, mark)
    body = json.loads(row.body)
    assert (body["actor"], body["request"], body["session"]) == ({"id": None, "kind": "cli"}, None, None)
    assert body["personal"].keys() == {"email"}


def rows_after(site: Site, mark: int) -> list[Any]:
    wanted = select(AuditEventRow.event, AuditEventRow.request_id, AuditEventRow.body)
    with site.database.reading() as connection:
        return list(connection.execute(wanted.where(AuditEventRow.id > mark).order_by(AuditEventRow.id)))
