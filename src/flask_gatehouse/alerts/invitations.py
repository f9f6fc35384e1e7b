"""The letter to somebody who was invited."""

from ..accounts.errors import UserNotFound
from ..accounts.service import find_invitation, get_user
from ..accounts.views import InvitationView
from ..audit import AuditEvent
from ..audit.following import SealedEvent, target_number
from ..db.database import Database
from ..settings import Settings
from .delivery import Delivery
from .letters import Write
from .mail import Letter, mailer_of

# Such a name goes into a sentence of somebody else's letter.
_LONGEST_NAME = 80


def invitation_mail(database: Database, settings: Settings, write: Write) -> Delivery | None:
    """Return what sends a letter for each invitation, or None where no mail server is configured."""
    mailer = mailer_of(settings)
    if mailer is None:
        return None

    def deliver(event: SealedEvent) -> None:
        number = target_number(event, "invitation")
        with database.reading() as connection:
            invitation = None if number is None else find_invitation(connection, number)
            # Withdrawn, used or expired since: nobody is told of it any more.
            if invitation is None:
                return
            try:
                inviter = get_user(connection, invitation.invited_by).name if invitation.invited_by else None
            except UserNotFound:
                inviter = None
        mailer.send(invitation_letter(settings, write, invitation, inviter))

    return Delivery(database, "invitations", {AuditEvent.INVITE_CREATED}, deliver)


def invitation_letter(settings: Settings, write: Write, invitation: InvitationView, inviter: str | None) -> Letter:
    """Return what an invited person reads. The link is no secret: it is her address that lets her in."""
    facts = {
        "address": invitation.email,
        "inviter": (inviter or "").strip()[:_LONGEST_NAME],
        "until": invitation.expires_at,
        "url": settings.external_url("/auth/login"),
    }
    # Nobody knows yet which language she reads.
    return write("invitation", "en", invitation.email, facts)
