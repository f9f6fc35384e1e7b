"""Trails that were never sealed, with as many events as one asks for: for reading them, which needs no tree."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
from bench._databases import filling
from bench._trail import EVENT_COLUMNS

START = datetime(2024, 11, 24, tzinfo=UTC)
END = START + timedelta(days=730)
OFFICE = "198.51.100.7"
# Who signs in now and then, whatever the number of events.
RARE_PERSON, RARELY = 99_999, 20
PEOPLE = 5000
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
EVENTS = ("authn_login_success", "session_created", "session_expired", "authn_login_fail")

Row = tuple[object, ...]


def events(count: int) -> Iterator[Row]:
    """Yield events of two years: much of little kinds, a little of others, an administrator who is everywhere."""
    step = (END - START) / count
    rarely = max(1, count // RARELY)
    for number in range(1, count + 1):
        # The same numbers in every run, without the cost of a random one.
        chance = number * 2_654_435_761 % 4_294_967_296 >> 7
        moment = START + step * number
        who: int | None = 1 if chance // 64 % 10 == 0 else 2 + chance % PEOPLE
        event, outcome, kind, target = EVENTS[chance % 4], "success", "session", f"{chance:022d}"
        if event == "authn_login_fail":
            outcome = "denied"
            if chance // 16 % 10 == 0:
                outcome, event, kind, target = "success", "authz_change", "user", str(2 + chance % PEOPLE)
        if number % 5000 == 0:
            event, outcome, who, kind, target = "user_deleted", "success", 1, "user", str(number)
        elif number % 97 == 0:
            # Nobody who is signed in, and not from the office.
            event, outcome, who, kind, target = "join_requested", "success", None, "join_request", str(number)
        if number % rarely == 0:
            who = RARE_PERSON
        ip = OFFICE if who is not None and chance // 1024 % 5 < 2 else f"203.0.{chance % 256}.{chance // 256 % 256}"
        yield _row(number, moment, event, outcome, who, kind, target, ip)


def _row(
    number: int, moment: datetime, event: str, outcome: str, who: int | None, kind: str, target: str, ip: str
) -> Row:
    by, of = ("anonymous", "null") if who is None else ("user", f'"user:{who}"')
    session, request = f"{number // 7:022d}", f"{number:016x}"
    promise = f"{number:064x}"
    body = (
        f'{{"actor":{{"id":{who or "null"},"kind":"{by}"}},"at":"{moment:%Y-%m-%dT%H:%M:%S.%fZ}","change":{{}},'
        f'"details":{{"provider":"google"}},"event":"{event}","id":"0193{number:08x}-7000-8000-000000000000",'
        f'"node":"web-1","outcome":"{outcome}","personal":{{"ip":{{"commitment":"{promise}","of":{of}}},'
        f'"user_agent":{{"commitment":"{promise}","of":{of}}}}},"reason":null,"request":"{request}",'
        f'"session":"{session}","target":{{"id":"{target}","type":"{kind}"}},"v":1}}'
    )
    personal = f'{{"ip":{{"salt":"{promise}","value":"{ip}"}},"user_agent":{{"salt":"{promise}","value":"{BROWSER}"}}}}'
    return number, moment, event, outcome, by, who, session, kind, target, request, ip, body, personal


def _fill_sqlite(path: str, count: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -1000000")
    indexes = (
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'gatehouse_audit_events' AND sql LIKE 'CREATE INDEX%'"
    )
    made = connection.execute(indexes).fetchall()
    for name, _ in made:
        connection.execute(f"DROP INDEX {name}")
    places = ", ".join("?" * len(EVENT_COLUMNS))
    insert = f"INSERT INTO gatehouse_audit_events ({', '.join(EVENT_COLUMNS)}) VALUES ({places})"  # noqa: S608
    connection.executemany(insert, ((row[0], f"{row[1]:%Y-%m-%d %H:%M:%S.%f}", *row[2:]) for row in events(count)))
    connection.commit()
    for _, statement in made:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _fill_postgresql(url: str, count: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        made = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename = 'gatehouse_audit_events' AND indexname LIKE 'ix_%'"
        ).fetchall()
        for index, _ in made:
            connection.execute(f"DROP INDEX {index}")
        copy_in = f"COPY gatehouse_audit_events ({', '.join(EVENT_COLUMNS)}) FROM STDIN"
        with connection.cursor().copy(copy_in) as copy:
            for row in events(count):
                copy.write_row(row)
        for _, statement in made:
            connection.execute(statement)
        connection.execute("SELECT setval('gatehouse_audit_events_id_seq', %s)", [count])
        connection.execute("VACUUM ANALYZE gatehouse_audit_events")


# Put so many events into a migrated database.
fill = filling(_fill_sqlite, _fill_postgresql)
