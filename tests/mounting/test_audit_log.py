"""The audit log behind a prefix, in an application that is itself below a path."""

import re

import pytest
from sqlalchemy import text

from flask_gatehouse import Gatehouse, Role
from flask_gatehouse.audit.errors import UnprovableEvent
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.testing import sign_in_as
from tests.mounting.hosts import bare, flask_sqlalchemy, host, state_of


def test_the_audit_log_leads_nowhere_but_to_the_gate(sqlite_url: str) -> None:
    with host(sqlite_url, prefix="/door/way", APPLICATION_ROOT="/app") as app:
        client = app.test_client()
        sign_in_as(client, Role.ADMIN)
        for path in ("/admin/audit-logs", "/admin/audit-logs?before=2&when=7d", "/admin/audit-logs/1"):
            page = client.get(f"/door/way{path}")
            assert page.status_code == 200
            addresses = re.findall(r'(?:href|hx-get|action|src)="(/[^"]*)"', page.text)
            assert [address for address in addresses if "audit" in address]
            # The host's own start page is the one place that is not the gate's.
            assert {address for address in addresses if not address.startswith("/app/door/way/")} <= {"/app/"}


def test_an_export_that_breaks_off_is_recorded_where_the_engine_is_the_hosts(sqlite_url: str) -> None:
    """The answer is sent when the host's application context, by which its engine is found, is gone."""
    app = bare(sqlite_url)
    Gatehouse(app, db=flask_sqlalchemy(app, sqlite_url))
    client = app.test_client()
    sign_in_as(client, Role.ADMIN)
    with app.app_context():
        database = state_of(app).database
        Sealer(database, "localhost").seal()
        with database.transaction() as db:
            db.execute(text("DELETE FROM gatehouse_audit_leaves WHERE position = 0"))
    with client.get("/gate/admin/audit-logs/export", buffered=False) as answer, pytest.raises(UnprovableEvent):
        assert answer.text == "never whole"
    with app.app_context(), database.reading() as connection:
        found = connection.execute(
            text("SELECT outcome FROM gatehouse_audit_events WHERE event = 'audit_exported' ORDER BY id")
        )
        assert [row.outcome for row in found] == ["success", "failure"]
