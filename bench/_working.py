"""The worker of a site, as an operator starts it beside its nodes."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.nodes.sites import Site
from tests.processes import PROGRAMS


@contextmanager
def working(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker of a site beside its nodes."""
    with (site.node.directory / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [str(PROGRAMS / "gatehouse"), "worker"],
            env={"PATH": str(PROGRAMS), **site.environment},
            cwd=site.node.directory,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)
