"""What is asked of the database for requests and by the worker, asked as they ask it: by our own functions."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.invitations import expire_invitations, find_invited_role, list_invitations
from flask_gatehouse.accounts.joining import (
    expire_join_requests,
    find_approved_role,
    list_approved_requests,
    list_join_requests,
)
from flask_gatehouse.accounts.listing import count_users, list_users
from flask_gatehouse.accounts.locks import lock_administrators
from flask_gatehouse.accounts.profile import Profile
from flask_gatehouse.accounts.queries import UserQuery
from flask_gatehouse.accounts.reviewing import Part, Periods, list_due, review_standing
from flask_gatehouse.accounts.signing_in import find_user_id, identities_of, sign_in_known
from flask_gatehouse.audit.activity import read_activity
from flask_gatehouse.audit.counting import sign_ins_and_refusals
from flask_gatehouse.audit.erasure import erase_unknown
from flask_gatehouse.audit.events import Outcome
from flask_gatehouse.audit.exporting.selection import Selection
from flask_gatehouse.audit.exporting.writing import Export, Format, export_trail
from flask_gatehouse.audit.following import Place, end_of_trail, events_from, oldest_from
from flask_gatehouse.audit.history import latest_event
from flask_gatehouse.audit.reading import find_event, holds, names_in_use, newest_number, read_page
from flask_gatehouse.audit.sealing import Sealer, seal_lag
from flask_gatehouse.audit.search import TrailQuery
from flask_gatehouse.audit.standing import find_standing
from flask_gatehouse.audit.traces import ended_subjects
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.sessions.expiring import expire_sessions, forget_ended_sessions, sessions_due
from flask_gatehouse.sessions.lookup import find_session
from flask_gatehouse.sessions.rules import Limits
from flask_gatehouse.sessions.telling import living_sessions, newest_sessions
from flask_gatehouse.settings import Settings
from flask_gatehouse.signin.service import forget_spent_attempts
from flask_gatehouse.signin.slowing import check_network, count_and_record, forget_refusals
from tests.grown import ISSUER, OFFICE, address_of, session_of, token_of

SETTINGS = Settings.load(
    {"GATEHOUSE_BASE_URL": "https://grown.example.com", "SECRET_KEY": secrets.token_urlsafe(32)}, {}
)
_DAY = timedelta(days=1)
_LIMITS, _REVIEW = Limits(timedelta(minutes=30), _DAY / 2), Periods(90 * _DAY, 180 * _DAY)
_STRANGER = Actor(ip="203.0.113.9", user_agent="Browser/1")


class _Undone(Exception):
    """Takes a transaction back that has done all of its work."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is asked.

    :param ask: asks a database with so many users and events.
    :param by: parts of the names of indexes by which it is answered on PostgreSQL.
    :param by_sqlite: the same on SQLite, where they differ.
    :param walks: tables that may be read without an index, until there are enough rows or to a small end.
    :param most_rows: how many rows PostgreSQL may look at; twenty thousand are there.
    :param most_steps: how many steps SQLite may take; three for each row of a table that is read as a whole.
    """

    title: str
    ask: Callable[[Database, int], object]
    by: tuple[str, ...] = ()
    by_sqlite: tuple[str, ...] | None = None
    walks: frozenset[str] = frozenset()
    most_rows: int = 2500
    most_steps: int = 15_000


def _reading(ask: Callable[[Connection, int], object]) -> Callable[[Database, int], object]:
    def run(database: Database, count: int) -> None:
        with database.reading() as connection:
            ask(connection, count)

    return run


def _plainly(ask: Callable[..., object], *words: object) -> Callable[[Database, int], object]:
    """Ask what is the same for any number of rows."""
    return _reading(lambda connection, count: ask(connection, *words))


def _writing(ask: Callable[[Session, int], object]) -> Callable[[Database, int], object]:
    def run(database: Database, count: int) -> None:
        with suppress(_Undone), database.transaction() as db:
            ask(db, count)
            raise _Undone

    return run


def _users(**words: Any) -> Callable[[Database, int], object]:
    return _reading(lambda connection, count: list_users(connection, UserQuery.parse(**words)))


def _last(**words: Any) -> Callable[[Database, int], object]:
    def ask(connection: Connection, count: int) -> None:
        query = UserQuery.parse(**words)
        list_users(connection, query.at(list_users(connection, query).last or ""))

    return _reading(ask)


def _trail(**words: Any) -> Callable[[Database, int], object]:
    return _reading(lambda connection, count: read_page(connection, TrailQuery(**words)))


def _exported(**words: Any) -> Callable[[Database, int], object]:
    """Export in a format that proves nothing: there is no tree that could be verified."""

    def run(database: Database, count: int) -> None:
        export = Export(Format.CSV, Selection(TrailQuery(**words)))
        for _ in export_trail(database.engine, export, utc_now()):
            pass

    return run


def _profile(number: int) -> Profile:
    return Profile("google", ISSUER, str(number), None, address_of(number), email_is_authoritative=True)


def _far_day(connection: Connection, count: int) -> None:
    since = utc_now() - 300 * _DAY
    read_page(connection, TrailQuery(since=since, until=since + _DAY))


def _activity(connection: Connection, count: int) -> None:
    read_activity(connection, count // 2, newest_sessions(connection, count // 2))


def _sealed(database: Database, count: int) -> None:
    """Seal, once there is something to seal, and once there is not."""
    sealer = Sealer(database, "grown.example.com")
    sealer.seal()
    sealer.seal()


_REQUESTS = frozenset({"gatehouse_join_requests"})
_USER_TABLE = frozenset({"gatehouse_users"})
_USERS, _EVENTS = "ix_gatehouse_users_", "ix_gatehouse_audit_events_"
QUESTIONS = (
    Question(
        "a session by its cookie",
        lambda database, count: find_session(database, token_of(count // 2)),
        ("sessions_token_digest", "pk_gatehouse_users"),
        ("sqlite_autoindex_gatehouse_sessions", "PRIMARY KEY"),
    ),
    Question("users: first page", _users(), (f"{_USERS}created_at_id",)),
    Question("users: last page", _last(), (f"{_USERS}created_at_id",)),
    Question("users: by name, first page", _users(sort="name"), (f"{_USERS}search_text_id",)),
    Question("users: by name, last page", _last(sort="-name"), (f"{_USERS}search_text_id",)),
    Question("users: by address, last page", _last(sort="email"), (f"{_USERS}email_id",)),
    Question("users: by last sign-in", _users(sort="-last_sign_in"), (f"{_USERS}last_sign_in_at_id",)),
    Question("users: by role, last page", _last(sort="role"), (f"{_USERS}role_id",)),
    Question("users: administrators", _users(role="admin")),
    # Up to 7,000 ids of a million are sorted, where that is quicker than walking past the others.
    Question("users: editors, last page", _last(role="editor"), most_steps=80_000),
    Question("users: inactive, by name", _users(status="inactive", sort="name")),
    Question("users: locked, by name", _users(status="locked", sort="name"), (f"{_USERS}held_at",)),
    Question("users: part of one address", _reading(
        lambda connection, count: list_users(connection, UserQuery.parse(q=address_of(count // 2)[3:12]))
    ), ("search_trigrams",), ("user_search INDEX",)),
    Question("users: part of all addresses", _users(q="example")),
    Question("users: nobody", _users(q="qqqqq"), ("search_trigrams",), ("user_search INDEX",)),
    Question("users: two letters", _users(q="ka")),
    # The one question that grows: names that begin so stand together in this order, and the way there is long.
    Question("users: two letters, by name", _users(q="ol", sort="name"), most_rows=25_000, most_steps=100_000),
    Question("users: how many", _reading(lambda connection, count: count_users(connection, UserQuery.parse()))),
    Question(
        "users: how many of a search",
        _reading(lambda connection, count: count_users(connection, UserQuery.parse(q="example"))),
        # Until a thousand are found.
        walks=_USER_TABLE,
    ),
    Question(
        "a user by her address",
        _reading(lambda connection, count: find_user_id(connection, address_of(count // 2))),
    ),
    Question("administrators, locked", _writing(lambda db, count: lock_administrators(db))),
    Question("review: roles", _plainly(list_due, Part.ROLES, _REVIEW)),
    Question("review: dormant", _plainly(list_due, Part.DORMANT, _REVIEW)),
    Question("review: where it stands", _plainly(review_standing, 180 * _DAY)),
    Question("audit: first page", _trail(), ("pk_gatehouse_audit_events",), ("PRIMARY KEY",)),
    Question(
        "audit: far page",
        _reading(lambda connection, count: read_page(connection, TrailQuery(before=count // 2))),
        ("pk_gatehouse_audit_events",),
        ("PRIMARY KEY",),
    ),
    Question("audit: person", _trail(people=(1,)), (f"{_EVENTS}actor_id_id", f"{_EVENTS}target_type_target_id_id")),
    Question("audit: event", _trail(event="authn_login_fail"), (f"{_EVENTS}event_id",)),
    Question("audit: event that is nowhere", _trail(event="article.published"), (f"{_EVENTS}event_id",)),
    Question("audit: outcome", _trail(outcome=Outcome.DENIED), (f"{_EVENTS}outcome_id",)),
    Question("audit: network address", _trail(ip=OFFICE), (f"{_EVENTS}ip_id",)),
    Question("audit: a day long ago", _reading(_far_day), (f"{_EVENTS}occurred_at_id",)),
    Question("audit: request", _trail(request_id=f"{77:032x}"), (f"{_EVENTS}request_id",)),
    Question("audit: is it a request", _plainly(holds, TrailQuery(request_id="proxy-7")), (f"{_EVENTS}request_id",)),
    Question(
        "audit: session",
        _reading(lambda connection, count: read_page(connection, TrailQuery(session_id=session_of(count // 2)))),
        (f"{_EVENTS}target_type_target_id_id",),
    ),
    Question("audit: thing", _trail(target=("invitation", "500")), (f"{_EVENTS}target_type_target_id_id",)),
    Question("audit: person and event that never meet", _trail(people=(1,), event="join_expired")),
    Question(
        "export: person",
        _exported(people=(77,)),
        (f"{_EVENTS}actor_id_id", f"{_EVENTS}target_type_target_id_id", "gatehouse_audit_leaves_event_id"),
        (f"{_EVENTS}actor_id_id", f"{_EVENTS}target_type_target_id_id", "sqlite_autoindex_gatehouse_audit_leaves"),
    ),
    Question("export: event", _exported(event="invite_used"), (f"{_EVENTS}event_id",)),
    Question("export: request", _exported(request_id=f"{77:032x}"), (f"{_EVENTS}request_id",)),
    Question("export: thing", _exported(target=("invitation", "500")), (f"{_EVENTS}target_type_target_id_id",)),
    Question(
        "export: a day",
        _exported(since=utc_now() - 300 * _DAY, until=utc_now() - 299 * _DAY),
        (f"{_EVENTS}occurred_at_id",),
    ),
    Question("export: numbers", _exported(after=5000, before=5050), ("pk_gatehouse_audit_events",), ("PRIMARY KEY",)),
    Question("audit: names of events", _plainly(names_in_use), (f"{_EVENTS}event_id",)),
    Question("audit: is there anything new", _plainly(newest_number)),
    Question("audit: one event with its place", _reading(lambda connection, count: find_event(connection, count // 2))),
    Question("audit: how the trail stands", _plainly(find_standing)),
    Question(
        "audit: chart of thirty days",
        _reading(
            lambda connection, count: sign_ins_and_refusals(
                connection, utc_now() - 30 * _DAY, utc_now(), by_hour=False
            )
        ),
        (),
        ("sqlite_autoindex_gatehouse_audit_counts",),
        # A third of all hours is no reason for an index; thirty days never have more than these.
        walks=frozenset({"gatehouse_audit_counts"}),
        most_rows=10_000,
        most_steps=60_000,
    ),
    Question("audit: last event of a name", _plainly(latest_event, {"review_completed"})),
    Question("a person's activity", _reading(_activity), ("sessions_user_id_ended_at",)),
    Question(
        "a person's sessions",
        _reading(lambda connection, count: living_sessions(connection, count // 2, _LIMITS)),
        ("sessions_user_id_ended_at",),
    ),
    Question(
        "a person's accounts",
        _reading(lambda connection, count: identities_of(connection, count // 2)),
        ("identities_user_id",),
    ),
    Question("sign-in: network that waits", lambda database, count: check_network(database, SETTINGS, "203.0.113.9")),
    Question(
        "sign-in: refusal is counted",
        _writing(lambda db, count: count_and_record(db, SETTINGS, (ISSUER, str(count // 2)), _STRANGER)),
    ),
    Question(
        "sign-in: somebody who was here",
        _writing(lambda db, count: sign_in_known(db, _profile(count // 2), actor=_STRANGER)),
        ("identities_issuer",),
        ("sqlite_autoindex_gatehouse_identities",),
    ),
    Question("sign-in: request to join", _writing(lambda db, count: find_approved_role(db, _profile(3)))),
    Question("sign-in: invitation", _writing(lambda db, count: find_invited_role(db, "guest-77@example.com"))),
    # In the order of their numbers, until a page is full.
    Question("invitations: first page", _plainly(list_invitations), walks=frozenset({"gatehouse_invitations"})),
    Question("requests to join: first page", _plainly(list_join_requests), walks=_REQUESTS),
    Question("requests to join: approved, first page", _plainly(list_approved_requests), walks=_REQUESTS),
    Question("worker: sealing", _sealed),
    Question("worker: how far sealing is behind", _plainly(seal_lag)),
    Question(
        "worker: events to tell",
        _reading(lambda connection, count: events_from(connection, Place(1, count - 100), ["authn_login_fail"])),
        ("pk_gatehouse_audit_leaves",),
        ("sqlite_autoindex_gatehouse_audit_leaves",),
    ),
    Question("worker: where the trail ends", _plainly(end_of_trail)),
    Question(
        "worker: oldest event not told",
        _reading(lambda connection, count: oldest_from(connection, Place(1, count - 99))),
        ("pk_gatehouse_audit_leaves",),
        ("sqlite_autoindex_gatehouse_audit_leaves",),
    ),
    # It looks at all that live, outside of any transaction, and rests fifty times as long.
    Question(
        "worker: sessions that are over",
        _plainly(sessions_due, _LIMITS, _LIMITS),
        most_rows=25_000,
        most_steps=50_000,
    ),
    Question(
        "worker: sessions to end",
        _writing(lambda db, count: expire_sessions(db, _LIMITS, _LIMITS, [session_of(10), session_of(20)])),
    ),
    Question("worker: sessions to forget", _writing(lambda db, count: forget_ended_sessions(db, 30 * _DAY))),
    Question("worker: invitations to end", _writing(lambda db, count: expire_invitations(db))),
    Question("worker: requests to join to end", _writing(lambda db, count: expire_join_requests(db))),
    Question("worker: attempts to forget", _writing(lambda db, count: forget_spent_attempts(db))),
    Question("worker: refusals to forget", _writing(lambda db, count: forget_refusals(db))),
    Question("worker: refusals to erase", _writing(lambda db, count: erase_unknown(db, utc_now() - 800 * _DAY, 0))),
    Question(
        "worker: invitations to erase",
        # All that were over have been dealt with, and many others have happened since.
        _writing(lambda db, count: ended_subjects(db, count * 9 // 10, utc_now() - 30 * _DAY, limit=200)),
        # PostgreSQL may pass over the others that have happened, where it expects a batch soon.
        most_rows=5000,
    ),
)  # fmt: skip
