"""The verifier that travels: what it calls intact, what it cannot say, and that it needs nobody."""

import ast
import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flask_gatehouse.audit import verify_export
from flask_gatehouse.audit.verify_export import LONGEST_LINE, main
from tests.unit.audit.exports import KEY, STRANGER, VKEY, Lines, end, epoch, unproven, write

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def export() -> Lines:
    return end([*epoch(1, 7), unproven(7)])


class TestIntact:
    @pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 100])
    def test_of_any_size(self, check: Check, size: int) -> None:
        code, said = check(end(epoch(1, size)), VKEY)
        assert code == 0, said
        assert f"INTACT: {size} events are proven, 0 are not in a tree yet" in said
        assert "signed by the key that you gave" in said
        assert "WARNING" not in said

    def test_of_several_epochs_and_keys_and_with_what_is_not_sealed(self, check: Check) -> None:
        lines = end([*epoch(1, 5), *epoch(4, 3, STRANGER), unproven(7), unproven(8)])
        code, said = check(lines, VKEY, str(STRANGER.verifier))
        assert code == 0, said
        assert "8 events are proven, 2 are not" in said

    def test_what_was_left_out_on_purpose_is_told(self, check: Check) -> None:
        header, *events = epoch(1, 9, event="user_updated")
        code, said = check(end([header, events[2], events[5]]), VKEY)
        assert code == 0, said
        assert 'filters {"event": "user_updated"}' in said

    def test_a_range_is_complete(self, check: Check) -> None:
        header, *events = epoch(1, 9, positions=[2, 5])
        code, said = check(end([header, *events[2:5]]), VKEY)
        assert code == 0, said

    def test_an_erased_value_is_counted(self, check: Check) -> None:
        lines = end(epoch(1, 3))
        lines[1]["personal"] = {}
        del lines[2]["personal"]["ip"]
        code, said = check(lines, VKEY)
        assert code == 0, said
        assert "3 personal values are not here" in said

    def test_another_signature_beside_ours_is_ignored(self, check: Check) -> None:
        lines = end(epoch(1, 3))
        lines[0]["checkpoint"] += "— witness.example " + base64.b64encode(bytes(76)).decode() + "\n"
        assert check(lines, VKEY)[0] == 0

    def test_without_a_key_it_says_what_that_is_worth(self, check: Check) -> None:
        """A thief who can write the file can sign it too, with a key of his own."""
        code, said = check(end(epoch(1, 3, STRANGER)))
        assert code == 0
        assert "WARNING: NO KEY WAS GIVEN" in said
        assert "signed by the key in the export itself" in said
        code, said = check(end(epoch(1, 3, None)))
        assert code == 0
        assert "WARNING: NO KEY WAS GIVEN" in said
        assert "SIGNED BY NOBODY" in said

    def test_what_a_stranger_wrote_does_not_reach_the_terminal(self, check: Check) -> None:
        said = check(end(epoch(1, 2, None, wish="\x1b[2J\u202e")))[1]
        assert said.isascii()
        assert said.replace("\n", "").isprintable()


