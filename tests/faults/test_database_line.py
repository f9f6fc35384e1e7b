"""A line to PostgreSQL that goes bad: whoever is in stays in, nobody waits without end, and it mends itself."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.nodes.meeting import at_once
from tests.nodes.people import Browser, csrf_token_of, hidden_fields, new_address
from tests.nodes.sites import CONFIRMED_FOR_LONG, Site, running_site
from tests.processes import Node
from tests.services import Services

from .answers import is_a_pause, within
from .line import BAD, Line, Way
from .report import Shows

Open = Callable[[Node], Browser]
# The node waits two seconds for an answer, three for a connection, and asks with a SELECT once more; the rest is this
# machine.
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def site(postgresql_services: Services, new_database: str, database_line: Line) -> Iterator[Site]:
    """A node that speaks to its database on the line, and a view of the database beside it."""
    node_url = f"postgresql://gatehouse@127.0.0.1:{database_line.port}/{new_database}"
    with running_site(
        postgresql_services.database_url(new_database),
        {"TEST_DATABASE_URL": node_url, **CONFIRMED_FOR_LONG},
        servers=("gunicorn",),
        application="tests.faults.hasty:app",
        threads=8,
    ) as site:
        yield site


@pytest.mark.parametrize("way", BAD)
def test_it_goes_bad(
    site: Site, admin: Browser, database_line: Line, open_browser: Open, shows: Shows, way: Way
) -> None:
    person, email = open_browser(site.node), new_address()
    assert person.sign_in(email).status_code == 302
    user_id = site.user_id(email)
    form = hidden_fields(admin.get(f"/users/{user_id}").text) | {"name": "N", "role": "editor"}
    comes = open_browser(site.node)
    callback = comes.choose(comes.begin(), new := new_address("new"))
    leaving = open_browser(site.node)
    leaving.sign_in(new_address())
    token, mark = csrf_token_of(leaving.get("/dashboard")), site.last_event()
    assert person.is_signed_in()
    cookies = (person.cookies, leaving.cookies)
    with database_line.going(way):
        *answers, arrived, changed, left, ready, alive = at_once(
            [
                *(
                    partial(within, DEADLINE_S, partial(person.get, path))
                    for path in ("/dashboard", "/account", "/auth/session")
                ),
                partial(within, DEADLINE_S, partial(comes.arrive, callback)),
                partial(within, DEADLINE_S, partial(admin.post, f"/users/{user_id}", form)),
                partial(within, DEADLINE_S, partial(leaving.post, "/auth/logout", {"csrf_token": token})),
                partial(within, DEADLINE_S, partial(person.get, "/readyz")),
                partial(within, DEADLINE_S, partial(person.get, "/healthz")),
            ]
        )
    assert alive.status_code == 200
    if way is Way.SLOW:
        assert {answer.status_code for answer in (*answers, ready)} == {200}
        assert (arrived.status_code, changed.status_code, left.status_code) == (302, 303, 303)
    else:
        assert all(is_a_pause(answer) for answer in (*answers, changed, left))
        assert (arrived.status_code, ready.status_code) == (503, 503)
        assert "gatehouse" not in comes.cookies
        assert (person.cookies, leaving.cookies) == cookies
    # Without a hand: what was refused has not happened or has as a whole, and what was acknowledged has.
    happened = [name for name, _ in site.events(mark)]
    is_editor = '<option value="editor" selected>' in admin.get(f"/users/{user_id}/edit").text
    assert (is_editor, site.user_id(new) is not None, leaving.is_signed_in()) == (
        "authz_change" in happened,
        "authn_login_success" in happened,
        "session_logout" not in happened,
    )
    assert (is_editor, comes.is_signed_in()) == ((True, True) if way is Way.SLOW else (is_editor, False))
    assert person.is_signed_in()
    assert comes.sign_in(new).status_code == 302
    assert person.get("/readyz").status_code == 200
    shows(
        f"PostgreSQL: line {way}",
        "slow and whole" if way is Way.SLOW else "503 in time, cookie kept, nothing by halves, back by itself",
    )
