"""One frozen ``Settings``: the only place that reads configuration and environment.

``Settings.load`` looks at the application's own configuration first, then at the environment, then at
``.env`` in the working directory. It reports every mistake at once, and no message holds a secret.
"""

import difflib
import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values

from .kernel.errors import GatehouseError
from .kernel.text import Secret, duration, words

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

GOOGLE_ISSUER = "https://accounts.google.com"
SMALLEST_KEY = 32
# Keys that stand in tutorials, templates and other people's defaults: whoever knows one signs what she likes.
KNOWN_KEYS = frozenset(
    {
        "your-secret-key-here-use-secrets-token-urlsafe-32",
        "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET",
        "CHANGE_ME_SECRET_KEY",
        "thisISaSECRET_1234",
        "TEST_NON_DEV_SECRET",
        "\x02\x01thisismyscretkey\x01\x02\\e\\y\\y\\h",
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        '_5#y2L"F4Q8z\\n\\xec]/',
        "django-insecure-",
        "<strong-random-key>",
    }
)


class Environment(StrEnum):
    PRODUCTION = "production"
    DEVELOPMENT = "development"


class SignUp(StrEnum):
    """Who may become a user by signing in."""

    OPEN = "open"
    DOMAINS = "domains"
    INVITED = "invited"


class ProviderKind(StrEnum):
    GOOGLE = "google"
    GITHUB = "github"
    OIDC = "oidc"


class ConfigurationError(GatehouseError):
    """The configuration cannot be used.

    :param problems: one sentence for each mistake, each naming its setting and none holding a value.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Gatehouse cannot start:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One identity provider as the operator described it.

    :param name: the last part of its routes, e.g. ``google``.
    :param email_domains: domains about whose addresses it is believed; ``*`` stands for all of them.
    """

    name: str
    kind: ProviderKind
    issuer: str
    client_id: str
    client_secret: Secret
    label: str
    scope: str = "openid email profile"
    email_domains: frozenset[str] = frozenset()


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
    url_prefix: str
    providers: tuple[ProviderSettings, ...]
    github_url: str
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
    rate_limit: str
    rate_limit_sign_in: str
    refusal_limit: str
    trusted_proxies: int
    smtp_url: Secret | None
    mail_from: str | None
    alert_email: str | None
    alert_webhook_url: Secret | None
    alert_webhook_secret: Secret | None
    audit_key_file: Path | None
    checkpoint_dir: Path | None
    erasure_ledger: Path
    metrics_token: Secret | None
    app_name: str
    terms_url: str | None
    privacy_url: str | None
    support_email: str | None

    @property
    def development(self) -> bool:
        return self.env is Environment.DEVELOPMENT

    def external_url(self, path: str) -> str:
        """Return the absolute address of a route of ours, built from the base URL, never from a ``Host`` header."""
        return f"{self.base_url}{self.url_prefix}{path}"

    def provider(self, name: str) -> ProviderSettings | None:
        return next((provider for provider in self.providers if provider.name == name), None)

    @classmethod
    def load(
        cls,
        config: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        url_prefix: str = "",
        directory: Path | None = None,
    ) -> "Settings":
        """Read and check everything.

        :param config: the application's configuration, which wins over the environment; None values are skipped.
        :param environ: the process's environment, ``os.environ`` unless told otherwise.
        :param url_prefix: where our routes are mounted, such as ``/gate``; empty for the standalone application.
        :param directory: what relative paths and ``.env`` start from; the working directory unless told otherwise.
        :raises ConfigurationError: with one sentence for each mistake.
        """
        here = (directory or Path.cwd()).absolute()
        values = {name: text for name, text in dotenv_values(here / ".env").items() if text is not None}
        values |= os.environ if environ is None else environ
        values |= {
            name: _as_text(value) for name, value in (config or {}).items() if value is not None and _is_ours(name)
        }
        reader = _Reader({name: text for name, text in values.items() if text != ""}, here)
        settings = reader.read(url_prefix)
        if reader.problems:
            raise ConfigurationError(reader.problems)
        return settings


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(_as_text(item) for item in value)
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())}s"
    return str(value)


