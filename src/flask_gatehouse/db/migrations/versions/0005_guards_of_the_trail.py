"""Guards: an event can be added, and lose personal values; it leaves by retention alone

Whoever may drop them is not stopped by them, and verification finds what she does. They stop everybody else: a role
without that right, a mistake in a console, an injection.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Tables are named with their schema, and nothing else is looked for: whoever can make a temporary table could put one
# of hers before the tree's otherwise.
FUNCTION = """
CREATE FUNCTION gatehouse_audit_events_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $guard$
DECLARE
    place text := quote_ident(TG_TABLE_SCHEMA);
    has_left boolean;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(new) - 'personal' - 'ip' = to_jsonb(old) - 'personal' - 'ip'
            AND (new.ip IS NULL OR new.ip IS NOT DISTINCT FROM old.ip)
            AND (new.personal IS NULL OR NOT EXISTS (
                SELECT key, value FROM jsonb_each(new.personal::jsonb)
                EXCEPT SELECT key, value FROM jsonb_each(old.personal::jsonb)))
        THEN
            RETURN new;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || place || '.gatehouse_audit_leaves AS leaf JOIN ' || place ||
            '.gatehouse_audit_trees AS tree USING (epoch) WHERE leaf.event_id = $1 AND leaf.position < tree.cut)'
            INTO has_left USING old.id;
        IF has_left THEN
            RETURN old;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only: events are not changed or deleted'
        USING ERRCODE = 'insufficient_privilege';
END
$guard$
"""
POSTGRESQL = (
    FUNCTION,
    """CREATE TRIGGER gatehouse_audit_events_guard_rows BEFORE UPDATE OR DELETE ON gatehouse_audit_events
        FOR EACH ROW EXECUTE FUNCTION gatehouse_audit_events_guard()""",
    """CREATE TRIGGER gatehouse_audit_events_guard_table BEFORE TRUNCATE ON gatehouse_audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_audit_events_guard()""",
)
SQLITE = (
    """CREATE TRIGGER gatehouse_audit_events_guard_update BEFORE UPDATE ON gatehouse_audit_events WHEN NOT (
            new.id IS old.id AND new.occurred_at IS old.occurred_at AND new.event IS old.event
            AND new.outcome IS old.outcome AND new.actor_kind IS old.actor_kind AND new.actor_id IS old.actor_id
            AND new.session_id IS old.session_id AND new.target_type IS old.target_type
            AND new.target_id IS old.target_id AND new.request_id IS old.request_id AND new.body IS old.body
            AND (new.ip IS NULL OR new.ip IS old.ip)
            AND (new.personal IS NULL OR NOT EXISTS (
                SELECT key, type, value FROM json_each(new.personal)
                EXCEPT SELECT key, type, value FROM json_each(old.personal))))
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only: events are not changed'); END""",
    """CREATE TRIGGER gatehouse_audit_events_guard_delete BEFORE DELETE ON gatehouse_audit_events WHEN NOT EXISTS (
            SELECT 1 FROM gatehouse_audit_leaves AS leaf JOIN gatehouse_audit_trees AS tree USING (epoch)
            WHERE leaf.event_id = old.id AND leaf.position < tree.cut)
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only: events are not deleted'); END""",
    # INSERT OR REPLACE deletes what is in its way, and tells no trigger.
    """CREATE TRIGGER gatehouse_audit_events_guard_insert BEFORE INSERT ON gatehouse_audit_events WHEN EXISTS (
            SELECT 1 FROM gatehouse_audit_events WHERE id = new.id)
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only: events are not replaced'); END""",
)


def upgrade() -> None:
    connection = op.get_bind()
    for statement in POSTGRESQL if connection.dialect.name == "postgresql" else SQLITE:
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in ("rows", "table"):
            op.execute(f"DROP TRIGGER gatehouse_audit_events_guard_{name} ON gatehouse_audit_events")
        op.execute("DROP FUNCTION gatehouse_audit_events_guard()")
        return
    for name in ("update", "delete", "insert"):
        op.execute(f"DROP TRIGGER gatehouse_audit_events_guard_{name}")
