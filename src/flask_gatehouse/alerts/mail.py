"""Letters by SMTP: encrypted on the way, and either taken by the server or not."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from ..kernel.errors import DependencyUnavailable
from ..settings.mail import MailServer

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody is sent, in both forms.

    :param to: one address, which has been checked.
    :param html: the same as ``text``, for programs that show it.
    """

    to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Mailer:
    """Sends letters.

    :param sender: address, or name and address, that they come from.
    """

    server: MailServer
    sender: str

    def send(self, letter: Letter) -> None:
        """Hand a letter to the server.

        :raises DependencyUnavailable: if the server does not take it; whether it is delivered nobody knows here.
        """
        message = self._composed(letter)
        try:
            with self._connected() as connection:
                connection.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            # What a server says may repeat what it was told; its name of the failure is enough.
            raise DependencyUnavailable(f"the mail server ({type(error).__name__})", 60) from error

    def _composed(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, letter.to, letter.subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self.server.host)
        # RFC 3834: no holiday answers to a machine.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        return message

    def _connected(self) -> smtplib.SMTP:
        server, context = self.server, ssl.create_default_context()
        if server.implicit_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
            if not server.plain:
                connection.starttls(context=context)
        if server.user is not None:
            connection.login(server.user, "" if server.password is None else server.password.reveal())
        return connection
