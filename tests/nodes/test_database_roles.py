"""The roles of docs/how-to/database-roles.md, made by the very SQL of that page, are enough for all that is done."""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops import worker
from flask_gatehouse.privacy.erasure import erase_user
from flask_gatehouse.settings import Settings
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, gatehouse, running_site
from tests.processes import PATIENCE_S, Node
from tests.services import Services
from tests.trail import sealed

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "how-to/database-roles.md"
AS_SUPERUSER, AS_OWNER, TO_RESTORE = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
ROLES = ("gatehouse_app", "gatehouse_auditor", "gatehouse_eraser", "gatehouse_owner")


def migrate(owners_address: str, folder: Path) -> None:
    """Do what the page says to do once and after every upgrade; it may be done again and again."""
    environment = {"GATEHOUSE_ENV": "development", "SECRET_KEY": "k" * 40, "DATABASE_URL": owners_address}
    upgraded = gatehouse(("db", "upgrade"), environment, folder)
    assert upgraded.returncode == 0, upgraded.stderr
    for _ in range(2):
        with psycopg.connect(owners_address, autocommit=True) as owner:
            owner.execute(AS_OWNER)


@pytest.fixture(scope="module")
def address_of(postgresql_services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Do what the page says, and return who asks for the database by which address."""

    def address_of(role: str, database: str = "gatehouse") -> str:
        url = make_url(postgresql_services.database_url(database)).set(username=role)
        return url.render_as_string(hide_password=False)

    assert postgresql_services.postgresql_url is not None
    with psycopg.connect(postgresql_services.postgresql_url, autocommit=True) as superuser:
        try:
            for statement in AS_SUPERUSER.split(";\n"):
                superuser.execute(statement)
            migrate(address_of("gatehouse_owner"), tmp_path_factory.mktemp("owner"))
            yield address_of
        finally:
            ours = "SELECT datname FROM pg_database WHERE datname ~ '^gatehouse(_again.*)?$'"
            for (name,) in superuser.execute(ours).fetchall():
                superuser.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            for role in ROLES:
                superuser.execute(f"DROP ROLE IF EXISTS {role}")


@pytest.fixture(scope="module")
def site(address_of: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("outside")
    write_key(folder / "audit.key", SigningKey.generate("localhost"))
    settings = {
        "GATEHOUSE_AUDIT_KEY_FILE": str(folder / "audit.key"),
        "GATEHOUSE_CHECKPOINT_DIR": str(folder / "checkpoints"),
        "GATEHOUSE_ERASURE_LEDGER": str(folder / "erasures.ledger"),
    }
    # The first one has a worker, the other one is a production server.
    with running_site(address_of("gatehouse_app"), settings, servers=("run", "gunicorn")) as site:
        yield site


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def has_checkpoint(site: Site) -> bool:
    return any(Path(site.environment["GATEHOUSE_CHECKPOINT_DIR"]).glob("*.note"))


def test_the_application_does_all_that_it_does(
    site: Site, open_browser: Callable[[Node], Browser], address_of: Callable[..., str]
) -> None:
    boss, friend = open_browser(site.node), open_browser(site.node)
    boss_address, address = new_address("boss"), new_address("friend")
    assert site.command("create-admin", boss_address).returncode == 0
    assert boss.sign_in(boss_address).status_code == 302
    assert friend.sign_in(address).status_code == 302
    assert boss.confirm(boss_address).status_code == 302
    user_id = site.user_id(address)
    assert user_id is not None
    for node in site.nodes:
        assert boss.change(f"/users/{user_id}/toggle-active", at=node).status_code in {200, 303}
    assert boss.sign_out(at=site.other).status_code == 303

    settings = Settings.load(site.environment, {})
    worker.expire(site.database, settings)
    worker.forget(site.database, settings)
    erase_user(site.database, settings, user_id)

    names = {name for name, _ in site.events()}
    assert {"authn_login_success", "user_created", "user_archived", "user_enabled"} <= names
    assert {"session_logout", "personal_data_erased"} <= names
    wait_for(lambda: len(sealed(site.database)) == len(site.events()))
    wait_for(lambda: has_checkpoint(site))
    # The worker of the node is still at it: nothing of that was refused.
    assert "permission denied" not in site.node.log + site.other.log
    verified = site.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_an_auditor_verifies_and_writes_nothing(site: Site, address_of: Callable[..., str]) -> None:
    assert site.command("create-admin", new_address("first")).returncode == 0
    wait_for(lambda: has_checkpoint(site))
    before = site.last_event()
    auditor = dict(site.environment) | {"DATABASE_URL": address_of("gatehouse_auditor")}
    verified = gatehouse(("audit", "verify"), auditor, site.node.directory)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "This result is not in the trail: permission denied" in verified.stderr
    assert not [name for name, _ in site.events(before) if name.startswith("audit_verify")]


def test_an_auditor_needs_three_settings_on_a_machine_of_her_own(
    site: Site, address_of: Callable[..., str], tmp_path: Path
) -> None:
    assert site.command("create-admin", new_address("hers")).returncode == 0
    wait_for(lambda: has_checkpoint(site))
    note = max(Path(site.environment["GATEHOUSE_CHECKPOINT_DIR"]).glob("*.note"))
    key = site.command("audit", "public-key").stdout.strip()
    page = (DOCS / "explanation/audit-trail.md").read_text(encoding="utf-8")
    said = re.findall(r"^export (\w+)=", page, re.MULTILINE)
    values = (secrets.token_urlsafe(32), "https://gate.example.com", address_of("gatehouse_auditor"))
    hers = dict(zip(said, values, strict=True))
    words = ("audit", "verify", "--checkpoint", str(note), "--public-key", key)
    verified = gatehouse(words, hers, tmp_path)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    # Every command reads all settings.
    assert gatehouse(words, {"DATABASE_URL": hers["DATABASE_URL"]}, tmp_path).returncode == 2


def test_the_owner_restores_what_the_application_has_saved(
    address_of: Callable[..., str], postgresql_services: Services, tmp_path: Path
) -> None:
    name = "gatehouse_again"

    def run(role: str, *words: str) -> str:
        settings = {"GATEHOUSE_ENV": "development", "SECRET_KEY": "k" * 40, "DATABASE_URL": address_of(role, name)}
        done = gatehouse(words, settings, tmp_path)
        return f"{done.returncode} {done.stdout}{done.stderr}"

    assert postgresql_services.postgresql_url is not None
    with psycopg.connect(postgresql_services.postgresql_url, autocommit=True) as superuser:
        for statement in AS_SUPERUSER.split(";\n"):
            if " DATABASE gatehouse " in statement:
                superuser.execute(statement.replace(" DATABASE gatehouse ", f" DATABASE {name} "))
        migrate(address_of("gatehouse_owner", name), tmp_path)
        assert run("gatehouse_app", "create-admin", "first@example.com").startswith("0")
        assert run("gatehouse_app", "backup", "one.backup").startswith("0")
        allow, signal = TO_RESTORE.strip().split(";\n")
        assert run("gatehouse_owner", "backup", "--drill").startswith("1 Error: the role gatehouse_owner may not make")
        superuser.execute(allow)
        assert run("gatehouse_owner", "backup", "--drill").startswith("0")
        with psycopg.connect(address_of("gatehouse_app", name), autocommit=True) as node:
            refused = run("gatehouse_owner", "restore", "--yes", "one.backup")
            assert refused.startswith("1")
            # Servers say in different words that she may not end it, and not that it is in the way.
            assert ("cannot be replaced" in refused, "being accessed" in refused) == (True, False)
            assert node.execute("SELECT 1").fetchone() == (1,)
            superuser.execute(signal)
            assert run("gatehouse_owner", "restore", "--yes", "one.backup").startswith("0")
        superuser.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
    with psycopg.connect(address_of("gatehouse_owner", name), autocommit=True) as owner:
        owner.execute(AS_OWNER)
    assert run("gatehouse_app", "create-admin", "second@example.com").startswith("0")
    assert run("gatehouse_auditor", "audit", "verify").startswith("0")
    for statement in FORBIDDEN:
        with psycopg.connect(address_of("gatehouse_app", name)) as node, pytest.raises(InsufficientPrivilege):
            node.execute(statement)


EVENTS = "gatehouse_audit_events"
FORBIDDEN = [
    f"UPDATE {EVENTS} SET body = body",
    f"UPDATE {EVENTS} SET outcome = 'denied'",
    f"DELETE FROM {EVENTS}",
    f"TRUNCATE {EVENTS}",
    f"DROP TABLE {EVENTS}",
    f"ALTER TABLE {EVENTS} DISABLE TRIGGER ALL",
    f"DROP TRIGGER gatehouse_audit_events_guard_rows ON {EVENTS}",
    "DROP FUNCTION gatehouse_audit_events_guard() CASCADE",
    "CREATE OR REPLACE FUNCTION gatehouse_audit_events_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    f"CREATE RULE silence AS ON INSERT TO {EVENTS} DO INSTEAD NOTHING",
    "CREATE TABLE gatehouse_mine (id int)",
    "CREATE TEMPORARY TABLE gatehouse_audit_trees (id int)",
    "SET session_replication_role = replica",
    "SELECT setval('gatehouse_audit_events_id_seq', 1)",
    "UPDATE gatehouse_audit_leaves SET position = position",
    "DELETE FROM gatehouse_audit_leaves",
    "TRUNCATE gatehouse_audit_leaves",
    "UPDATE gatehouse_audit_tiles SET hash = hash",
    "DELETE FROM gatehouse_audit_tiles",
    "DELETE FROM gatehouse_audit_trees",
    "DELETE FROM gatehouse_audit_checkpoints",
    "DELETE FROM gatehouse_audit_counts",
    "UPDATE gatehouse_alembic_version SET version_num = '0001'",
    "SET ROLE gatehouse_owner",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_application_cannot(address_of: Callable[..., str], statement: str) -> None:
    # Each of them is one that the owner may do, so that what is refused is the role and not the statement.
    with psycopg.connect(address_of("gatehouse_app")) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement)


def test_its_grant_of_erasures_lets_values_go_and_none_come(
    site: Site, open_browser: Callable[[Node], Browser]
) -> None:
    assert open_browser(site.node).sign_in(new_address()).status_code == 302
    with site.database.engine.connect() as connection:
        assert connection.execute(text(f"UPDATE {EVENTS} SET personal = NULL, ip = NULL")).rowcount
        connection.rollback()
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(f"UPDATE {EVENTS} SET ip = '192.0.2.1'"))


def test_without_that_grant_an_erasure_changes_nothing(
    site: Site, open_browser: Callable[[Node], Browser], address_of: Callable[..., str]
) -> None:
    address = new_address()
    assert open_browser(site.node).sign_in(address).status_code == 302
    user_id = site.user_id(address)
    assert user_id is not None
    with psycopg.connect(address_of("gatehouse"), autocommit=True) as superuser:
        superuser.execute("REVOKE gatehouse_eraser FROM gatehouse_app")
        try:
            with pytest.raises(DBAPIError, match="permission denied"):
                erase_user(site.database, Settings.load(site.environment, {}), user_id)
        finally:
            superuser.execute("GRANT gatehouse_eraser TO gatehouse_app")
    assert site.user_id(address) == user_id


def test_the_roles_end_with_what_the_page_says(address_of: Callable[..., str]) -> None:
    engine = make_engine(address_of("gatehouse_app"))
    wanted = text(
        "SELECT privilege_type FROM information_schema.role_table_grants WHERE table_name = :table AND grantee = :role"
    )
    with Database(lambda: engine).reading() as connection:
        found: dict[str, Any] = {
            role: {row[0] for row in connection.execute(wanted, {"table": EVENTS, "role": role})}
            for role in ("gatehouse_app", "gatehouse_eraser")
        }
    engine.dispose()
    assert found == {"gatehouse_app": {"SELECT", "INSERT"}, "gatehouse_eraser": set()}
