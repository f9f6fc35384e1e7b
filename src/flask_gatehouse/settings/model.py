"""What an operator can decide, and how it is read."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from ..kernel.text import Secret, duration
from .addresses import base_url, database_url, redis_url
from .errors import ConfigurationError
from .keys import public_keys, signing_key
from .mail import MailServer, parse_address, parse_mail_server, parse_sender
from .names import is_ours, unknown_names
from .providers import ProviderSettings, github_address, read_providers
from .rates import Rate
from .values import Values, webhook_address

ROLES = ("admin", "editor", "viewer")
SHORTEST_RETENTION = timedelta(days=1)


class Environment(StrEnum):
    PRODUCTION = "production"
    DEVELOPMENT = "development"


class SignUp(StrEnum):
    """Who may become a user by signing in."""

    OPEN = "open"
    DOMAINS = "domains"
    INVITED = "invited"


class WebhookFormat(StrEnum):
    """What is posted to the webhook."""

    JSON = "json"
    SLACK = "slack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an operator can decide. Times are ``timedelta``; paths and database paths are absolute."""

    env: Environment
    secret_key: Secret
    secret_key_fallbacks: tuple[Secret, ...]
    database_url: Secret
    redis_url: Secret | None
    base_url: str
    port: int
    root: str
    url_prefix: str
    providers: tuple[ProviderSettings, ...]
    github_api_url: str
    signup: SignUp
    allowed_domains: frozenset[str]
    default_role: str
    user_list_role: str
    idle_timeout: timedelta
    session_lifetime: timedelta
    admin_idle_timeout: timedelta
    admin_session_lifetime: timedelta
    confirm_max_age: timedelta
    dormant_after: timedelta
    review_interval: timedelta
    rate_limit: Rate
    rate_limit_sign_in: Rate
    refusal_limit: Rate
    trusted_proxies: int
    mail_server: MailServer | None
    mail_from: str | None
    alert_email: str | None
    alert_webhook_url: Secret | None
    alert_webhook_secret: Secret | None
    alert_webhook_format: WebhookFormat
    audit_key_file: Path | None
    audit_public_keys: tuple[str, ...]
    checkpoint_dir: Path | None
    audit_retention: timedelta | None
    audit_archive_dir: Path | None
    backup_key_file: Path | None
    erasure_ledger: Path
    session_retention: timedelta
    refusal_retention: timedelta
    invitation_retention: timedelta
    metrics_token: Secret | None
    app_name: str
    terms_url: str | None
    privacy_url: str | None
    support_email: str | None

    @property
    def development(self) -> bool:
        return self.env is Environment.DEVELOPMENT

    @property
    def checkpoint_webhook_url(self) -> Secret | None:
        """Return where checkpoints are posted to; None if nowhere.

        A chat is no witness, and a note each minute would drown what somebody should read there.
        """
        return self.alert_webhook_url if self.alert_webhook_format is WebhookFormat.JSON else None

    def external_url(self, path: str) -> str:
        """Return the absolute address of a route of ours, built from the base URL, never from a ``Host`` header."""
        return f"{self.base_url}{self.root}{self.url_prefix}{path}"

    def provider(self, name: str) -> ProviderSettings | None:
        return next((provider for provider in self.providers if provider.name == name), None)

    @classmethod
    def load(
        cls,
        config: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        root: str = "",
        url_prefix: str = "",
        directory: Path | None = None,
    ) -> "Settings":
        """Read and check everything.

        :param config: the application's configuration, which wins over the environment; None values are skipped.
        :param environ: the process's environment, ``os.environ`` unless told otherwise.
        :param root: the path at which a server has mounted the whole application, Flask's ``APPLICATION_ROOT``.
        :param url_prefix: where our routes are mounted, such as ``/gate``; empty for the standalone application.
        :param directory: what relative paths and ``.env`` start from; the working directory unless told otherwise.
        :raises ConfigurationError: with one sentence for each mistake.
        """
        here = (directory or Path.cwd()).absolute()
        written = {name: text for name, text in dotenv_values(here / ".env").items() if text is not None}
        written |= os.environ if environ is None else environ
        # A value out of a file ends with its last line: a client secret with a line break is refused by the provider.
        values = {name: text.strip() for name, text in written.items()}
        values |= {
            name: _as_text(value) for name, value in (config or {}).items() if value is not None and is_ours(name)
        }
        found = Values({name: text for name, text in values.items() if text.strip() != ""}, here)
        settings = _read(found, root, url_prefix)
        if found.problems:
            raise ConfigurationError(found.problems, production=not settings.development)
        return settings


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(_as_text(item) for item in value)
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())}s"
    # Of bytes, what looks like white space may be a part of a key.
    return str(value).strip()


