"""Letters by SMTP: encrypted on the way, and either taken by the server or not."""

import smtplib
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from ..kernel.errors import DependencyUnavailable
from ..kernel.text import plain
from ..settings import Settings
from ..settings.mail import MailServer, parse_address
from .deadline import within_deadline
from .errors import LetterRefused

_TIMEOUT_S = 10.0
_LONGEST_SUBJECT = 200
# RFC 5321 section 4.2.1: the same letter gets the same answer another time.
_FOR_GOOD = 500


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

        :raises DependencyUnavailable: if the server does not take it now; whether it is delivered nobody knows here.
        :raises LetterRefused: if it will never take it.
        """
        message = self._composed(letter)
        within_deadline(lambda: self._hand_in(message), "the mail server")

    def _hand_in(self, message: EmailMessage) -> None:
        try:
            with self.connected() as connection:
                connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            if min(codes) >= _FOR_GOOD:
                raise LetterRefused(f"the mail server says {min(codes)} to the address") from error
            raise DependencyUnavailable(f"the mail server (it says {min(codes)})", 60) from error
        except smtplib.SMTPDataError as error:
            if error.smtp_code >= _FOR_GOOD:
                raise LetterRefused(f"the mail server says {error.smtp_code} to the letter") from error
            raise DependencyUnavailable(f"the mail server (it says {error.smtp_code})", 60) from error
        except (OSError, smtplib.SMTPException) as error:
            # What a server says may repeat what it was told; its name of the failure is enough.
            raise DependencyUnavailable(f"the mail server ({type(error).__name__})", 60) from error

    def _composed(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        # One line: with a line break in it, whoever chose a name would write headers and recipients of her own.
        message["From"], message["Subject"] = self.sender, plain(letter.subject, _LONGEST_SUBJECT)
        try:
            local, _, domain = parse_address(letter.to).rpartition("@")
            message["To"] = Address(username=local, domain=domain)
        except (ValueError, MessageError) as error:
            # A provider may say what it likes: what is no single address gets no letter, and stops none.
            raise LetterRefused("it has no usable address") from error
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self.server.host)
        # RFC 3834: no holiday answers to a machine.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        return message

    def connected(self) -> smtplib.SMTP:
        """Greet the server: encrypted, and with the account, as it is configured.

        :raises OSError: if it does not answer, or nobody vouches for its certificate.
        :raises smtplib.SMTPException: if it refuses any of that.
        """
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


def mailer_of(settings: Settings) -> Mailer | None:
    """Return who sends letters, or None where no mail server is configured."""
    if settings.mail_server is None or settings.mail_from is None:
        return None
    return Mailer(settings.mail_server, settings.mail_from)
