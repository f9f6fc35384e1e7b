"""The key file: written once, readable by its owner alone, and never quoted."""

import os
import resource
import stat
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from flask_gatehouse.audit.errors import (
    KeyFileExists,
    KeyFileExposed,
    KeyFileMalformed,
    KeyFileMissing,
    KeyFileUnreadable,
    UnusableKeyFile,
)
from flask_gatehouse.audit.keys import LARGEST_FILE, read_key, write_key
from flask_gatehouse.audit.note_keys import SigningKey, VerifierKey

# Go's example key: whoever reads this has it anyway.
CANARY = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PRIVATE = f"PRIVATE+KEY+PeterNeumann+c74f20a3+{CANARY}"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
KEY = SigningKey.parse(PRIVATE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.key"


@pytest.fixture
def put(path: Path) -> Callable[..., Path]:
    def put(content: str | bytes, mode: int = 0o600) -> Path:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    return put


def test_what_was_written_is_read(path: Path) -> None:
    write_key(path, KEY)
    assert path.read_text() == PRIVATE + "\n"
    key = read_key(path)
    assert isinstance(key, SigningKey)
    assert key.reveal() == PRIVATE


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_what_was_written(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_key(path, KEY)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_folder_is_made_too(tmp_path: Path) -> None:
    write_key(tmp_path / "a/b/audit.key", KEY)
    assert isinstance(read_key(tmp_path / "a/b/audit.key"), SigningKey)


class TestNothingIsOverwritten:
    @pytest.mark.parametrize("content", ["", PUBLIC, PRIVATE, "something else"])
    def test_a_file(self, path: Path, put: Callable[..., Path], content: str) -> None:
        put(content, 0o644)
        with pytest.raises(KeyFileExists) as caught:
            write_key(path, SigningKey.generate("name"))
        assert caught.value.path == path
        assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (content, 0o644)

    def test_a_link_that_leads_nowhere(self, path: Path, tmp_path: Path) -> None:
        path.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(KeyFileExists):
            write_key(path, KEY)
        assert not (tmp_path / "elsewhere").exists()

    def test_a_folder(self, path: Path) -> None:
        path.mkdir()
        with pytest.raises(KeyFileExists):
            write_key(path, KEY)

    def test_of_many_at_once_one_writes(self, path: Path) -> None:
        barrier = Barrier(8)
        keys = [SigningKey.generate(f"key{number}") for number in range(8)]

        def write(key: SigningKey) -> bool:
            barrier.wait(5)
            try:
                write_key(path, key)
            except KeyFileExists:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            wrote = list(threads.map(write, keys))
        assert sum(wrote) == 1
        assert path.read_text() == keys[wrote.index(True)].reveal() + "\n"


class TestModes:
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777])
    def test_a_private_key_that_others_can_use_is_refused(self, put: Callable[..., Path], mode: int) -> None:
        path = put(PRIVATE, mode)
        with pytest.raises(KeyFileExposed) as caught:
            read_key(path)
        assert (caught.value.path, caught.value.mode) == (path, mode)
        assert f"chmod 600 {path} " in str(caught.value)

    @pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
    def test_one_that_they_cannot_use_is_read(self, put: Callable[..., Path], mode: int) -> None:
        assert isinstance(read_key(put(PRIVATE, mode)), SigningKey)

    @pytest.mark.parametrize("mode", [0o600, 0o644, 0o444])
    def test_a_public_key_may_be_read_by_everybody(self, put: Callable[..., Path], mode: int) -> None:
        assert read_key(put(PUBLIC + "\n", mode)) == KEY.verifier

    @pytest.mark.parametrize("mode", [0o622, 0o602, 0o620, 0o666])
    def test_and_written_by_nobody(self, put: Callable[..., Path], mode: int) -> None:
        """Whoever replaces it has another log believed."""
        path = put(PUBLIC, mode)
        with pytest.raises(KeyFileExposed):
            read_key(path)

    def test_the_remedy_can_be_pasted(self, tmp_path: Path) -> None:
        path = tmp_path / "a key; rm x"
        path.write_text(PRIVATE)
        path.chmod(0o644)
        with pytest.raises(KeyFileExposed, match="chmod 600 '") as caught:
            read_key(path)
        assert f"'{path}'" in str(caught.value)


@pytest.mark.parametrize("around", ["{}", "{}\n", "{}\r\n", "\n{} \n"])
def test_white_space_around_a_key_does_not_matter(put: Callable[..., Path], around: str) -> None:
    assert isinstance(read_key(put(around.format(PRIVATE))), SigningKey)
    assert isinstance(read_key(put(around.format(PUBLIC))), VerifierKey)


MALFORMED: list[str | bytes] = [
    "",
    "something else",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI\n-----END PRIVATE KEY-----\n",
    PRIVATE[:-1],
    PRIVATE.replace("c74f20a3", "c74f20a4"),
    PRIVATE + "\n" + PUBLIC,
    PUBLIC.replace("c74f20a3", "c74f20a4"),
    PRIVATE.encode() + b"\xff",
    PRIVATE + "A" * LARGEST_FILE,
    b"\x00" * (LARGEST_FILE * 3),
]


@pytest.mark.parametrize("content", MALFORMED, ids=lambda content: repr(content[:30]))
def test_anything_else_in_it_is_refused(put: Callable[..., Path], content: str | bytes) -> None:
    path = put(content)
    with pytest.raises(KeyFileMalformed) as caught:
        read_key(path)
    assert caught.value.path == path
    assert caught.value.fault in str(caught.value)


def test_a_file_that_is_not_there(path: Path) -> None:
    with pytest.raises(KeyFileMissing, match="gatehouse audit keygen") as caught:
        read_key(path)
    assert caught.value.path == path


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileUnreadable, match="directory"):
        read_key(tmp_path)


def test_a_file_is_not_a_folder(put: Callable[..., Path]) -> None:
    path = put("")
    for below in (path / "audit.key", path / "deeper/audit.key"):
        with pytest.raises(KeyFileUnreadable):
            write_key(below, KEY)


def test_a_file_that_cannot_be_finished_does_not_stay(tmp_path: Path) -> None:
    """Half a key could not be read, and could not be replaced."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(KeyFileUnreadable, match="too large"):
            write_key(tmp_path / "audit.key", KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_no_failure_shows_the_key(put: Callable[..., Path], path: Path) -> None:
    broken = [content for content in MALFORMED if isinstance(content, str) and CANARY[:20] in content]
    assert len(broken) > 3
    for content, mode in [*((content, 0o600) for content in broken), (PRIVATE, 0o644), (PRIVATE, 0o666)]:
        put(content, mode)
        with pytest.raises(UnusableKeyFile) as caught:
            read_key(path)
        # With causes and contexts, as a log would have it.
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(caught.value))
        assert CANARY[:20] not in shown
        assert caught.value.__context__ is None or caught.value.__suppress_context__
    with pytest.raises(KeyFileExists) as existing:
        write_key(path, KEY)
    assert CANARY[:20] not in "".join(traceback.format_exception(existing.value))