def _read(values: Values, root: str, url_prefix: str) -> Settings:
    values.problems.extend(unknown_names(values.texts))
    env = values.choice("GATEHOUSE_ENV", Environment)
    development = env is Environment.DEVELOPMENT
    github = github_address(values, "GITHUB_URL", development=development)
    _refuse_halves(values)
    idle, admin_idle = _for_administrators(values, "GATEHOUSE_IDLE_TIMEOUT", "GATEHOUSE_ADMIN_IDLE_TIMEOUT")
    lifetime, admin_lifetime = _for_administrators(
        values, "GATEHOUSE_SESSION_LIFETIME", "GATEHOUSE_ADMIN_SESSION_LIFETIME"
    )
    return Settings(
        env=env,
        secret_key=Secret(signing_key(values, development=development)),
        secret_key_fallbacks=tuple(Secret(item) for item in values.list("SECRET_KEY_FALLBACKS")),
        database_url=database_url(values),
        redis_url=redis_url(values),
        base_url=base_url(values, development=development),
        port=values.port("PORT"),
        root=root.rstrip("/"),
        url_prefix=url_prefix.rstrip("/"),
        providers=tuple(read_providers(values, github, development=development)),
        github_api_url=github_address(values, "GITHUB_API_URL", development=development),
        signup=_signup(values),
        allowed_domains=values.domains("GATEHOUSE_ALLOWED_DOMAINS"),
        default_role=values.one_of("GATEHOUSE_DEFAULT_ROLE", ROLES),
        user_list_role=values.one_of("GATEHOUSE_USER_LIST_ROLE", ROLES),
        idle_timeout=idle,
        session_lifetime=lifetime,
        admin_idle_timeout=admin_idle,
        admin_session_lifetime=admin_lifetime,
        confirm_max_age=values.time("GATEHOUSE_CONFIRM_MAX_AGE"),
        dormant_after=values.time("GATEHOUSE_DORMANT_AFTER"),
        review_interval=values.time("GATEHOUSE_REVIEW_INTERVAL"),
        rate_limit=values.rate("GATEHOUSE_RATE_LIMIT"),
        rate_limit_sign_in=values.rate("GATEHOUSE_RATE_LIMIT_SIGN_IN"),
        refusal_limit=values.rate("GATEHOUSE_REFUSAL_LIMIT"),
        trusted_proxies=values.count("GATEHOUSE_TRUSTED_PROXIES"),
        mail_server=values.parse("GATEHOUSE_SMTP_URL", parse_mail_server, None),
        mail_from=values.parse("GATEHOUSE_MAIL_FROM", parse_sender, None),
        alert_email=values.parse("GATEHOUSE_ALERT_EMAIL", parse_address, None),
        alert_webhook_url=values.parse("GATEHOUSE_ALERT_WEBHOOK_URL", webhook_address, None),
        alert_webhook_secret=values.secret("GATEHOUSE_ALERT_WEBHOOK_SECRET"),
        alert_webhook_format=values.choice("GATEHOUSE_ALERT_WEBHOOK_FORMAT", WebhookFormat),
        audit_key_file=values.path("GATEHOUSE_AUDIT_KEY_FILE"),
        audit_public_keys=values.parse("GATEHOUSE_AUDIT_PUBLIC_KEYS", public_keys, ()),
        checkpoint_dir=values.path("GATEHOUSE_CHECKPOINT_DIR"),
        audit_retention=values.parse("GATEHOUSE_AUDIT_RETENTION", _retention, None),
        audit_archive_dir=values.path("GATEHOUSE_AUDIT_ARCHIVE_DIR"),
        backup_key_file=values.path("GATEHOUSE_BACKUP_KEY_FILE"),
        erasure_ledger=values.here / values.written("GATEHOUSE_ERASURE_LEDGER"),
        session_retention=values.time("GATEHOUSE_SESSION_RETENTION"),
        refusal_retention=values.time("GATEHOUSE_REFUSAL_RETENTION"),
        invitation_retention=values.time("GATEHOUSE_INVITATION_RETENTION"),
        metrics_token=values.secret("GATEHOUSE_METRICS_TOKEN"),
        app_name=values.written("GATEHOUSE_APP_NAME"),
        terms_url=values.link("GATEHOUSE_TERMS_URL"),
        privacy_url=values.link("GATEHOUSE_PRIVACY_URL"),
        support_email=values.parse("GATEHOUSE_SUPPORT_EMAIL", parse_address, None),
    )


def _refuse_halves(values: Values) -> None:
    """Note where one setting is there and another one is missing that it needs."""
    values.needs("GATEHOUSE_ALERT_WEBHOOK_URL", "GATEHOUSE_ALERT_WEBHOOK_SECRET")
    values.needs("GATEHOUSE_SMTP_URL", "GATEHOUSE_MAIL_FROM")
    values.needs("GATEHOUSE_ALERT_EMAIL", "GATEHOUSE_SMTP_URL")
    # What leaves the trail has to stay somewhere: nobody can tell a loss from a deletion afterwards.
    values.needs("GATEHOUSE_AUDIT_RETENTION", "GATEHOUSE_AUDIT_ARCHIVE_DIR")


def _for_administrators(values: Values, name: str, admin_name: str) -> tuple[timedelta, timedelta]:
    """Return a limit and that of administrators, whose sessions are worth more to a thief and never last longer."""
    limit = values.time(name)
    admin_limit = values.parse(admin_name, duration, limit)
    if admin_limit > limit:
        values.problems.append(f"{admin_name} must not be longer than {name}, which holds for everybody.")
    return limit, admin_limit


def _signup(values: Values) -> SignUp:
    policy = values.choice("GATEHOUSE_SIGNUP", SignUp)
    if policy is SignUp.DOMAINS and not values.list("GATEHOUSE_ALLOWED_DOMAINS"):
        values.problems.append(
            "GATEHOUSE_ALLOWED_DOMAINS is missing: GATEHOUSE_SIGNUP=domains admits nobody without it."
        )
    return policy


def _retention(text: str) -> timedelta | None:
    length = duration(text)
    if length < SHORTEST_RETENTION:
        raise ValueError("must be at least 1d")
    return length
