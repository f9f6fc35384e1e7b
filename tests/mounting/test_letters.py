"""Letters of a host: its own templates by name, and what they say in each language."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_gatehouse import Gatehouse
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.web.letters import writer_of
from tests.mounting.hosts import configuration, state_of

FACTS: dict[str, Any] = {
    "name": "O'Hara <b>&",
    "at": utc_now(),
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
    "ip": "192.0.2.7",
    "provider": "Google",
    "by_herself": False,
    "role_before": "viewer",
    "role_after": "admin",
    "account_url": "https://app.example.com/gate/account",
    "not_me_url": "https://app.example.com/gate/auth/not-me/x",
    "support_email": None,
    "release": None,
}
NAMES = ("new_device", "role_changed", "identity_linked", "identity_unlinked", "address_changed")


def make_host(directory: Path, url: str) -> Flask:
    app = Flask("host", root_path=str(directory))
    app.config.update(configuration(url))
    Gatehouse(app)
    return app


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_letter_says_the_same_twice_and_escapes_where_it_must(
    tmp_path: Path, sqlite_url: str, name: str, language: str
) -> None:
    app = make_host(tmp_path, sqlite_url)
    written = writer_of(app)(name, language, "o@example.com", FACTS)
    assert "\n" not in written.subject
    assert "O'Hara <b>&," in written.text
    assert "&#39;" not in written.text
    assert "<b>" not in written.html
    assert f'<html lang="{language}">' in written.html
    for said in (FACTS["not_me_url"], FACTS["account_url"]):
        assert said in written.text
        assert f'href="{said}"' in written.html
    assert "\n\n\n" not in written.text
    assert ("administrator" in written.text) is (language == "en")
    state_of(app).database.engine.dispose()


def test_a_host_writes_its_own_letter(tmp_path: Path, sqlite_url: str) -> None:
    folder = tmp_path / "templates/gatehouse/mail"
    folder.mkdir(parents=True)
    (folder / "new_device.txt").write_text("Own subject for {{ name }}\n\nOwn words: {{ not_me_url }}\n")
    app = make_host(tmp_path, sqlite_url)
    written = writer_of(app)("new_device", "en", "o@example.com", FACTS)
    assert (written.subject, written.text) == ("Own subject for O'Hara <b>&", f"Own words: {FACTS['not_me_url']}\n")
    # The other form is still ours.
    assert "New sign-in to" in written.html
    state_of(app).database.engine.dispose()
