"""The audit trail: its key, its checkpoints, its verification, and whether anybody looks."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import URL

from ...alerts.overdue import CHECKPOINT_PATIENCE, checkpoint_overdue
from ...audit import AuditEvent
from ...audit.errors import UnusableKeyFile
from ...audit.events import UNDECIDED
from ...audit.history import latest_moments
from ...audit.keys import read_key
from ...audit.note_keys import SigningKey
from ...audit.standing import find_standing
from ...kernel.clock import utc_now
from ...kernel.text import roughly
from .finding import Check, Finding, Item, failed, ok, unknown, warning
from .subject import Subject

# A worker seals each half second; a restart of it may take a little.
_SEALING_PATIENCE = timedelta(minutes=5)
# The worker verifies each hour, and less often where that takes minutes.
_VERIFICATION_PATIENCE = timedelta(days=2)
_READING_PATIENCE = timedelta(days=30)


def audit_key(subject: Subject) -> Finding:
    path = subject.settings.audit_key_file
    if path is None:
        return failed(
            "No key signs the trail: whoever owns the database can rewrite it, and nobody would see it.",
            "Set GATEHOUSE_AUDIT_KEY_FILE, and run: gatehouse audit keygen",
        )
    try:
        key = read_key(path)
    except UnusableKeyFile as error:
        return failed(f"{error}.", "Put the key's file right.")
    if not isinstance(key, SigningKey):
        return failed(f"{path} holds a public key, which signs nothing.", "Name the private key's file.")
    folder = _folder_of(subject.database.engine.url)
    if folder is not None and path.resolve().is_relative_to(folder):
        return warning(
            f"{path} was read, and lies in the same folder as the database: one copy takes both.",
            "Keep the key elsewhere, so that who has the database cannot sign.",
        )
    return ok(f"{path} was read: a private key that its owner alone can read, away from the database.")


def _folder_of(url: URL) -> Path | None:
    """Return where the file of an SQLite database lies, however it is named; None if there is none."""
    named = (url.database or "").removeprefix("file:") if url.get_backend_name() == "sqlite" else ""
    return Path(named).resolve().parent if named and named != ":memory:" else None


def sealing(subject: Subject) -> Finding:
    with subject.database.reading() as connection:
        standing = find_standing(connection)
    since = standing.waiting_since
    if since is not None and utc_now() - since > _SEALING_PATIENCE:
        return failed(
            f"{standing.waiting} events wait to be sealed, the first since {since:%Y-%m-%d %H:%M} UTC.",
            "Start the worker: gatehouse worker",
        )
    return ok(f"{standing.sealed} events are sealed, {standing.waiting} wait.")


def checkpoints(subject: Subject) -> Finding:
    settings, now = subject.settings, utc_now()
    if settings.audit_key_file is None:
        return failed("Nothing is signed without a key.", "Set GATEHOUSE_AUDIT_KEY_FILE.")
    if settings.checkpoint_dir is None and settings.checkpoint_webhook_url is None:
        return failed(
            "Checkpoints go nowhere: they stay in the database that they should vouch for.",
            "Set GATEHOUSE_CHECKPOINT_DIR to a place that the database's owner cannot write to.",
        )
    with subject.database.reading() as connection:
        overdue, signed = checkpoint_overdue(connection, settings, now), find_standing(connection).signed
    if overdue is not None:
        return failed(overdue, "Start the worker, and look whether it can write to GATEHOUSE_CHECKPOINT_DIR.")
    if signed is None:
        return unknown("There is no checkpoint yet.", "Start the worker, or run: gatehouse audit checkpoint")
    left = "has not left the database yet" if signed.left_at is None else f"left it {roughly(now - signed.left_at)} ago"
    return ok(
        f"The newest checkpoint, of {signed.size} events, was made {roughly(now - signed.created_at)} ago and {left};"
        f" nothing older than {CHECKPOINT_PATIENCE.seconds // 60} minutes is in none."
    )


def verification(subject: Subject) -> Finding:
    with subject.database.reading() as connection:
        last = find_standing(connection).verification
    if last is None:
        return unknown("The trail was never verified.", "Start the worker, or run: gatehouse audit verify")
    age = utc_now() - last.occurred_at
    if last.content["reason"] == UNDECIDED:
        return unknown(
            f"The last verification, {roughly(age)} ago, came to no result: not everything could be judged.",
            "Run gatehouse audit verify: it says why.",
        )
    if last.content["event"] != AuditEvent.VERIFIED:
        return failed(
            f"The last verification, {roughly(age)} ago, found that something is wrong.",
            "Run gatehouse audit verify: it says what, and since when.",
        )
    if age > _VERIFICATION_PATIENCE:
        return failed(f"The trail was last verified {roughly(age)} ago.", "Start the worker, which does it each hour.")
    return ok(f"The trail was last verified {roughly(age)} ago, and was intact.")


def monitoring(subject: Subject) -> Finding:
    with subject.database.reading() as connection:
        moments = latest_moments(connection, AuditEvent.SENSITIVE_READ, 1, of_nothing=True)
    age = utc_now() - moments[0] if moments else None
    if age is None or age > _READING_PATIENCE:
        when = "never" if age is None else f"{roughly(age)} ago"
        return warning(f"The audit log was last read {when}.", "Look at it now and then, at /admin/audit-logs.")
    return ok(f"The audit log was last read {roughly(age)} ago.")


CHECKS = (
    Check("audit_key", "A key that nobody else has signs the trail", Item.AUDIT, audit_key),
    Check("sealing", "Events are sealed as they come", Item.AUDIT, sealing),
    Check("checkpoints", "Checkpoints leave the database", Item.AUDIT, checkpoints),
    Check("verification", "The trail was verified, and was intact", Item.AUDIT, verification),
    Check("monitoring", "Somebody reads the audit log", Item.MONITORING, monitoring),
)
