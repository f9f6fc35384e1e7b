"""The state of the seal in plain words: verified how far, what is not sealed yet, and whether a checkpoint has left."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..audit.events import UNDECIDED, AuditEvent
from ..audit.reading import TrailEvent
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
    said = _verification(standing)
    # What is no event where one should say so was put there by somebody.
    failed = said if said is not None and said.content["event"] != AuditEvent.VERIFIED else None
    # Until something is signed, that is what there is to do.
    is_idle = failed is not None and _is_undecided(failed) and not _is_signed(standing)
    advice = None if failed is None or is_idle else _what_to_do(failed)
    warnings = tuple(filter(None, (advice, _waiting_too_long(standing, now), _unsigned(standing, settings, now))))
    notes = tuple(filter(None, (_waiting(standing), _left(standing, settings))))
    level = "warning" if warnings else "info" if said is None or failed is not None else "success"
    if failed is not None and not _is_undecided(failed):
        level = "danger"
    return Seal(level, _headline(said, standing), notes, warnings)


def _verification(standing: Standing) -> TrailEvent | None:
    """Return the last verification, unless it was of another tree, as before a restored backup."""
    said = standing.verification
    return None if said is None or said.content["details"].get("epoch", standing.epoch) != standing.epoch else said


def _is_undecided(said: TrailEvent) -> bool:
    return bool(said.content["reason"] == UNDECIDED)


def _is_signed(standing: Standing) -> bool:
    """Return whether there is a checkpoint of this tree, without which a verification has nothing to go by."""
    return standing.signed is not None and standing.signed.epoch == standing.epoch


def _headline(said: TrailEvent | None, standing: Standing) -> str:
    if not standing.sealed and (said is None or not _reached(said, standing)):
        return text("Nothing is sealed yet.")
    if said is None:
        return plural(
            "1 event is sealed. Nobody has verified it yet.",
            "%(count)s events are sealed. Nobody has verified them yet.",
            standing.sealed,
        )
    when = ago(said.occurred_at)
    if said.content["event"] == AuditEvent.VERIFIED:
        return text("Verified to event %(number)s, %(when)s.", number=number(_reached(said, standing)), when=when)
    if _is_undecided(said) and not _is_signed(standing):
        return text("Not verified yet: no checkpoint is signed that could vouch for the log.")
    if _is_undecided(said):
        return text("A verification came to no result, %(when)s.", when=when)
    return text("The verification failed, %(when)s: the audit log was changed from outside.", when=when)


def _what_to_do(said: TrailEvent) -> str:
    """Return what to do after a verification that did not find everything in order."""
    if _is_undecided(said):
        return text("Not everything could be judged: 'gatehouse audit verify' says why.")
    advice = text(
        "Keep the checkpoints that have left the database, run 'gatehouse audit verify', find out who writes to it."
    )
    found = said.content["details"].get("finding")
    if not isinstance(found, dict) or not all(isinstance(found.get(name), int) for name in ("first", "epoch")):
        return advice
    place = text(
        "The first bad place is %(first)s of epoch %(epoch)s (%(kind)s).",
        first=number(found["first"]),
        epoch=found["epoch"],
        kind=found.get("kind"),
    )
    return f"{place} {advice}"


def _reached(said: TrailEvent, standing: Standing) -> int:
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
        if not standing.sealed:
            return None
        return text("No checkpoint is signed yet. 'gatehouse worker' signs one within a minute: is it running?")
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
    if settings.checkpoint_dir or settings.checkpoint_webhook_url:
        return text("The newest checkpoint, to event %(number)s, left the database %(when)s.", **values)
    return text("The newest checkpoint, to event %(number)s, went to the worker's log alone, %(when)s.", **values)
