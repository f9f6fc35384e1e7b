"""What somebody reads whose machine cannot fetch the browser code."""

import sys

import pytest

from tools import vendor


def test_a_failing_npm_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "npm_command", lambda: [sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(SystemExit, match="NODE_EXTRA_CA_CERTS"):
        vendor.main()
