"""Every setting there is: its name, what it takes, what it is without being set, and what it decides.

``names`` knows the names from here, ``values`` the defaults, and docs/reference/settings.md is made of the rest.
"""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What may be written, in words."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - the kind of a setting, and no value
    ADDRESS = "address"
    MAILBOX = "mailbox"
    PATH = "path"
    LIST = "list"
    TIME = "time"
    LIMIT = "limit"
    NUMBER = "number"
    ROLE = "`admin`, `editor` or `viewer`"


class Setting(NamedTuple):
    """One setting.

    :param kind: a :class:`Kind`, or the words that it takes.
    :param default: what somebody would write to get the same; None where there is none.
    :param otherwise: what holds without it, where that is no fixed value.
    """

    name: str
    kind: str
    default: str | None
    about: str
    otherwise: str = ""


# ``<NAME>`` stands for a provider's name, in upper case; in lower case it is the last part of its routes.
GROUPS: dict[str, tuple[Setting, ...]] = {
    "The application": (
        Setting("GATEHOUSE_ENV", "`production` or `development`", "production",
                "Development allows plain http on this machine, http issuers on loopback, and the embedded provider."),
        Setting("GATEHOUSE_BASE_URL", Kind.ADDRESS, None,
                "What people type, as scheme and host alone. Every absolute link and redirect URI is made of it; "
                "production insists on https.",
                "`http://localhost:$PORT` in development; production asks for one"),
        Setting("PORT", Kind.NUMBER, "5000", "Where `gatehouse run` listens."),
        Setting("SECRET_KEY", Kind.SECRET, None,
                "Signs what browsers and letters carry for a while. Production refuses one that stands in an example, "
                "has less than 32 characters, or less than 8 different ones.",
                "made once in `instance/` in development; production asks for one"),
        Setting("SECRET_KEY_FALLBACKS", Kind.LIST, None,
                "Former keys that are still believed, while keys are rotated; each as good as `SECRET_KEY`."),
        Setting("DATABASE_URL", Kind.ADDRESS, "sqlite:///instance/gatehouse.db",
                "`sqlite:///` with a path, or `postgresql://`. A host that gives its own database with "
                "`Gatehouse(app, db=…)` needs none."),
        Setting("REDIS_URL", Kind.ADDRESS, None,
                "`redis://`, `rediss://` or `unix://`. All nodes count requests there together.",
                "each process counts by itself"),
        Setting("GATEHOUSE_TRUSTED_PROXIES", Kind.NUMBER, "0",
                "How many proxies in a row, counted from here, are believed in what they say with `X-Forwarded-…`."),
        Setting("GATEHOUSE_METRICS_TOKEN", Kind.SECRET, None,
                "Opens `/metrics` to whoever sends it.",
                "`/metrics` is closed; in development it is open to this machine"),
    ),
    "Sign-in": (
        Setting("GOOGLE_CLIENT_ID", Kind.TEXT, None, "Of your OAuth client at Google."),
        Setting("GOOGLE_CLIENT_SECRET", Kind.SECRET, None, "Of that client."),
        Setting("GITHUB_CLIENT_ID", Kind.TEXT, None, "Of your OAuth app at GitHub."),
        Setting("GITHUB_CLIENT_SECRET", Kind.SECRET, None, "Of that app."),
        Setting("GITHUB_URL", Kind.ADDRESS, "https://github.com", "Where GitHub Enterprise Server is."),
        Setting("GITHUB_API_URL", Kind.ADDRESS, "https://api.github.com", "Where its API is."),
        Setting("GATEHOUSE_OIDC_<NAME>_ISSUER", Kind.ADDRESS, None,
                "Any other OpenID Connect provider: its issuer, exactly as it writes it."),
        Setting("GATEHOUSE_OIDC_<NAME>_CLIENT_ID", Kind.TEXT, None, "Of your client there."),
        Setting("GATEHOUSE_OIDC_<NAME>_CLIENT_SECRET", Kind.SECRET, None, "Of that client."),
        Setting("GATEHOUSE_OIDC_<NAME>_LABEL", Kind.TEXT, None, "What stands on its button.", "its name"),
        Setting("GATEHOUSE_OIDC_<NAME>_SCOPE", Kind.TEXT, "openid email profile",
                "What it is asked for; `openid` must be among it."),
        Setting("GATEHOUSE_OIDC_<NAME>_EMAIL_DOMAINS", Kind.LIST, None,
                "Domains about whose addresses it is believed; `*` stands for all of them.",
                "its addresses are shown, and neither invite nor join anybody"),
    ),
    "Who comes in": (
        Setting("GATEHOUSE_SIGNUP", "`open`, `domains` or `invited`", "open",
                "Who becomes a user by signing in: everybody, people of `GATEHOUSE_ALLOWED_DOMAINS`, or nobody "
                "without an invitation."),
        Setting("GATEHOUSE_ALLOWED_DOMAINS", Kind.LIST, None,
                "For `domains`: those of Google's organisations, or of addresses about which the provider is "
                "believed."),
        Setting("GATEHOUSE_DEFAULT_ROLE", Kind.ROLE, "viewer",
                "The role of a new user who was not invited with another."),
        Setting("GATEHOUSE_USER_LIST_ROLE", Kind.ROLE, "viewer", "The role that sees the list of users."),
        Setting("GATEHOUSE_DORMANT_AFTER", Kind.TIME, "90d",
                "How long somebody was not here to be asked about in the access review."),
        Setting("GATEHOUSE_REVIEW_INTERVAL", Kind.TIME, "90d", "How often access is to be reviewed."),
    ),
    "Sessions": (
        Setting("GATEHOUSE_IDLE_TIMEOUT", Kind.TIME, "30m", "A session ends when nothing has been done for that long."),
        Setting("GATEHOUSE_SESSION_LIFETIME", Kind.TIME, "24h", "A session ends after that, whatever was done."),
        Setting("GATEHOUSE_ADMIN_IDLE_TIMEOUT", Kind.TIME, None,
                "The same for administrators; never longer.",
                "`GATEHOUSE_IDLE_TIMEOUT`"),
        Setting("GATEHOUSE_ADMIN_SESSION_LIFETIME", Kind.TIME, None,
                "The same for administrators; never longer.",
                "`GATEHOUSE_SESSION_LIFETIME`"),
        Setting("GATEHOUSE_CONFIRM_MAX_AGE", Kind.TIME, "10m",
                "How old the proof of who is there may be for a sensitive action."),
    ),
    "Limits": (
        Setting("GATEHOUSE_RATE_LIMIT", Kind.LIMIT, "600 per minute",
                "Requests of one person; of one address while nobody is signed in."),
        Setting("GATEHOUSE_RATE_LIMIT_SIGN_IN", Kind.LIMIT, "20 per minute",
                "Each step of a sign-in, a confirmation or a link to another account: of one person who is signed in, "
                "of one address otherwise."),
        Setting("GATEHOUSE_REFUSAL_LIMIT", Kind.LIMIT, "20 per 10 minutes",
                "Refused sign-ins of one account, and of one network, before the next one has to wait."),
    ),
    "Mail and alerts": (
        Setting("GATEHOUSE_SMTP_URL", Kind.ADDRESS, None,
                "`smtps://user:password@host:465`, or `smtp://…:587` for STARTTLS. Needs `GATEHOUSE_MAIL_FROM`.",
                "no letters are sent"),
        Setting("GATEHOUSE_MAIL_FROM", Kind.MAILBOX, None,
                "Who letters come from; with a name, if you like: `Gate <gate@example.com>`."),
        Setting("GATEHOUSE_ALERT_EMAIL", Kind.MAILBOX, None, "Who is told of alerts by mail."),
        Setting("GATEHOUSE_ALERT_WEBHOOK_URL", Kind.ADDRESS, None,
                "Where alerts and checkpoints are posted. Needs the secret."),
        Setting("GATEHOUSE_ALERT_WEBHOOK_SECRET", Kind.SECRET, None, "Signs what is posted, with HMAC-SHA256."),
        Setting("GATEHOUSE_ALERT_WEBHOOK_FORMAT", "`json` or `slack`", "json",
                "What is posted: everything, or a line for a chat."),
    ),
    "The audit trail": (
        Setting("GATEHOUSE_AUDIT_KEY_FILE", Kind.PATH, None,
                "The Ed25519 key that signs checkpoints; `gatehouse audit keygen` makes it.",
                "the trail is sealed, and nothing signs it"),
        Setting("GATEHOUSE_AUDIT_PUBLIC_KEYS", Kind.LIST, None,
                "Former public keys, as `gatehouse audit public-key` prints them, whose checkpoints are believed too."),
        Setting("GATEHOUSE_CHECKPOINT_DIR", Kind.PATH, None,
                "The folder into which signed checkpoints go, and nothing else."),
        Setting("GATEHOUSE_AUDIT_RETENTION", Kind.TIME, None,
                "How long events stay, at least `1d`. Needs the folder for archives.",
                "for good"),
        Setting("GATEHOUSE_AUDIT_ARCHIVE_DIR", Kind.PATH, None, "The folder into which events go that leave."),
    ),
    "Personal data and backups": (
        Setting("GATEHOUSE_ERASURE_LEDGER", Kind.PATH, "instance/erasures.ledger",
                "The file that says who was erased, so that no restore brings anybody back. Keep it apart from "
                "backups."),
        Setting("GATEHOUSE_SESSION_RETENTION", Kind.TIME, "30d", "How long a session that has ended stays listed."),
        Setting("GATEHOUSE_REFUSAL_RETENTION", Kind.TIME, "90d",
                "How long the trail keeps networks and browsers of people whom nobody knows."),
        Setting("GATEHOUSE_INVITATION_RETENTION", Kind.TIME, "30d",
                "How long the trail keeps addresses of invitations and requests that came to nothing."),
        Setting("GATEHOUSE_BACKUP_KEY_FILE", Kind.PATH, None,
                "The key with which backups are encrypted.",
                "backups are not encrypted"),
    ),
    "What pages say": (
        Setting("GATEHOUSE_APP_NAME", Kind.TEXT, "Gatehouse", "What the application is called."),
        Setting("GATEHOUSE_TERMS_URL", Kind.ADDRESS, None, "Your terms, https or a path on this site."),
        Setting("GATEHOUSE_PRIVACY_URL", Kind.ADDRESS, None, "Your privacy notice, the same."),
        Setting("GATEHOUSE_SUPPORT_EMAIL", Kind.MAILBOX, None, "Whom people write to."),
    ),
}  # fmt: skip
SETTINGS: dict[str, Setting] = {setting.name: setting for group in GROUPS.values() for setting in group}
