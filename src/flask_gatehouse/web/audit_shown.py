"""What a page shows of an event: who, what, and whom or what it met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import Connection

from ..accounts.names import find_names
from ..audit.events import Outcome
from ..audit.reading import TrailEvent
from ..kernel.identifiers import id_in
from .audit_names import event_name
from .language import marked as _, text

_ACTORS = {
    "anonymous": _("Somebody not signed in"),
    "cli": _("Command line"),
    "system": _("The system itself"),
    "unknown": _("Nobody knows who"),
}
_KINDS = {
    "session": _("Session"),
    "invitation": _("Invitation"),
    "join_request": _("Request to join"),
}


@dataclass(frozen=True, slots=True)
class Party:
    """Who did something, or what it was done to.

    :param url: where a page tells of it, None if there is none.
    :param asks: what the search field says to find everything about it, empty if it says nothing.
    """

    label: str
    url: str | None = None
    asks: str = ""
    is_person: bool = False


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One event as a page shows it."""

    number: int
    occurred_at: datetime
    name: str
    outcome: Outcome
    reason: str | None
    actor: Party
    target: Party | None
    ip: str | None
    url: str


def shown(connection: Connection, events: Sequence[TrailEvent]) -> list[ShownEvent]:
    """Return events as a page shows them, with the names of those people who are still here."""
    names = find_names(connection, {person for event in events for person in people_in(event.content)})
    return [
        ShownEvent(
            number=event.number,
            occurred_at=event.occurred_at,
            name=event_name(event.content["event"]),
            outcome=Outcome(event.content["outcome"]),
            reason=event.content["reason"],
            actor=actor_of(event.content, names),
            target=target_of(event.content, names),
            ip=event.personal.get("ip"),
            url=url_for("gatehouse.audit_event", number=event.number),
        )
        for event in events
    ]


def personal_values(event: TrailEvent) -> list[tuple[str, str | None]]:
    """Return of each personal value its name, and the value unless it has been erased."""
    return [(name, event.personal.get(name)) for name in event.content["personal"]]


def actor_of(content: Mapping[str, Any], names: Mapping[int, str]) -> Party:
    """Return who did what an event tells of."""
    user_id, kind = content["actor"]["id"], content["actor"]["kind"]
    if user_id is not None:
        return _person(user_id, names)
    return Party(text(_ACTORS[kind]) if kind in _ACTORS else kind)


def target_of(content: Mapping[str, Any], names: Mapping[int, str]) -> Party | None:
    """Return what it was done to; None if it was done to nothing in particular."""
    target = content["target"]
    if target is None:
        return None
    if (person := _person_in(target)) is not None:
        return _person(person, names)
    kind, identifier = str(target["type"]), str(target["id"])
    label = text(_KINDS[kind]) if kind in _KINDS else kind
    shown = "" if kind == "session" else f" {identifier}"
    return Party(f"{label}{shown}", asks=identifier if kind == "session" else f"{kind}:{identifier}")


def people_in(content: Mapping[str, Any]) -> set[int]:
    """Return the ids of the users of whom an event tells."""
    actor, target = content["actor"], content["target"]
    return {actor["id"], target and _person_in(target)} - {None}


def _person_in(target: Mapping[str, Any]) -> int | None:
    return id_in(target["id"]) if target["type"] == "user" else None


def _person(user_id: int, names: Mapping[int, str]) -> Party:
    asks = f"user:{user_id}"
    if user_id not in names:
        return Party(text("User %(number)s", number=user_id), asks=asks, is_person=True)
    return Party(names[user_id], url_for("gatehouse.user", user_id=user_id), asks, is_person=True)
