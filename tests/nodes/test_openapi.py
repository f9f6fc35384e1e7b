"""The document against the running application: schemathesis makes requests of it, and holds the answers to it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from schemathesis import Case, Config, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.parameters import ParameterLocation
from sqlalchemy import func, select, text as sql, update

from flask_gatehouse.accounts.linking import link_identity
from flask_gatehouse.accounts.models import Identity, Invitation, JoinRequest, User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import Profile, invite, request_to_join
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import SYSTEM
from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.operations import OPERATIONS
from tests.nodes.people import PATIENCE_S, SESSION_COOKIE, Browser, csrf_token_of
from tests.nodes.sites import CONFIRMED_FOR_LONG, Site, running_site

# Not ``positive_data_acceptance``: most ids that can be are nobody's, and most versions are not today's. Not
# ``unsupported_method`` and ``missing_required_header``, which belong to another phase: ``who-may.tsv`` and the tests
# of the token hold those. That nobody comes in without a cookie is asked below.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# An edit without the version that it is of cannot be told from one that came too late.
CONFIG = {"checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 409, 413, 422]}}}
PATHS = {(route.endpoint, method): route.rule for route in ROUTES for method in route.may}
EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


ROLES = {"admin": Role.ADMIN, "viewer": Role.VIEWER}
# All that a refused request could have changed.
KEPT = (
    "SELECT id, name, role, is_active, version, session_generation FROM gatehouse_users ORDER BY id",
    "SELECT id, email, role FROM gatehouse_invitations ORDER BY id",
    "SELECT id, name, approved_role FROM gatehouse_join_requests ORDER BY id",
    # Those that let somebody in, and those that a request has ended. That others are over is written down by the worker
    # when it comes to it, for none of these reasons.
    """SELECT s.id FROM gatehouse_sessions s JOIN gatehouse_users u ON u.id = s.user_id
    WHERE s.ended_at IS NULL AND s.generation = u.session_generation AND u.is_active ORDER BY s.id""",
    """SELECT id, end_reason FROM gatehouse_sessions
    WHERE end_reason IN ('logout', 'revoked', 'replaced') ORDER BY id""",
    "SELECT id, user_id FROM gatehouse_identities ORDER BY id",
)
# What a parameter names, so that requests find somebody: most numbers that can be are nobody's.
NAMED = {
    "user_id": "SELECT id FROM gatehouse_users",
    # Those with which no session was begun, which alone can be unlinked.
    "identity_id": "SELECT id FROM gatehouse_identities WHERE issuer = 'https://id.example'",
    "session_id": "SELECT id FROM gatehouse_sessions WHERE ended_at IS NULL",
    "id": "SELECT id FROM gatehouse_invitations",
    "number": "SELECT id FROM gatehouse_audit_events",
    "join_request": "SELECT id FROM gatehouse_join_requests",
    "version": "SELECT version FROM gatehouse_users",
}
ENOUGH = 3
STRANGER = Profile("dev", "https://id.example", "", name="Eve", email=None, email_is_authoritative=False)


@dataclass(frozen=True, slots=True)
class Api:
    """The document of a running site, and people who are signed in there.

    :param tokens: those of their sessions that were asked for.
    :param settled: for each of them, what was kept when everything was as it should be before a request of hers.
    """

    site: Site
    schema: Any
    people: dict[str, Browser]
    tokens: dict[str, str] = field(default_factory=dict)
    settled: dict[str, list[Sequence[Any]]] = field(default_factory=dict)

    def named(self, parameter: str) -> list[Any]:
        with self.site.database.reading() as connection:
            return sorted(connection.scalars(sql(NAMED[parameter])))

    def kept(self) -> list[Sequence[Any]]:
        with self.site.database.reading() as connection:
            return [connection.execute(sql(statement)).all() for statement in KEPT]

    def token_of(self, browser: Browser) -> str:
        """Return the token of somebody's session, which is asked for once."""
        session = browser.session_token
        if session not in self.tokens:
            self.tokens[session] = csrf_token_of(browser.get("/dashboard"))
        return self.tokens[session]

    def put_back(self, who: str) -> Browser:
        """Let somebody be who she was, whatever an administrator has done to her or she to herself, among others.

        Most requests change nothing, and nothing is to be put back after these.
        """
        if self.settled.get(who) != self.kept():
            self._put_back(self.people[who], who)
            self.settled[who] = self.kept()
        return self.people[who]

    def _put_back(self, browser: Browser, who: str) -> None:
        email = f"{who}@example.com"
        others = update(User).where(User.role == Role.ADMIN, User.email != email).values(role=Role.EDITOR)
        change = update(User).where(User.email == email).values(role=ROLES[who], is_active=True)
        if not browser.is_signed_in():
            with self.site.database.transaction() as db:
                db.execute(change)
            assert browser.sign_in(email).status_code == 302
        with self.site.database.transaction() as db:
            db.execute(others)
            db.execute(change)
            for _ in range(ENOUGH + len(ROLES) - (db.scalar(select(func.count(User.id))) or 0)):
                db.add(User(name="Somebody", role=Role.VIEWER, created_at=utc_now()))
            for _ in range(ENOUGH - (db.scalar(select(func.count(JoinRequest.id))) or 0)):
                request_to_join(db, replace(STRANGER, subject=token_hex(8)))
            for _ in range(ENOUGH - (db.scalar(select(func.count(Invitation.id))) or 0)):
                invite(db, f"{token_hex(8)}@example.com", Role.VIEWER, expires_at=None)
            mine = db.scalars(select(User.id).where(User.email == email)).one()
            for _ in range(ENOUGH - (db.scalar(select(func.count(Identity.id)).where(Identity.user_id == mine)) or 0)):
                link_identity(db, mine, replace(STRANGER, subject=token_hex(8)), actor=SYSTEM)


