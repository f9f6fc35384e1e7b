"""The letter to somebody who was invited."""

from html import escape

from ..accounts.errors import UserNotFound
from ..accounts.service import find_invitation, get_user
from ..accounts.views import InvitationView
from ..audit import AuditEvent
from ..audit.following import SealedEvent
from ..db.database import Database
from ..settings import Settings
from .delivery import Delivery
from .mail import Letter, Mailer

# Such a name goes into a subject and a sentence of somebody else's letter.
_LONGEST_NAME = 80


def invitation_mail(database: Database, settings: Settings) -> Delivery | None:
    """Return what sends a letter for each invitation, or None where no mail server is configured."""
    if settings.mail_server is None or settings.mail_from is None:
        return None
    mailer = Mailer(settings.mail_server, settings.mail_from)

    def deliver(event: SealedEvent) -> None:
        with database.reading() as connection:
            invitation = find_invitation(connection, int(event.body["target"]["id"]))
            # Withdrawn, used or expired since: nobody is told of it any more.
            if invitation is None:
                return
            try:
                inviter = get_user(connection, invitation.invited_by).name if invitation.invited_by else None
            except UserNotFound:
                inviter = None
        mailer.send(invitation_letter(settings, invitation, inviter))

    return Delivery(database, "invitations", {AuditEvent.INVITE_CREATED}, deliver)


def invitation_letter(settings: Settings, invitation: InvitationView, inviter: str | None) -> Letter:
    """Return what an invited person reads. The link is no secret: it is her address that lets her in."""
    name, link = settings.app_name, settings.external_url("/auth/login")
    who = (inviter or "").strip()[:_LONGEST_NAME]
    opening = f"{who} invites you to {name}." if who else f"You are invited to {name}."
    how = f"Sign in with an account whose address is {invitation.email}; nothing else is needed."
    until = f"The invitation holds until {invitation.expires_at:%d %B %Y}." if invitation.expires_at else ""
    ending = "If you do not expect this, ignore it: nothing happens without you."
    paragraphs = [part for part in (opening, how, until) if part]
    text = "\n\n".join([*paragraphs, link, ending]) + "\n"
    html = "".join(f"<p>{escape(part)}</p>" for part in paragraphs)
    html += f'<p><a href="{escape(link)}">Sign in to {escape(name)}</a></p><p>{escape(ending)}</p>'
    page = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(opening)}</title></head>'
    return Letter(invitation.email, f"Your invitation to {name}", text, f"{page}<body>{html}</body></html>\n")
