"""``gatehouse …`` as an operator first meets it, in a folder where nothing is set up."""

import stat
import subprocess
from importlib.metadata import version
from pathlib import Path

from tests.nodes.sites import console_script

DEVELOPMENT = {"GATEHOUSE_ENV": "development"}


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return console_script(words, DEVELOPMENT, folder)


def run_in_production(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run it where no setting is made."""
    return console_script(words, {}, folder)


def test_it_says_its_own_version_and_offers_nothing_of_flasks(tmp_path: Path) -> None:
    """Also where nothing is configured, which is where one asks for help."""
    assert run_in_production(tmp_path, "--version").stdout == f"gatehouse, version {version('Flask-Gatehouse')}\n"
    told = run_in_production(tmp_path, "--help").stdout
    assert "create-admin" in told
    # All of it once more, another application, and a debugger that runs what a browser sends.
    assert not [line for line in told.splitlines() if line.startswith("  gatehouse ")]
    assert "--app" not in told
    assert "No such option '--debug'" in run_in_production(tmp_path, "--debug", "run").stderr
    assert "No such command 'upgrade'" in run_in_production(tmp_path, "upgrade").stderr
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_its_database_is_nobody_elses(tmp_path: Path) -> None:
    assert run(tmp_path, "db", "upgrade").returncode == 0
    assert stat.S_IMODE((tmp_path / "instance").stat().st_mode) == 0o700


def test_a_trail_that_is_not_there_cannot_be_verified_and_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, "audit", "verify")
    assert done.returncode == 2
    place = tmp_path / "instance/gatehouse.db"
    assert done.stderr == (
        f"Error: there is no database at {place}; look at its address, or make it: gatehouse db upgrade.\n"
    )
    assert not place.exists()


def test_a_backup_into_no_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    assert run(tmp_path, "db", "upgrade").returncode == 0
    place = tmp_path / "mistyped"
    done = run(tmp_path, "backup", str(place / "today.backup"))
    assert (done.returncode, done.stderr.splitlines()[1:]) == (1, [])
    assert done.stderr.endswith(f"cannot be written: there is no folder {place}.\n")
    assert not place.exists()