@pytest.fixture(scope="module")
def api(place: str) -> Iterator[Api]:
    with running_site(place, CONFIRMED_FOR_LONG) as site:
        made = Api(site, None, {who: Browser(site.node) for who in ROLES})
        document = made.put_back("admin").get("/openapi.json").json()
        yield replace(made, schema=schemathesis.openapi.from_dict(document, config=Config.from_dict(CONFIG)))
        for browser in made.people.values():
            browser.close()


def wrong_parts(case: Case) -> set[ParameterLocation]:
    return set() if case.meta is None else {where for where in ParameterLocation if case.meta.is_negative_at(where)}


def is_worth_asking(case: Case) -> bool:
    """Return whether a request gets beyond the guard, which would be all that most wrong ones with a body meet."""
    return not case.operation.body or not wrong_parts(case) & {ParameterLocation.HEADER, ParameterLocation.COOKIE}


def name_somebody(api: Api, case: Case, data: st.DataObject) -> None:
    """Replace numbers that are as described, and nobody's, by those of somebody, more often than not."""
    parts = {
        ParameterLocation.PATH: case.path_parameters,
        ParameterLocation.QUERY: case.query,
        ParameterLocation.BODY: case.body if isinstance(case.body, dict) else {},
    }
    for where, values in parts.items():
        for name in NAMED.keys() & values.keys() if where not in wrong_parts(case) else ():
            # What is drawn must not depend on who is there by now.
            which, known = data.draw(st.integers(0, 8)), api.named(name)
            if which < 6 and known:
                # Whoever came last, then whoever came first: she who asks is among these.
                turn = which // 2 % len(known)
                values[name] = known[turn if which % 2 else -1 - turn]


def send(api: Api, browser: Browser, case: Case, before: list[Sequence[Any]]) -> int:
    """Send a request as generated, with the cookie and the token of somebody unless that is what it does wrong."""
    headers, cookies = {"Accept": "application/json"}, {}
    if ParameterLocation.HEADER not in wrong_parts(case):
        headers["X-CSRFToken"] = api.token_of(browser)
    if ParameterLocation.COOKIE not in wrong_parts(case):
        cookies[SESSION_COOKIE] = browser.session_token
    answer = case.call(base_url=api.site.node.base_url, headers=headers, cookies=cookies, timeout=PATIENCE_S)
    case.validate_response(answer, checks=CHECKS)
    assert answer.status_code < 400 or api.kept() == before
    return answer.status_code


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize(("endpoint", "method"), sorted(OPERATIONS))
def test_answers_are_as_described(api: Api, endpoint: str, method: str, who: str) -> None:
    operation, statuses = operation_of(api, endpoint, method), Counter[int]()
    # Made once: making one takes longer than to ask.
    cases = {
        mode: operation.as_strategy(generation_mode=mode).filter(is_worth_asking)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    }

    @EXAMPLES
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        browser = api.put_back(who)
        case: Case = data.draw(cases[data.draw(st.sampled_from(list(cases)))])
        name_somebody(api, case, data)
        statuses[send(api, browser, case, api.settled[who])] += 1

    ask()
    # Otherwise refusals would be all that was looked at.
    # Nobody types her own address by chance, so that nobody deletes herself here.
    assert (
        endpoint == "delete_account"
        or who != "admin"
        or statuses.keys() & OPERATIONS[endpoint, method].answers.keys() & {200, 201, 204}
    )


@pytest.mark.parametrize("parameter", ["role", "status", "sort", "after"])
def test_a_list_refuses_what_it_does_not_know(api: Api, parameter: str) -> None:
    answer = api.put_back("admin").get(f"/users?{parameter}={token_hex(4)}", headers={"Accept": "application/json"})
    case = operation_of(api, "users", "GET").Case(query={parameter: "x"})
    case.validate_response(answer, checks=[*CHECKS, negative_data_rejection])
    assert answer.status_code == 422


def test_nobody_reads_it_who_is_not_signed_in(api: Api) -> None:
    browser = Browser(api.site.node)
    answer = browser.get("/openapi.json", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    browser.close()


def operation_of(api: Api, endpoint: str, method: str) -> Any:
    path = re.sub(r"<(?:int:)?(\w+)>", r"{\1}", PATHS[endpoint, method])
    return api.schema[path][method]
