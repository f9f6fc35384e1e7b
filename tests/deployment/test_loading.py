"""How ``deploy/gunicorn.conf.py`` lets a worker begin."""

from pathlib import Path

import requests

from tests.deployment.units import CONFIGURATION
from tests.processes import PATIENCE_S, running_gatehouse
from tools.provision import ROOT


def test_garbage_is_looked_for_once_a_worker_has_loaded_and_not_in_what_it_has_loaded(tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'gatehouse.db'}",
        "GUNICORN_CMD_ARGS": f"--config {CONFIGURATION}",
        "PYTHONPATH": str(ROOT),
        # Of the metrics, whose folder nobody takes away when a node is killed.
        "TMPDIR": str(tmp_path),
    }
    with running_gatehouse(environment, server="gunicorn", application="tests.deployment.loaded:app") as node:
        told = requests.get(f"{node.base_url}/garbage", timeout=PATIENCE_S).json()
    assert (told["while_loading"], told["now"]) == (False, True)
    # Flask and SQLAlchemy alone are a hundred thousand objects.
    assert told["left_alone"] > 100_000 > told["looked_at"]
