"""Secrets are rotated while people work: nobody is signed out, and no step leaves two nodes that disagree."""

import os
import re
import secrets
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from flask_gatehouse.alerts.errors import LinkNotUsable
from flask_gatehouse.alerts.not_me import NotMe, NotMeSigner
from flask_gatehouse.audit.note_keys import VerifierKey
from flask_gatehouse.audit.notes import open_checkpoint
from flask_gatehouse.settings import Settings
from tests.nodes.people import Browser, csrf_token_of, reason_of
from tests.nodes.sites import REPOSITORY, gatehouse
from tests.panva import running_panva, sign_in_at_panva
from tests.ports import free_port
from tests.processes import PROGRAMS, Node, running_gatehouse

Open = Callable[[Node], Browser]
OLD, NEW = (secrets.token_urlsafe(32) for _ in range(2))
# What two nodes hold at the same time in each step, as SECRET_KEY and SECRET_KEY_FALLBACKS.
STEPS = {
    "the new key is made known": ((OLD, ""), (OLD, NEW)),
    "the new key signs": ((OLD, NEW), (NEW, OLD)),
    "the old key is forgotten": ((NEW, OLD), (NEW, "")),
}


@contextmanager
def two_nodes(url: str, *keys: tuple[str, str]) -> Iterator[tuple[Node, ...]]:
    ports = [free_port() for _ in keys]
    base = f"http://localhost:{ports[0]}"
    with ExitStack() as stack:
        # Not the embedded one, whose own keys come from SECRET_KEY: a real provider's do not change with ours.
        panva = stack.enter_context(running_panva([f"{base}/auth/authorize/panva"]))
        environment = {"GATEHOUSE_BASE_URL": base, "DATABASE_URL": url, **panva.environment}
        yield tuple(
            stack.enter_context(
                running_gatehouse(environment | {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": known}, port=port)
            )
            for (key, known), port in zip(keys, ports, strict=True)
        )


def callback_of(browser: Browser) -> str:
    """Begin a sign-in at the browser's node, prove oneself at the provider, and return where that leads."""
    begun = browser.get("/auth/login/panva")
    with requests.Session() as at_provider:
        return sign_in_at_panva(at_provider, begun.headers["Location"], "ada")


def lives(browser: Browser, first: Node, second: Node) -> None:
    """Go through everything that a key signs, begun at one node and ended at the other."""
    callback = callback_of(browser)
    assert browser.arrive(callback, at=second).status_code == 302
    # The greeting travels in Flask's own session.
    assert "Welcome" in browser.get("/dashboard", at=first).text
    for one, other in ((first, second), (second, first)):
        token = csrf_token_of(browser.get("/dashboard", at=one))
        stayed = browser.post("/auth/session", at=other, headers={"X-CSRFToken": token})
        assert stayed.status_code == 200, stayed.text


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_rolled_out_while_people_work(sqlite_url: str, open_browser: Open, step: str) -> None:
    with two_nodes(sqlite_url, *STEPS[step]) as (first, second):
        lives(open_browser(first), first, second)


def test_swapping_the_keys_at_once_is_noticed(sqlite_url: str, open_browser: Open) -> None:
    """Why there are steps: a node that does not know the key cannot read what the other has signed."""
    with two_nodes(sqlite_url, (OLD, ""), (NEW, "")) as (first, second):
        browser = open_browser(first)
        refused = browser.arrive(callback_of(browser), at=second)
        assert (refused.status_code, reason_of(refused)) == (400, "state_unknown")


def test_a_session_outlives_every_key(sqlite_url: str, open_browser: Open) -> None:
    with two_nodes(sqlite_url, (OLD, ""), (NEW, "")) as (first, second):
        browser = open_browser(first)
        assert browser.arrive(callback_of(browser)).status_code == 302
        assert browser.is_signed_in(at=second)


def test_what_is_signed_is_signed_with_the_new_key(tmp_path: Path) -> None:
    """A release that signs with the oldest key keeps whoever has stolen it in (CVE-2025-47278)."""
    base = {"GATEHOUSE_ENV": "development", "GATEHOUSE_BASE_URL": "http://localhost"}
    both = Settings.load({**base, "SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD}, {}, directory=tmp_path)
    new, old = (Settings.load({**base, "SECRET_KEY": key}, {}, directory=tmp_path) for key in (NEW, OLD))
    link = NotMe(7, 1, "an event")
    sealed = NotMeSigner.of(both).seal(link)
    assert NotMeSigner.of(new).open(sealed) == link
    with pytest.raises(LinkNotUsable):
        NotMeSigner.of(old).open(sealed)
    # And what the old key has signed still leads somewhere.
    assert NotMeSigner.of(both).open(NotMeSigner.of(old).seal(link)) == link


def blocks(page: str) -> list[str]:
    """Return the commands of a page of the documentation, as somebody would copy them."""
    text = (REPOSITORY / "docs/how-to" / page).read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_key_of_the_trail_is_rotated_as_the_documentation_says(sqlite_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    environment = {
        "GATEHOUSE_ENV": "development",
        "DATABASE_URL": sqlite_url,
        "GATEHOUSE_AUDIT_KEY_FILE": str(tmp_path / "audit.key"),
        "GATEHOUSE_CHECKPOINT_DIR": str(folder),
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
    }

    def run(script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    key, rotate, name, verify = blocks("rotate-secrets.md")
    assert len(run(key).strip()) >= 43
    assert run("gatehouse audit keygen").strip() == run("gatehouse audit public-key").strip()
    run("gatehouse create-admin first@example.com")
    run(rotate)
    run("gatehouse create-admin second@example.com")
    run(name)
    assert "intact" in run(verify).lower()
    unnamed = "GATEHOUSE_AUDIT_PUBLIC_KEYS= gatehouse audit verify || test $? = 2"
    assert "2 checkpoints bear the signature of" in run(unnamed)
    old, new = (tmp_path / "audit-public-keys.txt").read_text().splitlines()
    assert old != new
    notes = [path.read_text() for path in sorted(folder.glob("*.note"))]
    # One of each key, over a tree that has grown.
    signers = [open_checkpoint(note, [VerifierKey.parse(key)]) for note, key in zip(notes, (old, new), strict=True)]
    assert 0 < signers[0].size < signers[1].size
    # An edit of what only the old key has signed is found by whoever knows that key, and its note is no use to others.
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        for guard in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{guard[0]}"')
        connection.execute("UPDATE gatehouse_audit_events SET event = 'nothing' WHERE id = 1")
    connection.close()
    tampered = gatehouse(["audit", "verify", "--public-key", old, "--public-key", new], environment, tmp_path)
    assert tampered.returncode == 1


def test_a_key_without_its_file_is_explained(sqlite_url: str, tmp_path: Path) -> None:
    environment = {"GATEHOUSE_ENV": "development", "DATABASE_URL": sqlite_url}
    done = gatehouse(["audit", "public-key"], environment, tmp_path)
    assert done.returncode == 1
    assert "GATEHOUSE_AUDIT_KEY_FILE is missing" in done.stderr
