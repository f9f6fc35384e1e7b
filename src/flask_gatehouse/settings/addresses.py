"""Where this application, its database and its Redis are to be found."""

from importlib.util import find_spec
from urllib.parse import urlsplit

from ..kernel.text import Secret
from .values import Values, is_loopback, origin, split_address


def database_url(values: Values) -> Secret:
    """Return where the database is, a file as an absolute path; what cannot be one is noted."""
    text = values.written("DATABASE_URL")
    if text.startswith("postgres://"):
        text = text.replace("postgres://", "postgresql://", 1)
    if text.startswith("sqlite:///") and text.removeprefix("sqlite:///") not in {"", ":memory:"}:
        return Secret(f"sqlite:///{values.here / text.removeprefix('sqlite:///')}")
    if text.startswith("sqlite:"):
        values.problems.append("DATABASE_URL must name a file: each thread would get a database of its own in memory.")
    elif not text.startswith(("postgresql://", "postgresql+psycopg://")):
        values.problems.append("DATABASE_URL must begin with sqlite:///path or postgresql://.")
    elif not _has_a_usable_port(text):
        values.problems.append("DATABASE_URL cannot be read: percent-encode the special characters in its password.")
    return Secret(text)


def _has_a_usable_port(text: str) -> bool:
    try:
        return urlsplit(text).port != 0
    except ValueError:
        return False


def redis_url(values: Values) -> Secret | None:
    """Return where Redis is, None if there is none; what cannot be one is noted."""
    text = values.texts.get("REDIS_URL")
    if text is not None and not text.startswith(("redis://", "rediss://", "unix://")):
        values.problems.append("REDIS_URL must begin with redis://, rediss:// or unix://.")
    if text is not None and find_spec("redis") is None:
        values.problems.append("REDIS_URL needs Redis' own client: pip install 'Flask-Gatehouse[redis]'.")
    return values.secret("REDIS_URL")


def base_url(values: Values, *, development: bool) -> str:
    """Return the address that people type, as a browser writes an origin; empty if it cannot be one, which is noted.

    :param development: whether plain http on this machine will do.
    """
    here = f"http://localhost:{values.written('PORT')}" if development else None
    text = values.texts.get("GATEHOUSE_BASE_URL", here)
    if text is None:
        values.problems.append(
            "GATEHOUSE_BASE_URL is missing. It is the address people type, such as https://app.example.com."
        )
        return ""
    parts = split_address(text)
    if parts is None or parts.path.strip("/") or "?" in text or "#" in text:
        if "GATEHOUSE_BASE_URL" in values:
            values.problems.append(
                "GATEHOUSE_BASE_URL must be a scheme and a host alone, such as https://app.example.com."
            )
        return ""
    if parts.scheme == "http" and not (development and is_loopback(parts.hostname or "")):
        values.problems.append(
            "GATEHOUSE_BASE_URL must begin with https://. Plain http is for development on this machine."
        )
    # Compared with a request's Origin, which browsers write in one form alone.
    return origin(parts)
