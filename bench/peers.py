"""How does Gatehouse stand beside everything else one could use? Puts it into the run that measures its peers.

    python bench/peers.py [--folder ../shared/peers] [--setup] [--only floor1,p1static] [stages …]

The measurements of Flask-Login, Flask-Security, Flask-AppBuilder, Django with allauth and others live in a folder
beside this repository. They are copied to ``build/peers``, get two more peers (``_peer.py``), and run as they are, all
in turn on one machine: ``g_host`` is a host that shows the peers' own templates, ``g_app`` our whole application with
its own dashboard.

``--setup`` installs the peers' locked packages there first, and with apt the servers that are missing: minutes, and
gigabytes. Stages are those of the peers' ``bench.py``; ``inproc http report`` unless told otherwise.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PLACE = REPOSITORY / "build/peers"
NEIGHBOURS = "floor,floor1,p1,p1static,p2,p4,d_core,d_full"
OURS = """    Peer("g_host", "Gatehouse in a host", "gatehouse", "gatehouse", "host"),
    Peer("g_app", "Gatehouse itself, its own dashboard", "gatehouse", "gatehouse", "app"),
"""
END_OF_PEERS = "]\nSEEDS = "


def _copy_writable(source: Path, target: Path) -> None:
    """Copy a folder that may be read only; what is there already and is not in it stays, such as what was installed."""
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if item.is_dir():
            _copy_writable(item, target / item.name)
        else:
            shutil.copyfile(item, target / item.name)


def copy(folder: Path) -> None:
    """Bring the measurements here, with Gatehouse among those who are measured."""
    _copy_writable(folder, PLACE)
    for script in PLACE.glob("*.sh"):
        script.chmod(0o755)
    driver = PLACE / "bench.py"
    text = driver.read_text(encoding="utf-8")
    assert text.count(END_OF_PEERS) == 1, "the peers' bench.py has another list of peers than this one knows"
    driver.write_text(text.replace(END_OF_PEERS, OURS + END_OF_PEERS), encoding="utf-8")
    ours = PLACE / "peers/gatehouse"
    ours.mkdir(exist_ok=True)
    (ours / "app.py").write_bytes((Path(__file__).parent / "_peer.py").read_bytes())
    environment = PLACE / "venvs/gatehouse"
    environment.parent.mkdir(exist_ok=True)
    environment.unlink(missing_ok=True)
    environment.symlink_to(sys.prefix)


@contextmanager
def _servers() -> Iterator[None]:
    """Run the peers' own PostgreSQL and Redis, which their set-up starts once and a restart of the machine ends."""
    subprocess.run([str(PLACE / "services.sh"), "start"], check=True, cwd=PLACE)
    try:
        yield
    finally:
        subprocess.run([str(PLACE / "services.sh"), "stop"], check=True, cwd=PLACE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=REPOSITORY.parent / "shared/peers")
    parser.add_argument("--setup", action="store_true")
    parser.add_argument("--only", default=NEIGHBOURS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("stages", nargs="*", default=["inproc", "http", "report"])
    options = parser.parse_args()
    if not (options.folder / "bench.py").is_file():
        print(f"Not measured: the peers' measurements are not at {options.folder}.")
        return 0
    copy(options.folder)
    if options.setup:
        subprocess.run([str(PLACE / "setup.sh")], check=True, cwd=PLACE, env={**os.environ, "LOCKED": "1"})
    python = PLACE / "venvs/flask/bin/python"
    if not python.exists():
        print("Not measured: python bench/peers.py --setup installs the peers first.")
        return 0
    only = f"{options.only},g_host,g_app"
    quick = ["--quick"] if options.quick else []
    command = [str(python), str(PLACE / "bench.py"), "seed", *options.stages, "--only", only, *quick]
    with _servers(), tempfile.TemporaryDirectory() as metrics:
        return subprocess.run(
            command, cwd=PLACE, env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": metrics}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
