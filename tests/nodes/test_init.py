"""``gatehouse init`` writes what a first configuration needs, and nothing over what is there."""

import stat
from pathlib import Path

import pytest

from flask_gatehouse.settings import ConfigurationError, Settings
from tests.nodes.sites import console_script


def test_it_writes_a_secret_that_only_its_owner_reads(tmp_path: Path) -> None:
    # Before there is anything that could be loaded.
    done = console_script(["init"], {}, tmp_path)
    assert done.returncode == 0, done.stderr
    path = tmp_path / ".env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "gatehouse create-admin" in done.stdout
    key = next(line.partition("=")[2] for line in text.splitlines() if line.startswith("SECRET_KEY="))
    assert key not in done.stdout + done.stderr
    with pytest.raises(ConfigurationError) as missing:
        Settings.load({}, {}, directory=tmp_path)
    assert "SECRET_KEY" not in str(missing.value)

    path.write_text(text.replace("#GATEHOUSE_BASE_URL=", "GATEHOUSE_BASE_URL="))
    assert Settings.load({}, {}, directory=tmp_path).secret_key.reveal() == key
    checked = console_script(["db", "check"], {}, tmp_path)
    assert (checked.returncode, checked.stdout) == (1, "")
    assert checked.stderr.startswith(f"Error: there is no database at {tmp_path / 'instance/gatehouse.db'}; ")
    assert [one.name for one in tmp_path.iterdir()] == [".env"]
    assert console_script(["db", "upgrade"], {}, tmp_path).returncode == 0
    assert console_script(["db", "check"], {}, tmp_path).returncode == 0


def test_each_has_a_key_of_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
        assert console_script(["init"], {}, folder).returncode == 0
    assert len({(folder / ".env").read_text() for folder in folders}) == 2


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_there_stays(tmp_path: Path, kind: str) -> None:
    path, elsewhere = tmp_path / ".env", tmp_path / "elsewhere"
    if kind == "file":
        path.write_text("SECRET_KEY=mine\n")
    else:
        # A link to nothing: whoever could place it would choose which file is made.
        path.symlink_to(elsewhere)
    done = console_script(["init"], {}, tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "was left as it is" in done.stderr
    assert not elsewhere.exists()
    assert kind == "link" or path.read_text() == "SECRET_KEY=mine\n"
