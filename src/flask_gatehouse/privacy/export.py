"""Everything that is held about a person, as JSON that docs/reference/personal-data.md describes field by field."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from ..accounts.leaving import Holding, held_declined
from ..accounts.telling import tell_user, tell_waiting
from ..audit import AuditEvent, record
from ..audit.traces import events_about, subjects_of_user
from ..db.database import Database
from ..kernel.clock import utc_now
from ..kernel.context import Actor
from ..sessions.rules import limits_of
from ..sessions.telling import tell_sessions
from ..settings import Settings
from .erasure import ended_for, get_waiting
from .errors import NothingHeld

FORMAT, VERSION = "gatehouse-personal-data", 1


def export_user(database: Database, settings: Settings, user_id: int, *, actor: Actor | None = None) -> Iterator[str]:
    """Record that everything about a user is told, and return it: the parts of one JSON text.

    The events of the trail are read while the text is, a batch at a time. Values of other people in them are left out.

    :raises UserNotFound: if there is no such user.
    :raises DependencyUnavailable: if the database does not answer, while the text is read too: it is no JSON then.
    """
    with database.transaction() as db:
        told, held = tell_user(db, user_id)
        ended = ended_for(db, settings, held)
        held += held_declined(db, ended)
        told |= tell_waiting(db, held)
        told["sessions"] = tell_sessions(db, user_id, limits_of(settings, told["user"]["role"]))
        subjects = _subjects_told(held, ended) | subjects_of_user(db, user_id)
        record(AuditEvent.PERSONAL_DATA_EXPORTED, resource=("user", user_id), session=db, actor=actor)
    return _text(database.detached(), settings, told, subjects)


def export_address(
    database: Database, settings: Settings, addresses: Sequence[str], *, actor: Actor | None = None
) -> Iterator[str]:
    """Record that everything is told that is held for the owner of an address who is no user, and return it as above.

    It is what :func:`~.erasure.erase_address` would erase, but for requests to join that may be somebody else's.

    :param addresses: the forms of hers, case-folded. That it is hers was found out by whoever asks for this.
    :raises NothingHeld: if there is nothing that can be told.
    """
    with database.transaction() as db:
        held, known = get_waiting(db, settings, addresses)
        subjects = _subjects_told(held, known)
        if not subjects:
            raise NothingHeld(addresses[0])
        told = {"user": None, "identities": [], **tell_waiting(db, held), "sessions": []}
        details = {"subjects": sorted(subjects)}
        record(AuditEvent.PERSONAL_DATA_EXPORTED, details=details, session=db, actor=actor)
    return _text(database.detached(), settings, told, subjects)


def _subjects_told(held: Iterable[Holding], known: Iterable[str]) -> set[str]:
    """Return whose values in the trail are told: of requests to join, of those alone that are held.

    Of one that has gone nothing says whether anybody vouched for its address. Whoever states somebody else's would have
    her own name, network and browser told to that one.
    """
    return {one.subject for one in held}.union(one for one in known if one.startswith("invitation:"))


def _text(database: Database, settings: Settings, told: dict[str, Any], subjects: set[str]) -> Iterator[str]:
    head = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": utc_now(),
        "application": settings.app_name,
        "address": settings.external_url("/"),
        **told,
    }
    yield _json(head, indent=2).removesuffix("\n}") + ',\n  "events": ['
    separator = "\n"
    for event in events_about(database, subjects):
        yield f"{separator}    {_json(event)}"
        separator = ",\n"
    yield "\n  ]\n}\n"


def _json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_moment)


def _moment(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is not told in JSON")
    return value.isoformat()
