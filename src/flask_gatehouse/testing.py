"""What a host needs to test its own views: people who are signed in, a provider to sign in with, isolation.

Nothing is bypassed: ``sign_in_as`` writes the rows that a sign-in writes, and the views under test check them
as they always do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, session
from flask.testing import FlaskClient
from sqlalchemy import func, inspect, select, update
from werkzeug.test import TestResponse

from .accounts.columns import users
from .accounts.rules import Role
from .accounts.service import Profile, register, sign_in_known
from .db.migrate import upgrade
from .dev import EMBEDDED_PROVIDER, attach
from .kernel.context import SYSTEM, Actor
from .kernel.text import case_folded_address
from .sessions.service import begin_session
from .settings.names import GATEHOUSE_NAMES, PLAIN_NAMES
from .settings.origins import names_of_providers
from .web.csrf import csrf_token
from .web.state import EXTENSION, State

__all__ = ["SignedIn", "attach_provider", "configuration", "empty_database", "sign_in_as", "sign_in_through_provider"]

ISSUER = "https://testing.invalid"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person whom ``sign_in_as`` has signed in with a client.

    :param csrf_token: for the ``csrf_token`` of her forms, or their ``X-CSRFToken``.
    """

    user_id: int
    session_id: str
    csrf_token: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the header with which her changes are accepted."""
        return {"X-CSRFToken": self.csrf_token}


def configuration(directory: Path) -> dict[str, str]:
    """Return a configuration for tests, with a database of its own in a directory that the test owns.

    For ``app.config.from_mapping``, before ``Gatehouse.init_app``: what is set there wins over the environment
    and over ``.env``. Every other setting is there too, and empty, so that a test reaches no database, no mailbox
    and no hook that a developer has configured for herself.

    :param directory: where the database is made, such as pytest's ``tmp_path``.
    """
    theirs = names_of_providers(Path.cwd())
    return dict.fromkeys([*GATEHOUSE_NAMES, *(PLAIN_NAMES - {"PORT"}), *theirs], "") | {
        "GATEHOUSE_ENV": "development",
        "GATEHOUSE_BASE_URL": "http://localhost",
        "SECRET_KEY": "a key for tests, which guards nothing",
        # No test is somebody who asks too often, unless it says so.
        "GATEHOUSE_RATE_LIMIT": "1000000 per minute",
        "GATEHOUSE_RATE_LIMIT_SIGN_IN": "1000000 per minute",
        "DATABASE_URL": f"sqlite:///{directory / 'gatehouse-test.db'}",
    }


@contextmanager
def empty_database(app: Flask) -> Iterator[None]:
    """Make Gatehouse's tables, and close the connections to them when a block ends.

    The block runs outside of an application context: requests that are made within one share its ``flask.g``, and
    with it whatever Flask-SQLAlchemy and Flask-WTF have kept there for somebody else.

    :param app: an application that has its Gatehouse.
    :raises RuntimeError: if people are in the database already. It is somebody's real one then, and is left alone.
    """
    state: State = app.extensions[EXTENSION]
    with app.app_context():
        engine = state.database.engine
        # Past the look whether there is a database, which is only just made here.
        with engine.connect() as connection:
            known = inspect(connection).has_table("gatehouse_users")
            count = connection.execute(select(func.count()).select_from(users)).scalar_one() if known else 0
        if count:
            raise RuntimeError(f"This database has {count} users. Tests need an empty one of their own.")
        upgrade(engine)
    try:
        yield
    finally:
        engine.dispose()


def sign_in_as(
    client: FlaskClient,
    role: Role = Role.VIEWER,
    *,
    email: str = "someone@example.com",
    name: str = "Someone",
    proved_at: datetime | None = None,
) -> SignedIn:
    """Sign a person in with a test client, making her at the first time; her role is the one given.

    :param client: the client whose cookies she gets.
    :param role: hers from now on, also if she had another one.
    :param email: her address, by which the same person is found again.
    :param name: what she is called.
    :param proved_at: when she last proved who she is, for views that need a confirmation, as an aware moment; now by
        default.
    :returns: who she is, and the token that her changes need.
    :raises AccountDeactivated: if the test has deactivated her.
    :raises AccountHeld: if it has locked her account.
    :raises AddressTaken: if somebody who came in another way has this address.
    """
    app = client.application
    state: State = app.extensions[EXTENSION]
    profile = Profile("testing", ISSUER, case_folded_address(email), name, email, email_is_authoritative=True)
    with app.app_context(), state.database.transaction() as db:
        user = sign_in_known(db, profile, actor=SYSTEM) or register(db, profile, role, actor=SYSTEM)
        # Not change_role(), which rightly keeps the last administrator: a test may want her to be a viewer next.
        db.execute(update(users).where(users.c.id == user.id).values(role=role))
        begun = begin_session(
            db,
            user_id=user.id,
            generation=user.session_generation,
            provider=profile.provider,
            issuer=profile.issuer,
            subject=profile.subject,
            previous_sign_in_at=user.previous_sign_in_at,
            lifetime=state.limits[role].absolute,
            actor=Actor(user.id, None, "127.0.0.1", "a test", "user"),
            proved_at=proved_at,
        )
    client.set_cookie(state.session_cookie, begun.token, secure=state.secure_cookies, httponly=True)
    return SignedIn(user.id, begun.session_id, _token_for(client, f"{state.session_cookie}={begun.token}"))


def _token_for(client: FlaskClient, cookie: str) -> str:
    """Return the token that a page would have given to this client."""
    app = client.application
    # An application context of its own: Flask-WTF remembers on ``g`` what it gave to the client before.
    with app.app_context():
        if "csrf" not in app.extensions:
            with app.test_request_context(headers={"Cookie": cookie}):
                return csrf_token()
        # A host's own protection, Flask-WTF's, ties its tokens to what the client keeps in Flask's session.
        with client.session_transaction() as kept, app.test_request_context(headers={"Cookie": cookie}):
            session.update(kept)
            token = csrf_token()
            kept.update(session)
        return token


def attach_provider(app: Flask) -> None:
    """Let people of a test sign in through the embedded provider, which asks for a name and an address alone.

    :param app: an application that has its Gatehouse, and its ``CSRFProtect`` if it brings one.
    :raises EmbeddedProviderRefused: outside of development on this machine.
    """
    attach(app)


class _Form(HTMLParser):
    """The hidden fields of the first form on a page, and where it is sent."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = given.get("action", "")
        if tag == "input" and given.get("type") == "hidden":
            self.fields.setdefault(given["name"], given.get("value", ""))


