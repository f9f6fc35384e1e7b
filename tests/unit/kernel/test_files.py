"""Files that are there for good, or not at all."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_gatehouse.kernel.files import keep_names, write_new

SOMEBODY_ELSE = 65534


@pytest.fixture
def letter_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in a folder into which one may write, and which one may not read, as whom that binds."""
    folder = tmp_path / "letters"
    folder.mkdir()
    folder.chmod(0o333)
    # Nobody but its owner finds the way to it.
    monkeypatch.chdir(folder)
    before = os.geteuid()
    if before == 0:
        os.seteuid(SOMEBODY_ELSE)
    yield folder
    os.seteuid(before)
    folder.chmod(0o700)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether everything was written, for each time: not the whole machine's, which others wait for."""
    times: list[bool] = []
    monkeypatch.setattr(os, "sync", lambda: times.append(True))
    return times


def test_a_file_stays_in_a_folder_that_cannot_be_read(letter_box: Path, synced: list[bool]) -> None:
    write_new(Path("export.jsonl"), [b"whole"])
    assert synced == [True]
    with pytest.raises(PermissionError):
        list(Path().iterdir())
    assert Path("export.jsonl").read_bytes() == b"whole"


def test_where_no_folder_is_written_by_itself_everything_is(synced: list[bool]) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        _sync(Path("/proc/self"))
    keep_names(Path("/proc/self"))
    assert synced == [True]


def test_where_a_folder_is_written_nothing_else_is(tmp_path: Path, synced: list[bool]) -> None:
    keep_names(tmp_path)
    assert synced == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        keep_names(tmp_path / "gone")


def test_what_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise InterruptedError

    with pytest.raises(InterruptedError):
        write_new(tmp_path / "export.jsonl", pieces())
    assert list(tmp_path.iterdir()) == []


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
