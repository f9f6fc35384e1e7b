"""What came from where: an environment is exchanged without a commit, and read by nobody who reads the code."""

import os
from pathlib import Path

from dotenv import dotenv_values

from ..kernel.text import words
from .model import Settings
from .names import oidc_name


def names_of_providers(folder: Path) -> list[str]:
    """Return the settings of OpenID Connect providers that stand in the environment or in ``.env``.

    :param folder: where ``.env`` is.
    """
    return sorted(name for name in {*os.environ, *dotenv_values(folder / ".env")} if oidc_name(name))


def written_in_code(settings: Settings, folder: Path) -> list[str]:
    """Return the names of the secrets that stand neither in the environment nor in ``.env``.

    :param folder: where ``.env`` is.
    """
    # As ``Settings.load`` reads them: a value out of a file ends with its last line.
    outside = {value.strip() for value in (*os.environ.values(), *dotenv_values(folder / ".env").values()) if value}
    held = {
        "SECRET_KEY": settings.secret_key,
        "REDIS_URL": settings.redis_url,
        "GATEHOUSE_ALERT_WEBHOOK_URL": settings.alert_webhook_url,
        "GATEHOUSE_ALERT_WEBHOOK_SECRET": settings.alert_webhook_secret,
        "GATEHOUSE_METRICS_TOKEN": settings.metrics_token,
        **{f"the client secret of {one.name}": one.client_secret for one in settings.providers},
    }
    # In development it is a file of ours.
    if settings.development:
        del held["SECRET_KEY"]
    names = [name for name, secret in held.items() if secret is not None and secret.reveal() not in outside]
    listed = {key for value in outside for key in words(value)}
    if any(old.reveal() not in listed for old in settings.secret_key_fallbacks):
        names.append("SECRET_KEY_FALLBACKS")
    # An address of a database is read into another form; the one without a password needs no hiding.
    server = settings.mail_server
    if server is not None and server.password is not None and not any("smtp" in value for value in outside):
        names.append("GATEHOUSE_SMTP_URL")
    if "@" in settings.database_url.reveal() and not any(_is_database(value) for value in outside):
        names.append("DATABASE_URL")
    return names


def _is_database(text: str) -> bool:
    return text.startswith(("postgres://", "postgresql://", "postgresql+psycopg://", "sqlite:"))
