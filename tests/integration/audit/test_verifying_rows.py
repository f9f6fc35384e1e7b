"""Rows of trees and checkpoints that cannot be read are told, and break no verification off."""

import pytest

from tests.integration.audit.thief import Thief, Trail

TREES = "gatehouse_audit_trees"
# What SQLite holds in a column of numbers, octets or texts.
OF_A_TREE = ["origin = x'ff'", "size = 'x'", "root = 'x'", "frontier = 7", "watermark = x'00'", "cut = 'x'"]


@pytest.mark.parametrize("change", OF_A_TREE)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_tree_of_which_the_row_cannot_be_read_is_found(trail: Trail, thief: Thief, change: str) -> None:
    thief.run(f"UPDATE {TREES} SET {change}")
    report = trail.verify()
    assert report.exit_code == 1
    assert "What the tree's row says of itself is not possible" in report.findings.kept[0].sentence


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_note_of_octets_in_the_database_is_a_doubt(trail: Trail, thief: Thief) -> None:
    thief.run("UPDATE gatehouse_audit_checkpoints SET note = CAST(note AS BLOB) WHERE size = 300")
    report = trail.verify()
    assert (report.exit_code, report.doubts) == (2, ["the checkpoint 1-300 in the database is no text."])
