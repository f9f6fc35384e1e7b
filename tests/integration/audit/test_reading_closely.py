"""Events that only the parser can judge are read by one statement for a stretch, and not by one for each."""

from typing import Any

import pytest

from flask_gatehouse.audit.snapshot import Snapshot, snapshot
from flask_gatehouse.audit.verifying.stretch import Stretch, read_stretch
from tests.integration.audit.thief import Thief, Trail


def read_counted(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> tuple[Stretch, int]:
    """Return what a stretch of everything says, and how many statements were executed for it."""
    statements, execute = [], Snapshot.all

    def counted(now: Snapshot, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        statements.append(statement)
        return execute(now, statement, *parameters)

    monkeypatch.setattr(Snapshot, "all", counted)
    with snapshot(trail.engine) as now:
        return read_stretch(now, 1, 0, 300), len(statements)


def test_however_many_events_must_be_read_closely_that_is_one_more_statement(
    young_trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    young_trail.happen(150)
    young_trail.happen(150, personal={"name": 'Ada "Größe" King'})
    young_trail.seal()
    stretch, statements = read_counted(young_trail, monkeypatch)
    assert (stretch.leaves, stretch.findings, stretch.absent, statements) == (300, [], {}, 2)


# PostgreSQL takes nothing but text.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_column_that_cannot_be_json_costs_no_statement_for_each_row(
    trail: Trail, thief: Thief, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief.run(
        "UPDATE gatehouse_audit_events SET request_id = CAST(x'ff' AS TEXT) WHERE id = :event", event=thief.event_id(5)
    )
    stretch, statements = read_counted(trail, monkeypatch)
    # Columns as JSON, then as they are, each time by the driver's way first, which gives up; and all of them closely.
    assert ([one.first for one in stretch.findings], stretch.leaves, statements) == ([5], 300, 5)
