"""What is signed continues what was signed before, and leaves the database."""

import hashlib
import hmac
import json
import logging
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from flask_gatehouse.alerts.webhook import SIGNATURE
from flask_gatehouse.audit import record
from flask_gatehouse.audit.checkpoints import highest_epoch_in_folder, make_checkpoint, note_name, oldest_uncarried
from flask_gatehouse.audit.errors import InconsistentTree
from flask_gatehouse.audit.models import AuditCheckpoint, AuditTree
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.audit.notes import Checkpoint, open_checkpoint, sign_checkpoint
from flask_gatehouse.audit.sealing import Sealer, begin_epoch
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.kernel.text import Secret
from flask_gatehouse.ops.checkpoints import EVERY_EVENTS, EVERY_S, Witness
from flask_gatehouse.settings import Settings
from tests.integration.audit.thief import Thief
from tests.integration.conftest import House

KEY = SigningKey.generate("gate.example.com")
SECRET = "a-secret-for-the-webhook"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sealer(house: House) -> Sealer:
    return Sealer(house.database, "gate.example.com")


def grow(house: House, sealer: Sealer, count: int = 3) -> None:
    with house.database.transaction() as db:
        for _ in range(count):
            record("something.happened", session=db)
    sealer.seal()


def sign(house: House, *outside: Checkpoint, key: SigningKey = KEY) -> Checkpoint | None:
    with house.database.transaction() as db:
        note = make_checkpoint(db, key, outside)
    return None if note is None else open_checkpoint(note, [key.verifier])


def tamper(house: House, statement: str) -> None:
    Thief(house.database.engine).run(statement)


class TestSigning:
    def test_a_checkpoint_says_how_the_tree_stands(self, house: House, sealer: Sealer) -> None:
        grow(house, sealer)
        said = sign(house)
        with house.database.transaction() as db:
            tree = db.query(AuditTree).one()
        assert said == Checkpoint(tree.origin, 3, tree.root)

    def test_nothing_new_is_not_signed_again(self, house: House, sealer: Sealer) -> None:
        assert sign(house) is None
        grow(house, sealer)
        assert sign(house) is not None
        assert sign(house) is None

    @pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 253, 1), (256, 256), (5, 600)])
    def test_a_tree_that_grows_is_signed_again_and_again(
        self, house: House, sealer: Sealer, sizes: tuple[int, ...]
    ) -> None:
        earlier: list[Checkpoint] = []
        for count in sizes:
            grow(house, sealer, count)
            said = sign(house, *earlier)
            assert said is not None
            earlier.append(said)

    def test_another_history_of_the_same_length_is_not_signed(self, house: House, sealer: Sealer) -> None:
        grow(house, sealer)
        said = sign(house)
        assert said is not None
        tamper(house, "DELETE FROM gatehouse_audit_checkpoints")
        tamper(house, "DELETE FROM gatehouse_audit_leaves")
        tamper(house, "DELETE FROM gatehouse_audit_events")
        with house.database.transaction() as db:
            tree = db.query(AuditTree).one()
            tree.size, tree.frontier, tree.watermark = 0, b"", 0
        grow(house, sealer)
        with pytest.raises(InconsistentTree, match="does not continue the 3"):
            sign(house, said)
        # Without anybody outside who remembers, it looks like a trail as good as any.
        assert sign(house) is not None

    def test_a_shorter_history_is_not_signed(self, house: House, sealer: Sealer) -> None:
        grow(house, sealer, 1)
        first = sign(house)
        grow(house, sealer)
        second = sign(house)
        assert first is not None
        assert second is not None
        tamper(house, "DELETE FROM gatehouse_audit_checkpoints WHERE size = 4")
        tamper(house, "DELETE FROM gatehouse_audit_leaves WHERE position > 0")
        with house.database.transaction() as db:
            tree = db.query(AuditTree).one()
            tree.size, tree.root, tree.frontier = 1, first.root, first.root
        with pytest.raises(InconsistentTree):
            sign(house, second)

    def test_the_database_itself_remembers_too(self, house: House, sealer: Sealer) -> None:
        grow(house, sealer)
        sign(house)
        with house.database.transaction() as db:
            db.query(AuditTree).one().root = b"x" * 32
        with pytest.raises(InconsistentTree):
            sign(house)

    def test_a_new_epoch_begins_anew(self, house: House, sealer: Sealer) -> None:
        grow(house, sealer, 5)
        old = sign(house)
        assert old is not None
        with house.database.transaction() as db:
            begin_epoch(db)
        sealer.seal()
        new = sign(house, old)
        assert new is not None
        assert (new.origin.rpartition("/")[2], new.size) == ("2", 1)

    def test_a_database_from_before_the_epoch_signs_nothing(self, house: House, sealer: Sealer) -> None:
        grow(house, sealer, 5)
        old = sign(house)
        assert old is not None
        with pytest.raises(InconsistentTree):
            sign(house, replace(old, origin=f"{old.origin.rpartition('/')[0]}/2", size=1))

    def test_another_key_goes_on(self, house: House, sealer: Sealer) -> None:
        grow(house, sealer)
        sign(house)
        grow(house, sealer)
        assert sign(house, key=SigningKey.generate("gate.example.com")) is not None


