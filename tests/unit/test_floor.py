"""The page that benchmarks compare ours with shows our own templates, and has to follow them."""

import sqlite3
from pathlib import Path

import pytest
from bench._floor import app


def test_it_shows_our_dashboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = sqlite3.connect(tmp_path / "floor.db")
    connection.execute("CREATE TABLE gatehouse_users (id, name, email, role, last_sign_in_at)")
    connection.execute("INSERT INTO gatehouse_users VALUES (1, 'Ada', 'ada@example.com', 'viewer', '2026-11-27 10:00')")
    connection.commit()
    connection.close()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'floor.db'}")
    monkeypatch.setenv("SECRET_KEY", "a key that guards nothing")
    client = app().test_client()
    client.get("/enter/1")
    answer = client.get("/dashboard")
    assert (answer.status_code, "ada@example.com" in answer.text) == (200, True)
