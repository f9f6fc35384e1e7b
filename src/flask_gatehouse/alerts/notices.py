"""Letters to the person whom an event concerns, from the trail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..accounts.service import find_correspondent
from ..audit import AuditEvent
from ..audit.following import SealedEvent, target_number
from ..db.database import Database
from ..settings import Settings
from .delivery import Delivery
from .letters import Write
from .mail import Letter, mailer_of
from .not_me import NotMe, NotMeSigner, release_command
from .rules import always, from_a_new_device


@dataclass(frozen=True, slots=True)
class Notice:
    """A letter about an event.

    :param template: its name in ``gatehouse/mail/``.
    :param applies: whether she is told of this very event.
    """

    template: str
    applies: Callable[[SealedEvent], bool] = always


def _by_somebody(event: SealedEvent) -> bool:
    """Leave out what an invitation does while she signs in herself, with nobody else there."""
    return bool(event.body["actor"]["kind"] != "anonymous")


def _of_another_address(event: SealedEvent) -> bool:
    return "email.before" in event.personal


NOTICES: Mapping[str, Notice] = {
    AuditEvent.LOGIN_SUCCESS: Notice("new_device", from_a_new_device),
    AuditEvent.AUTHZ_CHANGE: Notice("role_changed", _by_somebody),
    AuditEvent.USER_UPDATED: Notice("address_changed", _of_another_address),
    AuditEvent.IDENTITY_LINKED: Notice("identity_linked"),
    AuditEvent.IDENTITY_UNLINKED: Notice("identity_unlinked"),
}


def notice_mail(database: Database, settings: Settings, write: Write) -> Delivery | None:
    """Return what writes to people about what concerns them, or None where no mail server is configured."""
    mailer = mailer_of(settings)
    if mailer is None:
        return None

    def deliver(event: SealedEvent) -> None:
        written = notice_letter(database, settings, write, event)
        if written is not None:
            mailer.send(written)

    return Delivery(database, "notices", NOTICES, deliver)


def notice_letter(database: Database, settings: Settings, write: Write, event: SealedEvent) -> Letter | None:
    """Return what the person reads whom an event concerns; None if she is not told, or has no address."""
    notice, number = NOTICES[event.event], target_number(event, "user")
    if number is None or not notice.applies(event):
        return None
    with database.reading() as connection:
        person = find_correspondent(connection, number)
    if person is None or person.email is None:
        return None
    # Of another address the former one is told: whoever has taken the account over reads what goes to the new one.
    address = event.personal.get("email.before") or person.email
    link = NotMeSigner.of(settings).seal(NotMe(person.id, person.generation, event.event))
    facts = {
        **_facts(settings, event),
        "name": person.name,
        "not_me_url": settings.external_url(f"/auth/not-me/{link}"),
        "release": release_command(person),
    }
    return write(notice.template, person.language or "en", address, facts)


def _facts(settings: Settings, event: SealedEvent) -> dict[str, object]:
    body = event.body
    provider = settings.provider(str(body["details"].get("provider")))
    before, after = body["change"].get("role", (None, None))
    return {
        "at": event.occurred_at,
        "user_agent": event.personal.get("user_agent"),
        "ip": event.personal.get("ip"),
        "provider": provider.label if provider else body["details"].get("provider"),
        "by_herself": body["actor"]["id"] is not None and str(body["actor"]["id"]) == str(body["target"]["id"]),
        "role_before": before,
        "role_after": after,
        "account_url": settings.external_url("/account"),
        "support_email": settings.support_email,
    }
