"""The key that signs what a browser carries for us between two requests, and the public ones of the trail."""

import re
import secrets
from pathlib import Path

from ..kernel.files import write_new
from ..kernel.text import words
from .values import Values

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
        "<strong-random-key>",
    }
)
# name+id+base64; what the parts say of each other is looked at where the trail is verified.
_PUBLIC_KEY = re.compile(r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}")
_HOW = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def signing_key(values: Values, *, development: bool) -> str:
    """Return the key; outside of development one that is missing or can be guessed is a problem."""
    key = values.texts.get("SECRET_KEY")
    if development:
        return key or development_key(values.here)
    if key is None:
        values.problems.append(f"SECRET_KEY is missing. {_HOW}")
        return ""
    # An old key still signs in whoever holds it, so that it must be as good as the new one.
    for name, held in (
        ("SECRET_KEY", key),
        *(("SECRET_KEY_FALLBACKS", old) for old in values.list("SECRET_KEY_FALLBACKS")),
    ):
        if fault := weakness(held):
            values.problems.append(f"{name} holds {fault}. {_HOW}")
    return key


def weakness(key: str) -> str | None:
    """Return what is wrong with a key, or None if nothing is."""
    if key in KNOWN_KEYS or key.startswith("django-insecure-"):
        return "a key from an example, which everybody knows"
    # Characters, not bytes: a key that came as bytes has one for each.
    if len(key) < SMALLEST_KEY or len(set(key)) < 8:
        return f"a key that can be guessed: {SMALLEST_KEY} random bytes are the least"
    return None


def development_key(here: Path) -> str:
    """Return a key that all processes on this folder share, so that a restart signs nobody out."""
    path = here / "instance/development-secret-key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        write_new(draft, [secrets.token_urlsafe(32).encode()])
        # A link is there with its whole content or not at all, and fails where another process was faster.
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def public_keys(text: str) -> tuple[str, ...]:
    """Return the keys of a list, of which a private one is none.

    :raises ValueError: if one of them is not what ``gatehouse audit public-key`` prints.
    """
    keys = words(text)
    if not all(_PUBLIC_KEY.fullmatch(key) for key in keys):
        raise ValueError("holds something else than public keys, with commas between them: gatehouse audit public-key")
    return keys
