"""The commands: ``gatehouse …``, and ``flask gatehouse …`` in a host.

``gatehouse_commands`` says where each of them is. None is imported before somebody calls it: an application that
answers requests has the table alone.
"""

from ..kernel.deferred import Deferred
from .groups import DeferredGroup

gatehouse_commands = DeferredGroup(
    "gatehouse",
    help="Sign-in, sessions, users and the audit trail.",
    deferred={
        "alerts": Deferred("cli.alerts:alert_commands"),
        "audit": Deferred("cli.audit:audit_commands"),
        "backup": Deferred("cli.backup:backup"),
        "create-admin": Deferred("cli.people:create_admin"),
        "db": Deferred("cli.schema:db_commands"),
        "doctor": Deferred("cli.doctor:doctor"),
        "erase": Deferred("cli.privacy:erase"),
        "explain": Deferred("cli.people:explain"),
        "export": Deferred("cli.privacy:export"),
        "release": Deferred("cli.people:release"),
        "restore": Deferred("cli.backup:restore_backup"),
        "sessions": Deferred("cli.people:session_commands"),
        "worker": Deferred("cli.working:run_worker"),
    },
)
