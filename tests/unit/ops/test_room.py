"""Room for a copy is looked for where there may be some, and a place that is full is passed over."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from flask_gatehouse.ops.backups import archive
from flask_gatehouse.ops.backups.archive import opened
from flask_gatehouse.ops.backups.encryption import MAGIC
from flask_gatehouse.ops.backups.errors import BackupRefused
from flask_gatehouse.ops.backups.room import room_in


class Usage(NamedTuple):
    free: int


def test_the_next_place_is_used_where_the_first_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full, other = tmp_path / "full", tmp_path / "other"
    full.mkdir()
    other.mkdir()
    monkeypatch.setattr(shutil, "disk_usage", {full: Usage(999), other: Usage(1000)}.__getitem__)
    with room_in(full, other, size=1000) as folder:
        assert folder.parent == other
    assert list(other.iterdir()) == []


def test_what_fits_nowhere_is_refused_with_what_is_missing_and_where(tmp_path: Path) -> None:
    with (
        pytest.raises(BackupRefused, match=rf"{10**18} octets are needed, and \d+ are free") as caught,
        room_in(tmp_path, tmp_path / "nowhere", tmp_path, size=10**18),
    ):
        pass
    assert str(caught.value).count(f"{tmp_path} (") == 1
    assert f"{tmp_path / 'nowhere'} (No such file or directory)" in str(caught.value)


@pytest.mark.parametrize(("beginning", "times"), [(b"", 1), (MAGIC, 2)], ids=["plain", "encrypted"])
def test_a_backup_is_opened_where_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: bytes, times: int
) -> None:
    path = tmp_path / "one.backup"
    path.write_bytes(beginning + bytes(5000))
    asked: list[int] = []

    @contextmanager
    def room(*folders: Path, size: int) -> Iterator[Path]:
        asked.append(size)
        with room_in(*folders, size=size) as folder:
            yield folder

    monkeypatch.setattr(archive, "room_in", room)
    with pytest.raises(BackupRefused), opened(path, None, tmp_path):
        pass
    assert asked == [path.stat().st_size * times]