@dataclass
class Receiver:
    """Somebody who takes webhooks."""

    url: str
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            found.signatures.append(self.headers[SIGNATURE])
            self.send_response(found.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def settings_with(folder: Path | None = None, hook: str | None = None) -> Settings:
    loaded = Settings.load({"GATEHOUSE_ENV": "development", "SECRET_KEY": "k" * 40}, {})
    return replace(
        loaded,
        checkpoint_dir=folder,
        alert_webhook_url=Secret(hook) if hook else None,
        alert_webhook_secret=Secret(SECRET) if hook else None,
    )


def test_a_number_of_thousands_of_digits_is_that_of_no_epoch(tmp_path: Path) -> None:
    log = "gate.example.com/gatehouse/0123456789abcdef"
    for size, epoch in enumerate(("7", "9" * 5000), 1):
        note = sign_checkpoint(Checkpoint(f"{log}/{epoch}", size, b"r" * 32), KEY)
        (tmp_path / note_name(7, size)).write_text(note)
    assert highest_epoch_in_folder(tmp_path, log) == 7


class TestUncarried:
    def find(self, house: House) -> bool:
        with house.database.reading() as connection:
            return oldest_uncarried(connection) is not None

    def test_what_is_not_sealed_is_in_no_checkpoint(self, house: House, sealer: Sealer, tmp_path: Path) -> None:
        witness = Witness(house.database, settings_with(tmp_path), KEY)
        assert not self.find(house)
        for _ in range(2):
            with house.database.transaction() as db:
                record("something.happened", session=db)
            assert self.find(house)
            sealer.seal()
            assert self.find(house)
            witness.sign()
            witness.publish()
            assert not self.find(house)


class TestLeaving:
    def test_into_the_folder(self, house: House, sealer: Sealer, tmp_path: Path) -> None:
        folder = tmp_path / "notes"
        witness = Witness(house.database, settings_with(folder), KEY)
        witness.sign_if_due()
        assert not folder.exists()
        grow(house, sealer)
        witness.sign_if_due()
        (path,) = folder.iterdir()
        assert path.name == note_name(1, 3) == "1-000000000003.note"
        # Whoever verifies may be somebody else.
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert open_checkpoint(path.read_text(), [KEY.verifier]).size == 3
        witness.sign_if_due()
        assert len(list(folder.iterdir())) == 1

    def test_after_a_minute_or_a_thousand_events(self, house: House, sealer: Sealer, tmp_path: Path) -> None:
        clock = Clock()
        witness = Witness(house.database, settings_with(tmp_path), KEY, clock)
        grow(house, sealer)
        witness.sign_if_due()
        grow(house, sealer)
        clock.now += EVERY_S - 1
        witness.sign_if_due()
        assert len(list(tmp_path.glob("*.note"))) == 1
        clock.now += 1
        witness.sign_if_due()
        assert len(list(tmp_path.glob("*.note"))) == 2
        grow(house, sealer, EVERY_EVENTS)
        witness.sign_if_due()
        assert len(list(tmp_path.glob("*.note"))) == 3

    def test_into_the_log(self, house: House, sealer: Sealer, caplog: pytest.LogCaptureFixture) -> None:
        grow(house, sealer)
        with caplog.at_level(logging.INFO, "flask_gatehouse.audit"):
            Witness(house.database, settings_with(), KEY).sign_if_due()
        (line,) = caplog.messages
        assert line.startswith("checkpoint gate.example.com/gatehouse/")
        assert "\n" not in line
        # The note is there as it was signed, with its newlines written as bars.
        note = line.removeprefix("checkpoint ").replace(" | ", "\n") + "\n"
        assert open_checkpoint(note, [KEY.verifier]).size == 3

    def test_to_the_webhook_signed(self, house: House, sealer: Sealer, receiver: Receiver) -> None:
        grow(house, sealer)
        Witness(house.database, settings_with(hook=receiver.url), KEY).sign_if_due()
        (body,), (signature,) = receiver.bodies, receiver.signatures
        moment, _, digest = signature.removeprefix("t=").partition(",v1=")
        expected = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        assert digest == expected
        content = json.loads(body)
        assert content["type"] == "audit.checkpoint"
        assert open_checkpoint(content["note"], [KEY.verifier]).size == content["size"] == 3

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_what_is_not_taken_is_brought_again(
        self, house: House, sealer: Sealer, receiver: Receiver, status: int
    ) -> None:
        witness = Witness(house.database, settings_with(hook=receiver.url), KEY)
        grow(house, sealer)
        receiver.status = status
        for _ in range(2):
            with pytest.raises(DependencyUnavailable, match=str(status)):
                witness.sign_if_due()
        receiver.status = 200
        witness.sign_if_due()
        witness.sign_if_due()
        assert len(receiver.bodies) == 3
        with house.database.transaction() as db:
            assert db.query(AuditCheckpoint).one().delivered_at is not None

    def test_a_folder_that_takes_nothing_keeps_nothing_back(self, house: House, sealer: Sealer, tmp_path: Path) -> None:
        blocked = tmp_path / "file"
        blocked.write_text("not a folder")
        witness = Witness(house.database, settings_with(blocked), KEY)
        grow(house, sealer)
        with pytest.raises(DependencyUnavailable, match="folder of checkpoints"):
            witness.sign_if_due()
        blocked.unlink()
        witness.sign_if_due()
        assert [path.name for path in blocked.iterdir()] == [note_name(1, 3)]

    def test_a_note_that_cannot_get_its_name_leaves_nothing(self, house: House, sealer: Sealer, tmp_path: Path) -> None:
        """It is tried again each minute, and the folder would fill."""
        folder = tmp_path / "notes"
        witness = Witness(house.database, settings_with(folder), KEY)
        grow(house, sealer)
        witness.sign()
        blocked = folder / note_name(1, 3)
        blocked.mkdir(parents=True)
        with pytest.raises(DependencyUnavailable, match="folder of checkpoints"):
            witness.publish()
        assert list(folder.iterdir()) == [blocked]
        blocked.rmdir()
        witness.publish()
        assert blocked.is_file()

    def test_what_does_not_fit_is_told_once_and_not_signed(
        self, house: House, sealer: Sealer, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock = Clock()
        witness = Witness(house.database, settings_with(tmp_path), KEY, clock)
        grow(house, sealer)
        witness.sign_if_due()
        tamper(house, "DELETE FROM gatehouse_audit_checkpoints")
        with house.database.transaction() as db:
            db.query(AuditTree).one().root = b"x" * 32
        for _ in range(3):
            clock.now += EVERY_S
            witness.sign_if_due()
        assert len(list(tmp_path.glob("*.note"))) == 1
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert house.events().count("audit_verify_failed") == 1

    def test_notes_of_others_in_the_folder_bind_nobody(self, house: House, sealer: Sealer, tmp_path: Path) -> None:
        (tmp_path / note_name(1, 999)).write_text("garbage\n")
        (tmp_path / "readme.note").write_bytes(b"\xff")
        grow(house, sealer)
        Witness(house.database, settings_with(tmp_path), KEY).sign_if_due()
        assert (tmp_path / note_name(1, 3)).exists()

    def test_of_many_notes_the_newest_is_opened_alone(
        self, house: House, sealer: Sealer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There is a note for each minute: what is done with each of them is done for years of them."""
        clock = Clock()
        witness = Witness(house.database, settings_with(tmp_path), KEY, clock)
        for _ in range(5):
            grow(house, sealer)
            clock.now += EVERY_S
            witness.sign_if_due()
        opened: list[str] = []
        read = Path.read_text

        def watched(path: Path, *words: Any, **options: Any) -> str:
            opened.append(path.name)
            return read(path, *words, **options)

        monkeypatch.setattr(Path, "read_text", watched)
        grow(house, sealer)
        clock.now += EVERY_S
        witness.sign_if_due()
        assert opened == [note_name(1, 15)]
        assert (tmp_path / note_name(1, 18)).exists()
