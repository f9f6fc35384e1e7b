"""What somebody is called here who comes for the first time."""

import pytest

from flask_gatehouse.accounts.fold import NAME_LENGTH
from flask_gatehouse.accounts.profile import Profile


@pytest.mark.parametrize(
    ("name", "email", "called"),
    [
        (" Ada  King ", "ada@example.com", "Ada King"),
        (None, "ada@example.com", "ada"),
        ("\u200b", "ada@example.com", "ada"),
        ("Ada" * NAME_LENGTH, None, ("Ada" * NAME_LENGTH)[:NAME_LENGTH]),
        (None, "\u200b@example.com", "Somebody"),
        ("", None, "Somebody"),
    ],
)
def test_nobody_is_without_a_name(name: str | None, email: str | None, called: str) -> None:
    said = Profile("google", "https://issuer.example", "subject", name, email, email_is_authoritative=False)
    assert said.display_name == called
