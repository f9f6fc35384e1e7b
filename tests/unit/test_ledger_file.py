"""The file of the ledger is there after a power cut, and no more is flushed for that than it takes."""

import errno
import os
from pathlib import Path

import pytest

from flask_gatehouse.privacy import ledger


def test_its_name_is_kept_once_and_before_anything_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "erasures.ledger"
    kept: list[int] = []

    def keep(folder: Path) -> None:
        kept.append(path.stat().st_size)
        if len(kept) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(ledger, "keep_names", keep)
    with pytest.raises(OSError, match="Input/output error"):
        add(path, "one")
    # What failed is tried again, and what was done is not.
    add(path, "one")
    add(path, "two")
    assert kept == [0, 0]
    assert path.read_text() == "one\ntwo\n"


def add(path: Path, line: str) -> None:
    ledger.append(path, [line], lambda torn: False)
