"""The state of the seal in plain words: verified how far, what is not sealed yet, and whether a checkpoint has left."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..audit.events import AuditEvent
from ..audit.reading import RecordedEvent
from ..audit.standing import COUNTED, Standing
from ..settings import Settings
from .language import number, plural, text
from .moments import ago

# The worker seals twice a second and signs each minute: after these, something is not running.
SEALED_WITHIN, LEFT_WITHIN = timedelta(minutes=1), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Seal:
    """What is said of the seal.

    :param level: ``success``, ``info``, ``warning`` or ``danger``.
    :param notes: what is in order, and what an operator should know.
    :param warnings: what is not in order, and what to do about it.
    """

    level: str
    headline: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def describe(standing: Standing, settings: Settings, now: datetime) -> Seal:
    """Return how the trail stands, in the language of the page."""
    headline, failed = _headline(standing)
    warnings = tuple(filter(None, (failed, _waiting_too_long(standing, now), _unsigned(standing, settings, now))))
    notes = tuple(filter(None, (_waiting(standing), _left(standing, settings))))
    is_verified = standing.verification is not None
    level = "danger" if failed else "warning" if warnings else "success" if is_verified else "info"
    return Seal(level, headline, notes, warnings)


def _headline(standing: Standing) -> tuple[str, str | None]:
    """Return the first sentence, and what to do if a verification has failed."""
    said = standing.verification
    if said is None:
        if not standing.sealed:
            return text("Nothing is sealed yet."), None
        sealed = plural("1 event is sealed.", "%(count)s events are sealed.", standing.sealed)
        return f"{sealed} {text('Nobody has verified them yet.')}", None
    when = ago(said.occurred_at)
    if said.content["event"] == AuditEvent.VERIFY_FAILED:
        advice = text(
            "Keep the checkpoints that have left the database, run 'gatehouse audit verify', find out who writes to it."
        )
        return text("The verification failed, %(when)s: the audit log was changed from outside.", when=when), advice
    return text("Verified to event %(number)s, %(when)s.", number=number(_reached(said, standing)), when=when), None


def _reached(said: RecordedEvent, standing: Standing) -> int:
    """Return how many events a verification was of."""
    told = said.content["details"].get("to")
    return told if isinstance(told, int) else standing.sealed


def _waiting(standing: Standing) -> str:
    if not standing.waiting:
        return text("Every event is sealed.") if standing.sealed else ""
    if standing.waiting >= COUNTED:
        return text("%(count)s or more are not sealed yet.", count=number(COUNTED))
    return plural("1 is not sealed yet.", "%(count)s are not sealed yet.", standing.waiting)


def _waiting_too_long(standing: Standing, now: datetime) -> str | None:
    if standing.waiting_since is None or now - standing.waiting_since < SEALED_WITHIN:
        return None
    since = ago(standing.waiting_since)
    return text("An event waits for its seal, since %(when)s: is 'gatehouse worker' running?", when=since)


def _unsigned(standing: Standing, settings: Settings, now: datetime) -> str | None:
    """Return what is wrong with the signatures, without which whoever writes to the database can replace all of it."""
    if settings.audit_key_file is None:
        return text(
            "No key is configured, so that nothing is signed: whoever can write to the database could replace the "
            "whole log. Set GATEHOUSE_AUDIT_KEY_FILE, then run 'gatehouse audit keygen'."
        )
    signed = standing.signed
    if signed is None or signed.epoch < standing.epoch:
        return text("No checkpoint is signed yet: is 'gatehouse worker' running?") if standing.sealed else None
    if signed.left_at is None and now - signed.created_at > LEFT_WITHIN:
        return text(
            "The newest checkpoint has not left the database, since %(when)s: see the worker's log.",
            when=ago(signed.created_at),
        )
    return None


def _left(standing: Standing, settings: Settings) -> str | None:
    signed = standing.signed
    if settings.audit_key_file is None or signed is None or signed.left_at is None or signed.epoch < standing.epoch:
        return None
    values = {"number": number(signed.size), "when": ago(signed.left_at)}
    if settings.checkpoint_dir or settings.alert_webhook_url:
        return text("The newest checkpoint, to event %(number)s, left the database %(when)s.", **values)
    return text("The newest checkpoint, to event %(number)s, went to the worker's log alone, %(when)s.", **values)
