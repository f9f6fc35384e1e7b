"""Backups over real processes: made while people work, restored in one step, and worth nothing to anybody else."""

import io
import json
import os
import secrets
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flask_gatehouse.audit.events import AuditEvent
from flask_gatehouse.kernel.context import COMMAND_LINE
from flask_gatehouse.privacy.erasure import erase_user
from flask_gatehouse.settings import Settings
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, gatehouse, running_site
from tests.processes import PROGRAMS, Node

Open = Callable[[Node], Browser]


@pytest.fixture(scope="module")
def site(place: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("keys")
    environment = {
        "GATEHOUSE_AUDIT_KEY_FILE": str(folder / "audit.key"),
        "GATEHOUSE_CHECKPOINT_DIR": str(folder / "checkpoints"),
        "GATEHOUSE_ERASURE_LEDGER": str(folder / "erasures.ledger"),
    }
    settings = {**environment, "GATEHOUSE_ENV": "development", "DATABASE_URL": place}
    made = gatehouse(("audit", "keygen"), settings, folder)
    assert made.returncode == 0, made.stderr
    with running_site(place, environment) as site:
        yield site


def run(site: Site, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return gatehouse([str(word) for word in words], {**site.environment, **more}, site.node.directory)


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_intact(site: Site) -> bool:
    return run(site, "audit", "verify").returncode == 0


def test_what_comes_back_is_what_was_saved_and_nobody_is_signed_in(
    site: Site, open_browser: Open, tmp_path: Path
) -> None:
    old, erased, new = (new_address(word) for word in ("old", "erased", "new"))
    browser = open_browser(site.node)
    for email in (erased, old):
        browser.sign_in(email)
    path = tmp_path / "one.backup"
    said = json.loads(ok(run(site, "backup", path, "--json")))
    assert said["counts"]["gatehouse_users"] == site.users()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [event for event, _ in site.events(event=AuditEvent.BACKUP_MADE)]

    user_id = site.user_id(erased)
    assert user_id is not None
    settings = Settings.load({}, site.environment, directory=site.node.directory)
    erase_user(site.database, settings, user_id, actor=COMMAND_LINE)
    stranger = open_browser(site.node)
    stranger.sign_in(new)
    until(lambda: is_intact(site))
    restored = json.loads(ok(run(site, "restore", path, "--yes", "--json")))
    assert restored["erased"] == 1
    assert restored["ledger"] == {"is_there": True, "of_this_database": 1, "of_others": 0, "rewritten_line": None}
    assert site.user_id(old) is not None
    assert site.user_id(erased) is None
    assert site.user_id(new) is None
    # The node has gone on running, and lets nobody in who was there before.
    until(lambda: site.node.process.poll() is None and browser.get("/healthz").status_code == 200)
    assert not browser.is_signed_in()
    assert not stranger.is_signed_in()
    browser.sign_in(old)
    assert browser.is_signed_in()
    until(lambda: is_intact(site))
    shown = ok(run(site, "audit", "verify"))
    assert "epoch 2" in shown


def test_a_drill_leaves_everything_as_it_was(site: Site, open_browser: Open) -> None:
    browser = open_browser(site.node)
    browser.sign_in(new_address())
    before, made = (site.users(), sorted(site.node.directory.rglob("*.backup"))), backups_recorded(site)
    said = json.loads(ok(run(site, "backup", "--drill", "--json")))
    assert said["verified"]["result"] == "intact"
    assert said["counts"]["gatehouse_users"] == before[0]
    assert (site.users(), sorted(site.node.directory.rglob("*.backup"))) == before
    assert browser.is_signed_in()
    # Nothing of it could be restored, so that it is no answer to whoever asks for the last backup.
    assert backups_recorded(site) == made
    assert [event for event, _ in site.events(event=AuditEvent.BACKUP_DRILLED)]


def backups_recorded(site: Site) -> int:
    return len(site.events(event=AuditEvent.BACKUP_MADE))


def test_a_backup_is_of_one_moment_though_people_go_on(site: Site, open_browser: Open, tmp_path: Path) -> None:
    """Each sign-in writes a user, a session and events in one transaction: a backup has all of them or none."""
    for number in range(3):
        process = subprocess.Popen(
            [str(one) for one in _command(site, tmp_path / f"{number}.backup")], env=_environment(site), cwd=tmp_path
        )
        while process.poll() is None:
            open_browser(site.node).sign_in(new_address())
        assert process.returncode == 0
        manifest = _manifest(tmp_path / f"{number}.backup")
        assert manifest["counts"]["gatehouse_users"] <= manifest["counts"]["gatehouse_identities"]
    ok(run(site, "backup", "--drill"))


def _command(site: Site, path: Path) -> list[object]:
    return [PROGRAMS / "gatehouse", "backup", path]


def _environment(site: Site) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **site.environment}


def _manifest(path: Path) -> dict[str, dict[str, int]]:
    with tarfile.open(path) as tar:
        file = tar.extractfile("manifest.json")
        assert file is not None
        found: dict[str, dict[str, int]] = json.load(file)
        return found


@pytest.fixture(scope="module")
def good(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that would be taken, for tests that each spoil a copy of it."""
    path = tmp_path_factory.mktemp("saved") / "good.backup"

    def is_of_a_log() -> bool:
        path.unlink(missing_ok=True)
        ok(run(site, "backup", path))
        return bool(_manifest(path)["log"])

    # Before anything is sealed, it is of none.
    until(is_of_a_log)
    return path


class TestRefusals:
    """A file that is not right is refused before anything is touched."""

    @pytest.fixture
    def saved(self, good: Path, tmp_path: Path) -> Path:
        return Path(shutil.copy(good, tmp_path))

    def refuse(self, site: Site, path: Path, why: str, **more: str) -> None:
        before = site.last_event(), site.users()
        done = run(site, "restore", path, "--yes", **more)
        assert done.returncode == 1
        assert why in done.stderr
        assert "Traceback" not in done.stderr
        assert (site.events(before[0]), site.users()) == ([], before[1])

    def test_a_damaged_one(self, site: Site, saved: Path) -> None:
        octets = bytearray(saved.read_bytes())
        octets[len(octets) // 2] ^= 1
        saved.write_bytes(octets)
        self.refuse(site, saved, "cannot be restored")

    @pytest.mark.parametrize("part", [0.1, 0.6, 1])
    def test_one_that_was_cut_off(self, site: Site, saved: Path, part: float) -> None:
        with tarfile.open(saved) as tar:
            last = tar.getmembers()[-1]
        # What follows the last octet of the database is filling, and nobody misses that.
        saved.write_bytes(saved.read_bytes()[: int((last.offset_data + last.size) * part) - 1])
        self.refuse(site, saved, "cannot be restored")

    def test_something_else(self, site: Site, tmp_path: Path) -> None:
        path = tmp_path / "letter.txt"
        path.write_text("Dear Sir or Madam")
        self.refuse(site, path, "cannot be restored")
        self.refuse(site, tmp_path / "nowhere", "No such file")
        self.refuse(site, tmp_path / "nowhere" / "one.backup", "No such file")

    def test_a_ledger_that_cannot_be_read(self, site: Site, saved: Path, tmp_path: Path) -> None:
        self.refuse(site, saved, "the ledger of erasures", GATEHOUSE_ERASURE_LEDGER=str(tmp_path))

    def test_a_ledger_whose_last_line_is_cut_off(self, site: Site, saved: Path, tmp_path: Path) -> None:
        ledger = tmp_path / "erasures.ledger"
        entry = {"at": "2026-01-01T00:00:00+00:00", "database": "d", "marks": [], "subjects": [], "v": 1}
        ledger.write_text(f"{json.dumps(entry)}\n{json.dumps(entry)[:-9]}")
        why = f"line 2 of the ledger of erasures {ledger} is cut off in the middle"
        self.refuse(site, saved, why, GATEHOUSE_ERASURE_LEDGER=str(ledger))

    def test_a_folder_that_takes_no_files(self, site: Site, tmp_path: Path) -> None:
        for folder, why in (
            (tmp_path / "nowhere", "there is no folder"),
            (Path("/proc/self/fd"), "no room for a copy"),
        ):
            done = run(site, "backup", folder / "one.backup")
            assert done.returncode == 1
            assert why in done.stderr
            assert "Traceback" not in done.stderr

    def test_one_of_a_newer_release(self, site: Site, saved: Path) -> None:
        self.rewrite(saved, schema="9999")
        self.refuse(site, saved, "9999")

    def test_one_of_another_application(self, site: Site, saved: Path) -> None:
        self.rewrite(saved, log="else.example.com/gatehouse/0123456789abcdef")
        self.refuse(site, saved, "else.example.com")

    def test_one_of_another_kind_of_database(self, site: Site, saved: Path) -> None:
        self.rewrite(saved, kind="oracle")
        self.refuse(site, saved, "oracle")

    def test_one_whose_manifest_says_something_else(self, site: Site, saved: Path) -> None:
        self.rewrite(saved, counts={})
        self.refuse(site, saved, "not what its manifest says")

    def test_an_existing_file_is_not_written_over(self, site: Site, saved: Path) -> None:
        before = saved.read_bytes()
        done = run(site, "backup", saved)
        assert done.returncode == 1
        assert "exists already" in done.stderr
        assert saved.read_bytes() == before

    def test_whoever_says_no(self, site: Site, saved: Path) -> None:
        before = site.last_event()
        done = run(site, "restore", saved)
        assert done.returncode == 1
        assert site.events(before) == []

    def rewrite(self, path: Path, **changes: object) -> None:
        with tarfile.open(path) as tar:
            parts = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
        parts["manifest.json"] = json.dumps(json.loads(parts["manifest.json"]) | changes).encode()
        with tarfile.open(path, "w") as tar:
            for name, octets in parts.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(octets)
                tar.addfile(entry, io.BytesIO(octets))


class TestEncryption:
    def test_it_opens_with_its_key_alone(self, site: Site, tmp_path: Path) -> None:
        keys = [tmp_path / name for name in ("one.key", "other.key", "short.key")]
        for key, length in zip(keys, (32, 32, 31), strict=True):
            key.write_bytes(secrets.token_bytes(length))
        path = tmp_path / "sealed.backup"
        ok(run(site, "backup", path, GATEHOUSE_BACKUP_KEY_FILE=str(keys[0])))
        assert b"SQLite format" not in path.read_bytes()
        assert b"PGDMP" not in path.read_bytes()
        refuse = TestRefusals().refuse
        refuse(site, path, "no key is known")
        refuse(site, path, "does not open it", GATEHOUSE_BACKUP_KEY_FILE=str(keys[1]))
        refuse(site, path, "shorter than 32 bytes", GATEHOUSE_BACKUP_KEY_FILE=str(keys[2]))
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        refuse(site, path, "does not open it", GATEHOUSE_BACKUP_KEY_FILE=str(keys[0]))
        path.write_bytes(whole)
        ok(run(site, "restore", path, "--yes", GATEHOUSE_BACKUP_KEY_FILE=str(keys[0])))


def test_a_full_disk_is_said_and_leaves_nothing_behind(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "small" / "one.backup"
    path.parent.mkdir()
    # No file may grow beyond this, which the system tells like a full disk.
    limited = ["prlimit", "--fsize=20000", "--", *(str(word) for word in _command(site, path))]
    done = subprocess.run(limited, env=_environment(site), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert list(path.parent.iterdir()) == []


def test_a_disk_that_fills_up_while_a_backup_is_restored_is_said(site: Site, good: Path, tmp_path: Path) -> None:
    mark = site.last_event()
    for size in (20_000, good.stat().st_size + 4096):
        command = ["prlimit", f"--fsize={size}", "--", str(PROGRAMS / "gatehouse"), "restore", str(good), "--yes"]
        done = subprocess.run(command, env=_environment(site), cwd=tmp_path, capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        if done.returncode:
            assert site.events(mark) == []


def test_a_backup_is_restored_from_where_nothing_can_be_written(site: Site, good: Path, tmp_path: Path) -> None:
    with good.open("rb") as file:
        name = f"/proc/self/fd/{file.fileno()}"
        command = [str(PROGRAMS / "gatehouse"), "restore", name, "--yes"]
        environment = _environment(site) | {"GATEHOUSE_ERASURE_LEDGER": str(tmp_path / "another.ledger")}
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, pass_fds=[file.fileno()], capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert f"The ledger {tmp_path / 'another.ledger'} is not there: nobody was erased again." in said
    before = f"The ledger of erasures {tmp_path / 'another.ledger'} is not there: whoever was erased since comes back."
    assert said.index(before) < said.index("Restored")


def test_before_anybody_says_yes_she_knows_whether_there_is_a_ledger(site: Site, good: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "another.ledger"
    environment = _environment(site) | {"GATEHOUSE_ERASURE_LEDGER": str(ledger)}

    def asked() -> str:
        command = [PROGRAMS / "gatehouse", "restore", good]
        done = subprocess.run(
            command, cwd=site.node.directory, env=environment, input="n\n", capture_output=True, text=True
        )
        assert done.returncode == 1
        return done.stdout.partition("Put it in the place")[0]

    assert "is not there: whoever was erased since comes back" in asked()
    ledger.write_text('{"at":"2026-01-01T00:00:00+00:00","database":"d","marks":[],"subjects":[],"v":1}')
    assert f"The ledger of erasures {ledger} knows of 1:" in asked()


def test_a_restore_that_is_killed_leaves_the_database_as_it_was(site: Site, open_browser: Open, tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    ok(run(site, "backup", path))
    email = new_address("later")
    browser = open_browser(site.node)
    browser.sign_in(email)
    killed = 0
    # At once, later, and so on until it has done its work, however long that takes here.
    for delay in (0.2 * 1.5**number for number in range(16)):
        command = [str(PROGRAMS / "gatehouse"), "restore", str(path), "--yes"]
        process = subprocess.Popen(command, env=_environment(site), cwd=tmp_path, stderr=-3, stdout=-3)
        time.sleep(delay)
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        # The old one as a whole, or the new one as a whole.
        if site.user_id(email) is None:
            break
        killed += 1
        assert browser.is_signed_in()
    assert killed
