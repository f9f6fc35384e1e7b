"""A trail of 300 events, with checkpoints at 100, 200 and 300."""

from pathlib import Path

import pytest

from flask_gatehouse.db.database import Database
from tests.integration.audit.thief import Thief, Trail


@pytest.fixture
def young_trail(database: Database, tmp_path: Path) -> Trail:
    """A trail in which nothing has happened."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    return Trail(database, folder)


@pytest.fixture
def trail(young_trail: Trail) -> Trail:
    for _ in range(3):
        young_trail.happen(100)
        young_trail.sign()
    return young_trail


@pytest.fixture
def thief(trail: Trail) -> Thief:
    return Thief(trail.engine)