_PLAIN_NAMES = frozenset(
    [
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "DATABASE_URL",
        "REDIS_URL",
        "PORT",
        "GOOGLE_CLIENT_ID",
        "GOOGLE_CLIENT_SECRET",
        "GITHUB_CLIENT_ID",
        "GITHUB_CLIENT_SECRET",
        "GITHUB_URL",
        "GITHUB_API_URL",
    ]
)
_GATEHOUSE_NAMES = frozenset(
    [
        "ENV",
        "BASE_URL",
        "SIGNUP",
        "ALLOWED_DOMAINS",
        "DEFAULT_ROLE",
        "USER_LIST_ROLE",
        "IDLE_TIMEOUT",
        "SESSION_LIFETIME",
        "ADMIN_IDLE_TIMEOUT",
        "ADMIN_SESSION_LIFETIME",
        "CONFIRM_MAX_AGE",
        "RATE_LIMIT",
        "RATE_LIMIT_SIGN_IN",
        "REFUSAL_LIMIT",
        "TRUSTED_PROXIES",
        "SMTP_URL",
        "MAIL_FROM",
        "ALERT_EMAIL",
        "ALERT_WEBHOOK_URL",
        "ALERT_WEBHOOK_SECRET",
        "AUDIT_KEY_FILE",
        "CHECKPOINT_DIR",
        "ERASURE_LEDGER",
        "METRICS_TOKEN",
        "APP_NAME",
        "TERMS_URL",
        "PRIVACY_URL",
        "SUPPORT_EMAIL",
    ]
)
_OIDC = re.compile(r"GATEHOUSE_OIDC_([A-Z0-9][A-Z0-9_]*?)_(ISSUER|CLIENT_ID|CLIENT_SECRET|LABEL|SCOPE|EMAIL_DOMAINS)")


def _is_ours(name: str) -> bool:
    return name in _PLAIN_NAMES or name.startswith("GATEHOUSE_")


