"""Every event of the trail: what it is called on the page, who records it, what it says, and what it is in OCSF."""

from collections.abc import Iterator

from flask_gatehouse.audit import AuditEvent
from flask_gatehouse.audit.events import outcome_of
from flask_gatehouse.audit.exporting.ocsf_classes import CLASS_NAMES, kind_of
from flask_gatehouse.web.audit_names import EVENTS

from .event_facts import FACTS
from .markdown import code, codes, table
from .recorded import ANYWHERE, BY_COMMANDS, BY_ROUTES


def text() -> str:
    parts = []
    for group, names in EVENTS.items():
        parts.append(f"## {group}")
        parts += [_described(event, name) for event, name in names.items()]
    return "\n\n".join(parts) + "\n"


def link(event: AuditEvent) -> str:
    """Return a link to an event, for another page of the reference."""
    return f"[{code(event.value)}](audit-events.md#{event.value})"


def _described(event: AuditEvent, name: str) -> str:
    said, kind = FACTS[event], kind_of(event)
    lines = [f"### `{event.value}`", f"On the page: “{name}”. Outcome: {outcome_of(event)}."]
    about = [f"Target: {said.target}." if said.target else "", f"Reason: {said.reason}." if said.reason else ""]
    lines.append(" ".join(part for part in about if part))
    rows = [
        (code(f"{column}.{field}"), meaning, "with a person's erasure" if column == "personal" else "")
        for column, fields in (("change", said.change), ("details", said.details), ("personal", said.personal))
        for field, meaning in fields.items()
    ]
    lines.append(table(("field", "says", "goes"), rows) if rows else "")
    lines.append(f"Recorded by {', '.join(_recorded_by(event))}.")
    ocsf = f"{CLASS_NAMES[kind.class_uid]} ({kind.class_uid}), {kind.activity_name}"
    lines.append(f"In OCSF: {ocsf}; severity {kind.severity.name.lower()}.")
    return "\n\n".join(line for line in lines if line)


def _recorded_by(event: AuditEvent) -> Iterator[str]:
    if event in ANYWHERE:
        yield "any route"
    yield from (code(f"{method} {rule}") for (rule, method), events in BY_ROUTES.items() if event in events)
    commands = [command for command, events in BY_COMMANDS.items() if event in events]
    if commands:
        yield codes(commands)
