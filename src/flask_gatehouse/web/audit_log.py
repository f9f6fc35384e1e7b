"""The audit log: its pages, one event, and what is new. Whoever reads it is written down in it."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ..accounts.errors import FieldProblem, InvalidQuery
from ..audit.reading import (
    UNREADABLE,
    TrailPage,
    TreePlace,
    find_event,
    names_in_use,
    newest_number,
    read_page,
)
from ..audit.standing import find_standing
from ..audit.walking import find_numbers
from ..audit.watching import lasting, record_reading
from ..kernel.clock import utc_now
from ..kernel.deferred import Deferred
from .actor import actor
from .audit_chart import make_chart
from .audit_names import OUTCOMES, event_groups
from .audit_query import RANGES, Asked
from .audit_seal import Seal, describe
from .audit_search import Meant, understand
from .audit_shown import personal_values, shown
from .denials import NotFound
from .fields import in_words, unknown_in_words
from .htmx import wants_json, wants_part
from .language import marked as _, text
from .ours import asked_of_us
from .paging import list_url
from .state import state

# More news than these are not counted: whoever comes back after a night needs no number.
NEWS = 50
# A column of our tables holds no larger one.
_LARGEST_NUMBER = 2**63 - 1
_EXPORT = Deferred("web.audit_export:audit_export")
_LABELS = {"today": _("Today"), "7d": _("7 days"), "30d": _("30 days")}
_FORMATS = {
    "jsonl": _("JSON Lines, with proofs"),
    "csv": _("CSV, for spreadsheets"),
    "ocsf": _("OCSF, for security tools"),
}
# Of which the page has a field, with a place beside it for what is wrong.
_FIELDS = ("q", "who", "event", "outcome", "since", "until", "ip")


def audit_log() -> ResponseReturnValue:
    """Answer with a page of the log, its rows, or JSON."""
    try:
        asked = Asked.parse(asked_of_us(Asked.names()))
    except InvalidQuery as error:
        if wants_json():
            raise
        return _refused(error.fields)
    now = utc_now()
    with state().database.reading() as connection:
        meant = understand(connection, asked, now)
    if wants_json() and meant.too_many is not None:
        # The page says that it shows some of them; to a program that would look as if it were all.
        raise InvalidQuery(meant.problem)
    _note_reading(asked, meant)
    with state().database.reading() as connection:
        seen = newest_number(connection)
        # Whoever turns pages sees a whole one; a program that has asked for news would take old events for some.
        page = TrailPage((), None) if meant.query is None else read_page(connection, meant.query, fill=not wants_json())
        if wants_json():
            return jsonify(_page_as_json(page))
        context = {
            "events": shown(connection, page.events),
            "page": page,
            "chart": make_chart(connection, asked, now, _url_with(asked)),
            "too_many": asked.parameters()[meant.too_many] if meant.too_many else None,
            "seen": seen,
            **_filters(asked),
        }
        if wants_part():
            return render_template("gatehouse/audit_log/_trail.html", **context)
        context |= _form(connection, asked.parameters(), {}) | {"seal": _seal(connection, now)}
    return render_template("gatehouse/audit_log/audit_log.html", **context)


def audit_event(number: int) -> ResponseReturnValue:
    """Answer with one event: a page, a fragment that unfolds in the list, or JSON."""
    with state().database.reading() as connection:
        found = find_event(connection, number) if 0 < number <= _LARGEST_NUMBER else None
    if found is None:
        raise NotFound
    event, place = found
    # Whoever counts the numbers up would otherwise have read all of it, and the trail would know of one look.
    record_reading(state().database, actor(), {"resource": "audit_log", "event": number})
    with state().database.reading() as connection:
        if wants_json():
            return jsonify(event.to_dict() | {"place": _place_as_json(place)})
        (one,) = shown(connection, [event])
    template = "gatehouse/audit_log/_event.html" if wants_part() else "gatehouse/audit_log/event.html"
    pretty = json.dumps(event.content, indent=2, ensure_ascii=False, sort_keys=True)
    if event.content["event"] == UNREADABLE:
        pretty = event.body
    return render_template(
        template,
        event=one,
        content=event.content,
        personal=personal_values(event),
        place=place,
        body=pretty,
        asks_url=asks_url,
    )


def audit_news() -> ResponseReturnValue:
    """Answer how much of what is asked for has happened since an event, and how the seal stands by now."""
    asked = Asked.parse(asked_of_us(Asked.names()))
    now = utc_now()
    with state().database.reading() as connection:
        count = 0
        if asked.after is not None and newest_number(connection) > asked.after:
            query = understand(connection, asked, now).query
            count = 0 if query is None else len(find_numbers(connection, query, NEWS + 1).numbers)
        seal = _seal(connection, now)
    address = list_url("gatehouse.audit_log", asked.parameters())
    return render_template("gatehouse/audit_log/_news.html", count=count, most=NEWS, seal=seal, first_url=address)


def audit_export() -> ResponseReturnValue:
    """Answer with the export; what proves it is loaded when somebody first asks for one."""
    answer: ResponseReturnValue = _EXPORT.load()()
    return answer


def asks_url(asks: str) -> str:
    """Return the address that finds everything about something, as the search field would be asked for it."""
    return list_url("gatehouse.audit_log", {"q": asks})


def _note_reading(asked: Asked, meant: Meant) -> None:
    """Record the reading: which filters were used, with their values only where nothing personal can be in them."""
    said: dict[str, Any] = asked.parameters()
    with state().database.reading() as connection:
        filters = lasting(connection, said) | dict.fromkeys(said.keys() & {"q", "who", "ip"}, True)
    details: dict[str, Any] = {"resource": "audit_log", "filters": filters}
    people = meant.query.people if meant.query is not None else ()
    if len(people) == 1:
        # Who looked at whom is what an auditor asks; while somebody types, a text still means many.
        details["person"] = people[0]
    record_reading(state().database, actor(), details)


def _url_with(asked: Asked) -> Callable[..., str]:
    return partial(list_url, "gatehouse.audit_log", asked.parameters())


def _filters(asked: Asked) -> dict[str, Any]:
    said: dict[str, Any] = asked.parameters()
    ranges = [(name, text(_LABELS[name]), asked.when == name) for name in RANGES]
    exports = [
        (text(label), url_for("gatehouse.audit_export", **said, format=name)) for name, label in _FORMATS.items()
    ]
    return {
        "exports": exports,
        "said": said,
        "said_in_address": urlencode(said),
        "url_with": _url_with(asked),
        "ranges": ranges,
    }


def _form(connection: Connection, values: Mapping[str, str], problems: Mapping[str, FieldProblem]) -> dict[str, Any]:
    groups = event_groups(names_in_use(connection), values.get("event"))
    outcomes = [(str(outcome), text(name)) for outcome, name in OUTCOMES.items()]
    return {"values": values, "groups": groups, "outcomes": outcomes, "problems": in_words(problems)}


def _refused(problems: Mapping[str, FieldProblem]) -> ResponseReturnValue:
    """Answer what cannot be asked: with the reason beside the field, and what was typed still in it."""
    words = in_words(problems)
    # What no field of the page has said is said where the list would stand.
    others = {name: found for name, found in problems.items() if name not in _FIELDS}
    said = [words[name] for name, found in others.items() if found not in {FieldProblem.NO_FILTER, FieldProblem.TWICE}]
    refused = " ".join([*said, unknown_in_words(others)]).strip()
    if wants_part():
        part = render_template("gatehouse/audit_log/_refused.html", refused=refused, problems=words, fields=_FIELDS)
        return part, 422
    typed = {name: request.args.get(name, "")[:200] for name in _FIELDS}
    with state().database.reading() as connection:
        page = render_template(
            "gatehouse/audit_log/audit_log.html",
            refused=refused,
            **_form(connection, typed, problems),
            seal=_seal(connection, utc_now()),
        )
    return page, 422


def _seal(connection: Connection, now: datetime) -> Seal:
    return describe(find_standing(connection), state().settings, now)


def _page_as_json(page: TrailPage) -> dict[str, Any]:
    searched_to = None if page.searched_to is None else page.searched_to.isoformat()
    events = [event.to_dict() for event in page.events]
    return {"events": events, "next": page.next, "previous": page.previous, "searched_to": searched_to}


def _place_as_json(place: TreePlace | None) -> dict[str, Any] | None:
    return None if place is None else {"epoch": place.epoch, "position": place.position, "hash": place.hash.hex()}