class _Reader:
    """Collects values and problems; lives for one ``load``."""

    def __init__(self, values: dict[str, str], here: Path) -> None:
        self.values = values
        self.here = here
        self.problems: list[str] = []

    def read(self, url_prefix: str) -> Settings:
        self.refuse_unknown_names()
        env = self.choice("GATEHOUSE_ENV", Environment, Environment.PRODUCTION)
        idle, lifetime = self.time("GATEHOUSE_IDLE_TIMEOUT", "30m"), self.time("GATEHOUSE_SESSION_LIFETIME", "24h")
        roles = ("admin", "editor", "viewer")
        self.needs("GATEHOUSE_ALERT_WEBHOOK_URL", "GATEHOUSE_ALERT_WEBHOOK_SECRET")
        return Settings(
            env=env,
            secret_key=self.secret_key(env),
            secret_key_fallbacks=tuple(Secret(item) for item in words(self.values.get("SECRET_KEY_FALLBACKS", ""))),
            database_url=self.database_url(),
            redis_url=self.secret("REDIS_URL"),
            base_url=self.base_url(env),
            port=self.parse("PORT", port_number, 5000),
            url_prefix=url_prefix.rstrip("/"),
            providers=tuple(self.providers(env)),
            github_url=self.values.get("GITHUB_URL", "https://github.com").rstrip("/"),
            github_api_url=self.values.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"),
            signup=self.signup(),
            allowed_domains=frozenset(item.lower() for item in words(self.values.get("GATEHOUSE_ALLOWED_DOMAINS", ""))),
            default_role=self.one_of("GATEHOUSE_DEFAULT_ROLE", roles, "viewer"),
            user_list_role=self.one_of("GATEHOUSE_USER_LIST_ROLE", roles, "viewer"),
            idle_timeout=idle,
            session_lifetime=lifetime,
            admin_idle_timeout=self.time("GATEHOUSE_ADMIN_IDLE_TIMEOUT", None, idle),
            admin_session_lifetime=self.time("GATEHOUSE_ADMIN_SESSION_LIFETIME", None, lifetime),
            confirm_max_age=self.time("GATEHOUSE_CONFIRM_MAX_AGE", "10m"),
            rate_limit=self.limit("GATEHOUSE_RATE_LIMIT", "600 per minute"),
            rate_limit_sign_in=self.limit("GATEHOUSE_RATE_LIMIT_SIGN_IN", "20 per minute"),
            refusal_limit=self.limit("GATEHOUSE_REFUSAL_LIMIT", "20 per 10 minutes"),
            trusted_proxies=self.count("GATEHOUSE_TRUSTED_PROXIES", 0),
            smtp_url=self.secret("GATEHOUSE_SMTP_URL"),
            mail_from=self.values.get("GATEHOUSE_MAIL_FROM"),
            alert_email=self.values.get("GATEHOUSE_ALERT_EMAIL"),
            alert_webhook_url=self.secret("GATEHOUSE_ALERT_WEBHOOK_URL"),
            alert_webhook_secret=self.secret("GATEHOUSE_ALERT_WEBHOOK_SECRET"),
            audit_key_file=self.path("GATEHOUSE_AUDIT_KEY_FILE"),
            checkpoint_dir=self.path("GATEHOUSE_CHECKPOINT_DIR"),
            erasure_ledger=self.path("GATEHOUSE_ERASURE_LEDGER") or self.here / "instance/erasures.ledger",
            metrics_token=self.secret("GATEHOUSE_METRICS_TOKEN"),
            app_name=self.values.get("GATEHOUSE_APP_NAME", "Gatehouse"),
            terms_url=self.link("GATEHOUSE_TERMS_URL"),
            privacy_url=self.link("GATEHOUSE_PRIVACY_URL"),
            support_email=self.values.get("GATEHOUSE_SUPPORT_EMAIL"),
        )

    # -- single values -------------------------------------------------------------------------

    def parse(self, name: str, parser: Callable[[str], T], fallback: T) -> T:
        text = self.values.get(name)
        if text is None:
            return fallback
        try:
            return parser(text)
        except ValueError as error:
            self.problems.append(f"{name} {error}.")
            return fallback

    def secret(self, name: str) -> Secret | None:
        return Secret(self.values[name]) if name in self.values else None

    def path(self, name: str) -> Path | None:
        return self.here / self.values[name] if name in self.values else None

    def time(self, name: str, default: str | None, fallback: timedelta = timedelta()) -> timedelta:
        return self.parse(name, duration, duration(default) if default else fallback)

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        def known(text: str) -> str:
            if text not in allowed:
                raise ValueError(f"must be one of {', '.join(allowed)}")
            return text

        return self.parse(name, known, default)

    def choice(self, name: str, kind: type[E], default: E) -> E:
        return kind(self.one_of(name, tuple(kind), default))

    def count(self, name: str, default: int) -> int:
        def whole(text: str) -> int:
            if not re.fullmatch(r"\d{1,2}", text):
                raise ValueError("must be a whole number, zero or more")
            return int(text)

        return self.parse(name, whole, default)

    def limit(self, name: str, default: str) -> str:
        def notation(text: str) -> str:
            if not re.fullmatch(r"\d+\s*(per|/)\s*(\d+\s*)?(second|minute|hour|day)s?", text.strip(), re.IGNORECASE):
                raise ValueError("must read like '20 per minute' or '20 per 10 minutes'")
            return text.strip()

        return self.parse(name, notation, default)

    def link(self, name: str) -> str | None:
        def web_or_path(text: str) -> str:
            if not text.startswith(("https://", "/")) or text.startswith("//"):
                raise ValueError("must be an https address or a path on this site")
            return text

        return self.parse(name, web_or_path, None)

    # -- values with a rule of their own -------------------------------------------------------

    def refuse_unknown_names(self) -> None:
        known = {f"GATEHOUSE_{name}" for name in _GATEHOUSE_NAMES}
        for name in sorted(self.values):
            if not name.startswith("GATEHOUSE_") or name in known or _OIDC.fullmatch(name):
                continue
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            self.problems.append(f"{name} is not a setting." + (f" Did you mean {close[0]}?" if close else ""))

    def secret_key(self, env: Environment) -> Secret:
        text = self.values.get("SECRET_KEY")
        if env is Environment.DEVELOPMENT:
            return Secret(text or self.development_key())
        how = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        if text is None:
            self.problems.append(f"SECRET_KEY is missing. {how}")
            return Secret("")
        for name, key in [
            ("SECRET_KEY", text),
            *(("SECRET_KEY_FALLBACKS", key) for key in words(self.values.get("SECRET_KEY_FALLBACKS", ""))),
        ]:
            if key in KNOWN_KEYS or key.startswith("django-insecure-"):
                self.problems.append(f"{name} holds a key from an example, which everybody knows. {how}")
            elif len(key.encode()) < SMALLEST_KEY or len(set(key)) < 8:
                self.problems.append(
                    f"{name} holds a key that can be guessed: {SMALLEST_KEY} random bytes are the least. {how}"
                )
        return Secret(text)

    def development_key(self) -> str:
        """Return a key that all processes on this folder share, so that a restart signs nobody out."""
        path = self.here / "instance/development-secret-key"
        path.parent.mkdir(exist_ok=True)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
        except FileExistsError:
            pass
        return path.read_text()

    def database_url(self) -> Secret:
        text = self.values.get("DATABASE_URL", "sqlite:///instance/gatehouse.db")
        if text.startswith("postgres://"):
            text = text.replace("postgres://", "postgresql://", 1)
        if text.startswith("sqlite:///") and text != "sqlite:///:memory:":
            return Secret(f"sqlite:///{self.here / text.removeprefix('sqlite:///')}")
        if not text.startswith(("postgresql://", "postgresql+psycopg://")):
            self.problems.append("DATABASE_URL must begin with sqlite:///path or postgresql://.")
        return Secret(text)

    def base_url(self, env: Environment) -> str:
        development = env is Environment.DEVELOPMENT
        text = self.values.get(
            "GATEHOUSE_BASE_URL", f"http://localhost:{self.values.get('PORT', '5000')}" if development else ""
        )
        parts = urlsplit(text)
        if not text:
            self.problems.append(
                "GATEHOUSE_BASE_URL is missing. It is the address people type, such as https://app.example.com."
            )
        elif (
            parts.scheme not in {"http", "https"}
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
            or parts.username
        ):
            self.problems.append(
                "GATEHOUSE_BASE_URL must be a scheme and a host alone, such as https://app.example.com."
            )
        elif parts.scheme == "http" and not (development and is_loopback(parts.hostname)):
            self.problems.append(
                "GATEHOUSE_BASE_URL must begin with https://. Plain http is for development on this machine."
            )
        return text.rstrip("/")

    def signup(self) -> SignUp:
        policy = self.choice("GATEHOUSE_SIGNUP", SignUp, SignUp.OPEN)
        if policy is SignUp.DOMAINS and "GATEHOUSE_ALLOWED_DOMAINS" not in self.values:
            self.problems.append(
                "GATEHOUSE_ALLOWED_DOMAINS is missing: GATEHOUSE_SIGNUP=domains admits nobody without it."
            )
        return policy

    def needs(self, name: str, companion: str) -> bool:
        if name in self.values and companion not in self.values:
            self.problems.append(f"{companion} is missing: {name} needs it.")
        return name in self.values and companion in self.values

    def providers(self, env: Environment) -> Iterator[ProviderSettings]:
        for kind, label, issuer, scope in (
            (ProviderKind.GOOGLE, "Google", GOOGLE_ISSUER, "openid email profile"),
            (
                ProviderKind.GITHUB,
                "GitHub",
                self.values.get("GITHUB_URL", "https://github.com").rstrip("/"),
                "read:user user:email",
            ),
        ):
            id_name, secret_name = f"{kind.upper()}_CLIENT_ID", f"{kind.upper()}_CLIENT_SECRET"
            self.needs(secret_name, id_name)
            if self.needs(id_name, secret_name):
                yield ProviderSettings(
                    name=kind,
                    kind=kind,
                    issuer=issuer,
                    client_id=self.values[id_name],
                    client_secret=Secret(self.values[secret_name]),
                    label=label,
                    scope=scope,
                )
        for name in sorted({match[1] for key in self.values if (match := _OIDC.fullmatch(key))}):
            if provider := self.oidc_provider(name, env):
                yield provider

    def oidc_provider(self, name: str, env: Environment) -> ProviderSettings | None:
        prefix = f"GATEHOUSE_OIDC_{name}_"
        missing = [part for part in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET") if f"{prefix}{part}" not in self.values]
        if missing:
            self.problems.extend(f"{prefix}{part} is missing." for part in missing)
            return None
        if name.lower() in {ProviderKind.GOOGLE, ProviderKind.GITHUB, "dev"}:
            self.problems.append(f"{prefix}ISSUER: the name {name.lower()} is taken by a provider of ours.")
        issuer = urlsplit(self.values[f"{prefix}ISSUER"])
        http_allowed = env is Environment.DEVELOPMENT and is_loopback(issuer.hostname or "")
        if not issuer.hostname or not (issuer.scheme == "https" or (issuer.scheme == "http" and http_allowed)):
            self.problems.append(f"{prefix}ISSUER must be an https address, exactly as the provider writes its issuer.")
        scope = self.values.get(f"{prefix}SCOPE", "openid email profile")
        if "openid" not in scope.split():
            self.problems.append(f"{prefix}SCOPE must contain openid: without it the provider sends no ID token.")
        return ProviderSettings(
            name=name.lower(),
            kind=ProviderKind.OIDC,
            issuer=self.values[f"{prefix}ISSUER"],
            client_id=self.values[f"{prefix}CLIENT_ID"],
            client_secret=Secret(self.values[f"{prefix}CLIENT_SECRET"]),
            label=self.values.get(f"{prefix}LABEL", name.replace("_", " ").title()),
            scope=scope,
            email_domains=frozenset(item.lower() for item in words(self.values.get(f"{prefix}EMAIL_DOMAINS", ""))),
        )


def port_number(text: str) -> int:
    """Return the TCP port that a text names.

    :raises ValueError: if it names none.
    """
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise ValueError("must be a number between 1 and 65535")
    return int(text)


def is_loopback(host: str) -> bool:
    """Return whether a host name means this very machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
