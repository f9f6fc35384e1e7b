"""Sealed trails with as many events as one asks for, made as fast as each kind of database allows."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from bench._databases import filling, quickly

from flask_gatehouse.audit.body import VERSION, Personal, canonical, seal_personal
from flask_gatehouse.audit.tree import Frontier, leaf_hash
from flask_gatehouse.kernel.identifiers import uuid7

# Ten million events, one in three seconds, are over before today.
START = datetime(2025, 12, 1, tzinfo=UTC)
ORIGIN = "bench.example.com/gatehouse/0123456789abcdef/1"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
EVENT_COLUMNS = (
    "id",
    "occurred_at",
    "event",
    "outcome",
    "actor_kind",
    "actor_id",
    "session_id",
    "target_type",
    "target_id",
    "request_id",
    "ip",
    "body",
    "personal",
)
LEAF_COLUMNS = ("epoch", "position", "event_id", "hash")
TILE_COLUMNS = ("epoch", "level", '"index"', "hash")
TREE_COLUMNS = ("epoch", "origin", "size", "root", "frontier", "watermark", "cut", "created_at", "sealed_at")
Row = tuple[Any, ...]


def happening(number: int) -> Row:
    """Return one of several kinds of event, in the mix of an application that people use."""
    moment, who = START + timedelta(seconds=number * 3, microseconds=number % 1000), number % 997
    event, change, details, reason, outcome = (
        ("authn_login_success", {}, {"provider": "google"}, None, "success"),
        ("article.published", {"status": ["draft", "published"]}, {}, None, "success"),
        ("session_logout", {}, {}, None, "success"),
        ("authn_login_fail", {}, {"provider": "google"}, "state", "denied"),
        ("user_updated", {"role": ["viewer", "editor"]}, {"by": "hand", "seen": [1, 2]}, None, "success"),
    )[number % 5]
    ip = f"203.0.{who % 256}.{number % 256}"
    values = {"ip": Personal(ip, f"user:{who}"), "user_agent": Personal(BROWSER, f"user:{who}")}
    committed, kept = seal_personal(values, secrets.token_bytes)
    session, request = f"{who:022d}", f"{number:032x}"
    body = {
        "actor": {"id": who, "kind": "user"},
        "at": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}",
        "change": change,
        "details": details,
        "event": event,
        "id": uuid7(moment),
        "node": "web-1",
        "outcome": outcome,
        "personal": committed,
        "reason": reason,
        "request": request,
        "session": session,
        "target": {"id": str(number % 5000), "type": "article"},
        "v": VERSION,
    }
    said = (event, outcome, "user", who, session, "article", str(number % 5000), request, ip)
    return (number, moment, *said, canonical(body), canonical(kept))


def trail(count: int) -> Iterator[tuple[Row, Row, list[Row], Frontier]]:
    """Yield each event with its leaf, the tiles that are full with it, and the tree that it has grown."""
    frontier = Frontier()
    for number in range(1, count + 1):
        event = happening(number)
        leaf = leaf_hash(event[-2].encode())
        tiles = [(1, tile.level, tile.index, tile.hash) for tile in frontier.append(leaf)]
        yield event, (1, number - 1, number, leaf), tiles, frontier


def _fill_sqlite(path: str, count: int) -> None:
    tiles: list[Row] = []
    frontier = Frontier()
    insert_event, insert_leaf = _insert("events", EVENT_COLUMNS), _insert("leaves", LEAF_COLUMNS)
    with quickly(path) as connection:
        for event, leaf, full, frontier in trail(count):  # noqa: B007 - the last tree is the one that counts
            connection.execute(insert_event, (event[0], f"{event[1]:%Y-%m-%d %H:%M:%S.%f}", *event[2:]))
            connection.execute(insert_leaf, leaf)
            tiles += full
        connection.executemany(_insert("tiles", TILE_COLUMNS), tiles)
        now = f"{START:%Y-%m-%d %H:%M:%S.%f}"
        connection.execute(_insert("trees", TREE_COLUMNS), (*_tree(frontier, count), now, now))


def _fill_postgresql(url: str, count: int) -> None:
    tiles: list[Row] = []
    frontier = Frontier()
    with psycopg.connect(url) as events, psycopg.connect(url) as leaves:
        with (
            events.cursor().copy(_copy("events", EVENT_COLUMNS)) as event_rows,
            leaves.cursor() as cursor,
        ):
            cursor.execute("SET session_replication_role = replica")
            with cursor.copy(_copy("leaves", LEAF_COLUMNS)) as leaf_rows:
                for event, leaf, full, frontier in trail(count):  # noqa: B007 - as above
                    event_rows.write_row(event)
                    leaf_rows.write_row(leaf)
                    tiles += full
        events.cursor().execute(_insert("trees", TREE_COLUMNS, "%s"), (*_tree(frontier, count), START, START))
        events.cursor().executemany(_insert("tiles", TILE_COLUMNS, "%s"), tiles)
        events.execute("SELECT setval('gatehouse_audit_events_id_seq', %s)", [count])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _tree(frontier: Frontier, count: int) -> Row:
    return (1, ORIGIN, frontier.size, frontier.root, bytes(frontier), count, 0)


def _insert(table: str, columns: tuple[str, ...], place: str = "?") -> str:
    places = ", ".join([place] * len(columns))
    return f"INSERT INTO gatehouse_audit_{table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608


def _copy(table: str, columns: tuple[str, ...]) -> str:
    return f"COPY gatehouse_audit_{table} ({', '.join(columns)}) FROM STDIN"


# Put so many events into a migrated database, and the tree that seals them.
fill = filling(_fill_sqlite, _fill_postgresql)
