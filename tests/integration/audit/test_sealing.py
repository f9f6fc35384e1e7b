"""Every committed event gets one place in the tree, in whatever order transactions end."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from flask_gatehouse.audit import record
from flask_gatehouse.audit.models import AuditTree
from flask_gatehouse.audit.sealing import BATCH, SETTLING_S, Horizon, Sealer, begin_epoch
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from tests.integration.conftest import House
from tests.trail import sealed

HOST = "gate.example.com"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sealer(house: House) -> Sealer:
    return Sealer(house.database, HOST)


def write(house: House, *events: str) -> None:
    with house.database.transaction() as db:
        for event in events:
            record(event, session=db)


def check(house: House) -> list[str]:
    return sealed(house.database)


def watermark(house: House) -> int:
    with house.database.reading() as connection:
        return int(connection.scalar(text("SELECT max(watermark) FROM gatehouse_audit_trees")) or 0)


def test_events_are_sealed_in_their_order(house: House, sealer: Sealer) -> None:
    assert sealer.seal() == 0
    write(house, "a", "b")
    write(house, "c")
    assert sealer.seal() == 3
    assert sealer.seal() == 0
    write(house, "d")
    assert sealer.seal() == 1
    assert check(house) == ["a", "b", "c", "d"]


def test_the_name_of_a_tree_says_whose_and_which(house: House, sealer: Sealer) -> None:
    write(house, "a")
    sealer.seal()
    with house.database.transaction() as db:
        origin = db.query(AuditTree).one().origin
    host, kind, log, epoch = origin.split("/")
    assert (host, kind, epoch, len(bytes.fromhex(log))) == (HOST, "gatehouse", "1", 8)


@pytest.mark.parametrize("count", [BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 300])
def test_batches_and_tiles(house: House, sealer: Sealer, count: int) -> None:
    write(house, *(f"event.{number}" for number in range(count)))
    assert sealer.seal() == count
    assert check(house) == [f"event.{number}" for number in range(count)]


def test_what_is_rolled_back_leaves_a_gap_and_no_place(house: House, sealer: Sealer) -> None:
    write(house, "a")
    with Session(house.database.engine) as db:
        record("never", session=db)
        db.rollback()
    write(house, "b")
    sealer.seal()
    assert check(house) == ["a", "b"]


@contextmanager
def held(database: Database, event: str) -> Iterator[Session]:
    """A transaction that has recorded an event and does not end yet."""
    with Session(database.engine) as db:
        record(event, session=db)
        yield db


class TestLateEvents:
    """PostgreSQL gives numbers before it commits, so that a lower one may come after a higher one."""

    @pytest.fixture
    def house(self, postgresql_url: str) -> Iterator[House]:
        engine = make_engine(postgresql_url)
        yield House(Database(lambda: engine))
        engine.dispose()

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def sealer(self, house: House, clock: Clock) -> Sealer:
        sealer = Sealer(house.database, HOST)
        sealer._horizon = Horizon(clock)
        return sealer

    def settle(self, house: House, sealer: Sealer, clock: Clock, to: int) -> None:
        """Let time pass until the watermark is there; transactions of other databases of the server count too."""
        patience = time.monotonic() + 180
        while watermark(house) != to and time.monotonic() < patience:
            clock.now += SETTLING_S + 1
            sealer.seal()
        assert watermark(house) == to

    def wait(self, sealer: Sealer, clock: Clock) -> None:
        for _ in range(4):
            clock.now += SETTLING_S + 1
            sealer.seal()

    def test_a_late_one_is_sealed_when_it_comes(self, house: House, sealer: Sealer, clock: Clock) -> None:
        with held(house.database, "late") as late:
            write(house, "early")
            assert sealer.seal() == 1
            self.wait(sealer, clock)
            assert watermark(house) == 0
            late.commit()
        self.settle(house, sealer, clock, 2)
        assert check(house) == ["early", "late"]

    def test_one_that_is_taken_back_does_not_hold_up_the_rest(self, house: House, sealer: Sealer, clock: Clock) -> None:
        with held(house.database, "never"):
            write(house, "early")
            self.wait(sealer, clock)
            assert watermark(house) == 0
        self.settle(house, sealer, clock, 2)
        assert check(house) == ["early"]

    def test_a_transaction_that_began_later_is_waited_for_only_once(
        self, house: House, sealer: Sealer, clock: Clock
    ) -> None:
        write(house, "a")
        self.settle(house, sealer, clock, 1)
        with held(house.database, "b"):
            write(house, "c")
            sealer.seal()
            assert watermark(house) == 1
        assert check(house) == ["a", "c"]

    def test_nobody_waits_for_the_sealer_and_it_waits_for_nobody(self, house: House, sealer: Sealer) -> None:
        write(house, "a")
        sealer.seal()
        with Session(house.database.engine) as other:
            other.execute(text("SELECT 1 FROM gatehouse_audit_trees FOR UPDATE"))
            write(house, "b")
            assert Sealer(house.database, HOST).seal() == 0
        assert sealer.seal() == 1

    def test_old_events_are_not_read_again(self, house: House, sealer: Sealer, clock: Clock) -> None:
        write(house, *(f"event.{number}" for number in range(3000)))
        self.settle(house, sealer, clock, 3000)
        with house.database.reading() as connection:
            connection.execute(text("ANALYZE"))
            plan = "\n".join(
                connection.scalars(
                    text(
                        "EXPLAIN SELECT id FROM gatehouse_audit_events e WHERE id > :mark AND NOT EXISTS (SELECT 1"
                        " FROM gatehouse_audit_leaves l WHERE l.event_id = e.id AND l.event_id > :mark) LIMIT 500"
                    ),
                    {"mark": watermark(house)},
                )
            )
        assert "Seq Scan" not in plan


def test_several_workers_make_one_tree(house: House) -> None:
    barrier, count = threading.Barrier(4), 40

    def work(name: int) -> None:
        sealer = Sealer(house.database, HOST)
        barrier.wait()
        for number in range(count):
            write(house, f"event.{name}.{number}")
            sealer.seal()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Sealer(house.database, HOST).seal()
    names = check(house)
    assert len(names) == len(set(names)) == 4 * count
    with house.database.transaction() as db:
        assert db.query(AuditTree).count() == 1


def test_a_restored_trail_goes_on_in_a_tree_of_its_own(house: House, sealer: Sealer) -> None:
    write(house, "a", "b")
    sealer.seal()
    write(house, "not sealed before")
    with house.database.transaction() as db:
        old = db.query(AuditTree).one()
        begin_epoch(db)
    write(house, "c")
    sealer.seal()
    assert check(house) == ["a", "b", "not sealed before", "audit_restored", "c"]
    with house.database.transaction() as db:
        new = db.get_one(AuditTree, 2)
        assert (new.origin, new.size) == (f"{old.origin.rpartition('/')[0]}/2", 3)
    details = f'"details":{{"begins":2,"epoch":1,"root":"{old.root.hex()}","size":2}}'
    assert details in house.trail()[3].body
