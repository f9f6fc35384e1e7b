"""Build a release once, from what is committed, and check the wheel where nothing else is installed.

Run by ``make release``, with ``TAG=`` for one that will be published. What it leaves in ``dist/`` is what it checked.
"""

import io
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PATIENCE_S = 60.0
# What a wheel must be able to show by itself, and words that are on it: code from elsewhere, and another language.
ANSWERS = (
    ("/healthz", "ok"),
    ("/static/gatehouse/vendor/htmx.min.js", "htmx"),
    ("/auth/login", "Anmelden bei Gatehouse"),
)


def reasons_against(tag: str, version: str, changelog: str) -> list[str]:
    """Return why this may not be released under this tag."""
    reasons = []
    if tag != f"v{version}":
        reasons.append(f"The tag is {tag}, the version in pyproject.toml is {version}: the tag must be v{version}.")
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        reasons.append(f"{version} is a version between releases.")
    if not re.search(rf"^## {re.escape(version)}\b", changelog, re.MULTILINE):
        reasons.append(f"CHANGELOG.md has no heading for {version}: what is new stands under “Unreleased”.")
    return reasons


def build() -> Path:
    """Build source distribution and wheel from a clean copy of what is committed, and return the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="gatehouse-release-") as copy:
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(copy, filter="data")
        for target in ("sdist", "wheel"):
            _run(
                sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(DIST), at=Path(copy)
            )
    (wheel,) = DIST.glob("*.whl")
    return wheel


def check(wheel: Path) -> None:
    """Install a wheel in an empty environment, start it in an empty folder, and ask it for what it must hold.

    :raises SystemExit: if it does not answer as it should.
    """
    with tempfile.TemporaryDirectory(prefix="gatehouse-wheel-") as place:
        folder = Path(place)
        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv/bin"
        _run(str(programs / "pip"), "install", "-q", "--disable-pip-version-check", str(wheel), at=folder)
        (folder / "empty").mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        environment = {"GATEHOUSE_ENV": "development", "PORT": port, "PATH": "/usr/bin:/bin"}
        server = subprocess.Popen([programs / "gatehouse", "run"], cwd=folder / "empty", env=environment)
        try:
            for path, words in ANSWERS:
                if words not in _ask(f"http://localhost:{port}{path}", server):
                    sys.exit(f"{wheel.name} does not answer {path} with “{words}”.")
        finally:
            server.terminate()
            server.wait()


def _ask(url: str, server: subprocess.Popen[bytes]) -> str:
    request = urllib.request.Request(url, headers={"Accept-Language": "de", "Accept": "text/html"})  # noqa: S310 - ours
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
                text: str = answer.read().decode()
                return text
        except urllib.error.HTTPError as error:
            return f"{error.code}"
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"What the wheel installs does not run: {error}")
            time.sleep(0.2)


def _run(*command: str, at: Path) -> None:
    if subprocess.run(command, cwd=at, check=False).returncode:
        sys.exit(f"make release: this failed: {' '.join(command)}")


def main(tag: str | None) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if tag and (reasons := reasons_against(tag, project["version"], changelog)):
        sys.exit("\n".join(reasons))
    wheel = build()
    check(wheel)
    print(f"{wheel.relative_to(ROOT)} runs by itself.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else None)