class TestCouldNotVerify:
    @pytest.mark.parametrize("text", ["", "\n", "{}\n", "[]\n", "id,event\n", '{"end":true,"events":0}\n'])
    def test_what_is_no_export(self, check: Check, text: str) -> None:
        code, said = check([text], VKEY)
        # Of an empty file it cannot be said that it was none before it was cut off.
        assert (code, said.split(":")[0]) == ((1, "TAMPERED") if not text else (2, "COULD NOT VERIFY"))

    @pytest.mark.parametrize("version", [0, 2, "1", None])
    def test_another_version(self, check: Check, export: Lines, version: object) -> None:
        export[0]["version"] = version
        assert check(export, VKEY)[0] == 2

    def test_another_format(self, check: Check, export: Lines) -> None:
        export[0] |= {"format": "gatehouse", "origin": "gatehouse-audit-export"}
        assert check(export, VKEY)[0] == 2

    def test_an_export_without_a_checkpoint_although_a_key_was_given(self, check: Check) -> None:
        """Somebody who takes the signature off must not get more than somebody who forges it."""
        code, said = check(end(epoch(1, 3, None)), VKEY)
        assert code == 2
        assert "INTACT" not in said

    def test_a_line_without_end(self, check: Check, export: Lines) -> None:
        export[3] = " " * LONGEST_LINE
        assert check(export, VKEY)[0] == 2

    def test_a_file_that_is_not_there(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([str(tmp_path / "nothing.jsonl"), "--key", VKEY]) == 2
        assert main([str(tmp_path)]) == 2
        assert "COULD NOT VERIFY" in capsys.readouterr().out

    @pytest.mark.parametrize("key", ["", "x", "a+b+c", VKEY[:-4], VKEY.replace("app", "apq"), KEY.reveal()])
    def test_a_key_that_is_none(self, check: Check, export: Lines, key: str) -> None:
        with pytest.raises(SystemExit) as stopped:
            check(export, key)
        assert stopped.value.code == 2

    def test_a_fault_of_the_verifier_accuses_nobody(
        self, check: Check, export: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verify_export, "root_over", lambda *_arguments: 1 // 0)
        assert check(export, VKEY)[0] == 2


def test_a_later_header_of_another_kind_is_no_excuse(check: Check, export: Lines) -> None:
    """What was intact up to there cannot be made unknowable by one more key."""
    for change in ({"format": "x"}, {"format": "gatehouse-audit-export", "version": 2}):
        lines = [*export[:3], {**export[3], **change}, *export[4:]]
        code, said = check(lines, VKEY)
        assert (code, "TAMPERED: line 4" in said) == (1, True)


def test_an_event_is_no_header(check: Check) -> None:
    lines = [{**unproven(7), "personal": {"gatehouse-audit-export": {}}}, {"end": True, "events": 1}]
    code, said = check(lines)
    assert (code, "there is no header" in said) == (1, True)


class TestOnItsOwn:
    def test_it_imports_nothing_but_what_python_brings(self) -> None:
        tree = ast.parse(Path(verify_export.__file__).read_text(encoding="utf-8"))
        names = {
            name.split(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or "."]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert names <= sys.stdlib_module_names

    def test_a_copy_of_it_runs(self, tmp_path: Path, export: Lines) -> None:
        copy = tmp_path / "verify_export.py"
        copy.write_bytes(Path(verify_export.__file__).read_bytes())
        # -I and -S: without this folder's packages, and without any that are installed.
        run = [sys.executable, "-I", "-S", str(copy)]
        path = write(tmp_path / "export.jsonl", export)
        good = subprocess.run([*run, path, "--key", VKEY], capture_output=True, text=True)
        assert (good.returncode, good.stderr) == (0, "")
        assert "INTACT: 7 events are proven, 1 are not" in good.stdout
        export[3]["body"] += " "
        write(path, export)
        bad = subprocess.run([*run, path, "--key", VKEY], capture_output=True, text=True)
        assert (bad.returncode, bad.stderr) == (1, "")
        assert subprocess.run([*run, path / "nothing"], capture_output=True).returncode == 2
        assert subprocess.run([*run], capture_output=True).returncode == 2

    def test_it_takes_no_more_memory_for_a_longer_export(self, tmp_path: Path) -> None:
        """Peaks of processes of their own, for a hundred times as many lines."""
        program = (
            "import runpy, sys\n"
            "try: runpy.run_path(sys.argv.pop(1), run_name='__main__')\n"
            "except SystemExit as stopped: assert not stopped.code, stopped.code\n"
            "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
            "sys.stderr.write(peak.split()[1])"
        )
        peaks = []
        for count in (200, 20_000):
            header, *events = epoch(1, 1)
            path = write(tmp_path / "export.jsonl", end([header, *events, *([unproven(7)] * count)]))
            command = [sys.executable, "-c", program, verify_export.__file__, str(path), "--key", VKEY]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            peaks.append(int(done.stderr))
        assert path.stat().st_size > 10_000_000
        assert peaks[1] < peaks[0] + 2048
