"""What the trail says, as tests ask for it."""

import json
from typing import Any

from sqlalchemy import text

from flask_gatehouse.audit.models import AuditCount, AuditEventRow, AuditLeaf, AuditTile, AuditTree
from flask_gatehouse.audit.tree import Frontier, leaf_hash
from flask_gatehouse.db.database import Database


def said(body: str) -> dict[str, Any]:
    """Return what an event says besides who and to what: details, change and reason in one."""
    content = json.loads(body)
    reason = {} if content["reason"] is None else {"reason": content["reason"]}
    changed = {"changed": content["change"]} if content["change"] else {}
    details: dict[str, Any] = content["details"]
    return details | changed | reason


def told(personal: str | None) -> dict[str, str]:
    """Return the personal values of an event that are still there."""
    return {field: entry["value"] for field, entry in json.loads(personal or "{}").items()}


def sealed(database: Database) -> list[str]:
    """Hold what is stored of the trees against what the events say; return the names of sealed events, in order."""
    names = []
    with database.transaction() as db:
        if db.get_bind().dialect.name == "postgresql":
            # A worker may seal between two of these questions: all are answered as of one moment.
            db.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        for tree in db.query(AuditTree).order_by(AuditTree.epoch):
            frontier, tiles = Frontier(), []
            leaves = db.query(AuditLeaf).filter_by(epoch=tree.epoch).order_by(AuditLeaf.position).all()
            for position, leaf in enumerate(leaves):
                event = db.get_one(AuditEventRow, leaf.event_id)
                assert (leaf.position, leaf.hash) == (position, leaf_hash(event.body.encode()))
                tiles += frontier.append(leaf.hash)
                names.append(event.event)
            assert (tree.size, tree.root, tree.frontier) == (frontier.size, frontier.root, bytes(frontier))
            stored = db.query(AuditTile).filter_by(epoch=tree.epoch).order_by(AuditTile.level, AuditTile.index).all()
            assert [(tile.level, tile.index, tile.hash) for tile in stored] == sorted(
                (tile.level, tile.index, tile.hash) for tile in tiles
            )
        assert sum(count.count for count in db.query(AuditCount)) == len(names)
    return names
