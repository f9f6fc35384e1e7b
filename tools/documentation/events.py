"""Every event of the audit trail: what it is called on the page, how it ends, and what it is in OCSF."""

from flask_gatehouse.audit.events import outcome_of
from flask_gatehouse.audit.exporting.ocsf_classes import CLASS_NAMES, kind_of
from flask_gatehouse.web.audit_names import EVENTS, OUTCOMES

from .markdown import code, table


def text() -> str:
    parts = []
    for group, names in EVENTS.items():
        rows = []
        for event, name in names.items():
            kind = kind_of(event)
            ocsf = f"{CLASS_NAMES[kind.class_uid]} ({kind.class_uid}), {kind.activity_name}"
            rows.append((code(event.value), name, OUTCOMES[outcome_of(event)], ocsf, kind.severity.name.capitalize()))
        header = ("event", "on the page", "outcome", "in OCSF", "severity")
        parts.append(f"## {group}\n\n" + table(header, rows))
    return "\n".join(parts)
