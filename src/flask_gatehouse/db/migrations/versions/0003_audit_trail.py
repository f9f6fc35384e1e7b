"""The trail in its final form: canonical bodies, personal values apart, and the tables of the tree"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

EVENTS, FORMER = "gatehouse_audit_events", "gatehouse_audit_events_0002"
BATCH = 2000
LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INDEXES: tuple[tuple[list[str], str | None], ...] = (
    (["target_type", "target_id", "id"], None),
    (["event", "id"], None),
    (["outcome", "id"], None),
    (["occurred_at", "id"], None),
    (["actor_id", "id"], "actor_id IS NOT NULL"),
    (["ip", "id"], "ip IS NOT NULL"),
    (["request_id"], "request_id IS NOT NULL"),
)


def upgrade() -> None:
    op.drop_index(op.f("ix_gatehouse_audit_events_resource_type_resource_id_id"), table_name=EVENTS)
    op.drop_index(op.f("ix_gatehouse_audit_events_occurred_at"), table_name=EVENTS)
    op.rename_table(EVENTS, FORMER)
    if op.get_bind().dialect.name == "postgresql":
        # A name that the new table needs belongs to the old one's key still.
        op.execute(f"ALTER TABLE {FORMER} RENAME CONSTRAINT pk_{EVENTS} TO pk_{FORMER}")
        op.execute(f"ALTER SEQUENCE {EVENTS}_id_seq RENAME TO {FORMER}_id_seq")
    _create_events()
    _convert(op.get_bind())
    op.drop_table(FORMER)
    for columns, where in INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(
            op.f("_".join([f"ix_{EVENTS}", *columns])),
            EVENTS,
            columns,
            unique=False,
            sqlite_where=condition,
            postgresql_where=condition,
        )
    _create_tree()


def _outcome() -> sa.Enum:
    return sa.Enum("success", "denied", "failure", name="outcome", native_enum=False, create_constraint=True, length=32)


def _create_events() -> None:
    op.create_table(
        EVENTS,
        sa.Column("id", LONG, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("outcome", _outcome(), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.String(length=22), nullable=True),
        sa.Column("target_type", sa.String(length=64), nullable=True),
        sa.Column("target_id", sa.String(length=255), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("personal", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{EVENTS}")),
        sqlite_autoincrement=True,
    )


def _create_tree() -> None:
    op.create_table(
        "gatehouse_audit_trees",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("size", LONG, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("watermark", LONG, nullable=False),
        sa.Column("cut", LONG, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_gatehouse_audit_trees")),
    )
    op.create_table(
        "gatehouse_audit_leaves",
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("position", LONG, nullable=False),
        sa.Column("event_id", LONG, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        *_of_a_tree("leaves", "position"),
        sa.UniqueConstraint("event_id", name=op.f("uq_gatehouse_audit_leaves_event_id")),
    )
    op.create_table(
        "gatehouse_audit_tiles",
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", LONG, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        *_of_a_tree("tiles", "level", "index"),
    )
    op.create_table(
        "gatehouse_audit_checkpoints",
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("size", LONG, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        *_of_a_tree("checkpoints", "size"),
    )
    op.create_table(
        "gatehouse_audit_counts",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("outcome", _outcome(), nullable=False),
        sa.Column("count", LONG, nullable=False),
        sa.PrimaryKeyConstraint("hour", "event", "outcome", name=op.f("pk_gatehouse_audit_counts")),
    )


def _of_a_tree(name: str, *key: str) -> tuple[sa.Constraint, ...]:
    table = f"gatehouse_audit_{name}"
    return (
        sa.ForeignKeyConstraint(["epoch"], ["gatehouse_audit_trees.epoch"], name=op.f(f"fk_{table}_epoch")),
        sa.PrimaryKeyConstraint("epoch", *key, name=op.f(f"pk_{table}")),
    )


def _convert(connection: sa.Connection) -> None:
    """Write every event in its new form; nothing is sealed yet, so that the sealer finds them all."""
    metadata = sa.MetaData()
    former = sa.Table(FORMER, metadata, autoload_with=connection)
    events = sa.Table(EVENTS, metadata, autoload_with=connection)
    for rows in _batches(connection, former):
        connection.execute(sa.insert(events), [_converted(row) for row in rows])
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text(
                f"SELECT setval(pg_get_serial_sequence('{EVENTS}', 'id'), coalesce(max(id), 1), max(id) IS NOT NULL)"  # noqa: S608
                f" FROM {EVENTS}"
            )
        )


def _batches(connection: sa.Connection, former: sa.Table) -> Iterator[Sequence[sa.Row[Any]]]:
    last = 0
    while rows := connection.execute(
        sa.select(former).where(former.c.id > last).order_by(former.c.id).limit(BATCH)
    ).all():
        yield rows
        last = rows[-1].id


def _converted(row: sa.Row[Any]) -> dict[str, object]:
    moment = row.occurred_at.replace(tzinfo=UTC) if row.occurred_at.tzinfo is None else row.occurred_at.astimezone(UTC)
    details = json.loads(row.details)
    change, reason = details.pop("changed", {}), details.pop("reason", None)
    owner = None if row.actor_id is None else f"user:{row.actor_id}"
    committed, kept = {}, {}
    for field, value in (("ip", row.ip), ("user_agent", row.user_agent)):
        if value is not None:
            salt = secrets.token_bytes(32)
            digest = hashlib.sha256(b"\x02" + salt + field.encode() + b"\x00" + value.encode()).hexdigest()
            committed[field] = {"commitment": digest, "of": owner}
            kept[field] = {"salt": salt.hex(), "value": value}
    body = {
        "actor": {"id": row.actor_id, "kind": row.actor_kind},
        "at": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}",
        "change": change,
        "details": details,
        "event": row.event,
        "id": _identifier(int(moment.timestamp() * 1000)),
        "node": None,
        "outcome": row.outcome,
        "personal": committed,
        "reason": reason,
        "request": None,
        "session": row.session_id,
        "target": None if row.resource_type is None else {"id": row.resource_id, "type": row.resource_type},
        "v": 1,
    }
    return {
        "id": row.id,
        "occurred_at": row.occurred_at,
        "event": row.event,
        "outcome": row.outcome,
        "actor_kind": row.actor_kind,
        "actor_id": row.actor_id,
        "session_id": row.session_id,
        "target_type": row.resource_type,
        "target_id": row.resource_id,
        "request_id": None,
        "ip": row.ip,
        "body": _canonical(body),
        "personal": _canonical(kept) if kept else None,
    }


def _identifier(milliseconds: int) -> str:
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0x2 << 62 | secrets.randbits(62)
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def downgrade() -> None:
    """Go back to the first form. What the tree proved is gone with it, and so are names and addresses of targets."""
    for name in ("counts", "checkpoints", "tiles", "leaves", "trees"):
        op.drop_table(f"gatehouse_audit_{name}")
    for columns, _ in INDEXES:
        op.drop_index(op.f("_".join([f"ix_{EVENTS}", *columns])), table_name=EVENTS)
    for old, new in (("target_type", "resource_type"), ("target_id", "resource_id"), ("body", "details")):
        op.execute(f"ALTER TABLE {EVENTS} RENAME COLUMN {old} TO {new}")
    op.add_column(EVENTS, sa.Column("user_agent", sa.String(length=255), nullable=True))
    connection = op.get_bind()
    events = sa.Table(EVENTS, sa.MetaData(), autoload_with=connection)
    change = sa.update(events).where(events.c.id == sa.bindparam("key"))
    for rows in _batches(connection, events):
        connection.execute(change, [_reverted(row) for row in rows])
    op.drop_column(EVENTS, "request_id")
    op.drop_column(EVENTS, "personal")
    op.create_index(op.f("ix_gatehouse_audit_events_occurred_at"), EVENTS, ["occurred_at"])
    op.create_index(
        op.f("ix_gatehouse_audit_events_resource_type_resource_id_id"), EVENTS, ["resource_type", "resource_id", "id"]
    )


def _reverted(row: sa.Row[Any]) -> dict[str, object]:
    body, personal = json.loads(row.details), json.loads(row.personal or "{}")
    details = body["details"]
    details |= {"changed": body["change"]} if body["change"] else {}
    details |= {"reason": body["reason"]} if body["reason"] else {}
    browser = personal.get("user_agent", {}).get("value")
    return {"key": row.id, "details": _canonical(details), "user_agent": browser}