def sign_in_through_provider(client: FlaskClient, *, email: str, name: str, next: str = "/") -> str:
    """Walk through a whole sign-in with a test client, as a browser does, and return where it ends.

    :param client: the client whose cookies she gets.
    :param email: the address that she chooses at the provider, by which the same person is found again.
    :param name: the name that she has there.
    :param next: the page that the person wanted.
    :returns: the path to which the browser is sent at last.
    :raises RuntimeError: where the way ends early, with what was answered there.
    """
    state: State = client.application.extensions[EXTENSION]
    if EMBEDDED_PROVIDER not in state.providers:
        raise RuntimeError("This application has no provider for tests: call attach_provider(app) first.")
    # A test client puts the application's root before each path by itself.
    root = state.settings.root
    start = f"{state.settings.url_prefix}/auth/login/{EMBEDDED_PROVIDER}"
    choice = _next(client.get(start, query_string={"next": next})).removeprefix(root)
    form = _Form(client.get(choice).get_data(as_text=True))
    action = (form.action or choice).removeprefix(root)
    answered = client.post(action, data=form.fields | {"email": email, "name": name})
    return _next(client.get(_next(answered).removeprefix(root)))


def _next(answer: TestResponse) -> str:
    """Return where a browser goes from an answer."""
    if not answer.location:
        where = f"{answer.request.method} {answer.request.path}"
        raise RuntimeError(f"The sign-in ended at {where} with {answer.status}:\n{answer.get_data(as_text=True)}")
    parts = urlsplit(answer.location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
