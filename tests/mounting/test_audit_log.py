"""The audit log behind a prefix, in an application that is itself below a path."""

import re

from flask_gatehouse import Role
from flask_gatehouse.testing import sign_in_as
from tests.mounting.hosts import host


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
