"""Checking an export as somebody else would: by the command line, and what it says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flask_gatehouse.audit.verify_export import main
from tests.unit.audit.exports import Lines, write

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    def check(lines: Lines, *keys: str) -> tuple[int, str]:
        path = write(tmp_path / "export.jsonl", lines)
        code = main([str(path), *(part for key in keys for part in ("--key", key))])
        return code, capsys.readouterr().out

    return check
