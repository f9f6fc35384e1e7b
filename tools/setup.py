"""Fill ``.venv`` and the vendor folder, each step only when what it is made from has changed."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq")


def install_requirements() -> None:
    # The file names everything. Left to resolve it anew, pip looks at a newer release for a requirement with an extra
    # (``coverage[toml]``), finds no hash of it there, and gives up.
    run(*PIP, "install", "--no-deps", "--require-hashes", "--requirement", "requirements/dev.txt")
    run(*PIP, "check")


def install_project() -> None:
    run(*PIP, "install", "--no-deps", "--no-build-isolation", "--editable", ".")


def compile_translations() -> None:
    run(sys.executable, "tools/translate.py", "compile")


def fetch_browser_code() -> None:
    run(sys.executable, "tools/vendor.py")


# What is done, from which files, and what proves that it still is there.
STEPS: tuple[tuple[str, Callable[[], None], tuple[str, ...], tuple[str, ...]], ...] = (
    ("pinned requirements", install_requirements, ("requirements/dev.txt",), (".venv/bin/pytest",)),
    ("this project", install_project, ("pyproject.toml", "hatch_build.py"), (".venv/bin/gatehouse",)),
    (
        "translations",
        compile_translations,
        ("tools/translate.py", "src/flask_gatehouse/translations/de/LC_MESSAGES/gatehouse.po"),
        ("src/flask_gatehouse/translations/de/LC_MESSAGES/gatehouse.mo",),
    ),
    (
        "browser code",
        fetch_browser_code,
        ("package.json", "package-lock.json", "tools/vendor.py"),
        ("src/flask_gatehouse/static/gatehouse/vendor/htmx.min.js", "node_modules/axe-core/axe.min.js"),
    ),
)


def run(*command: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(f"make setup: this failed: {' '.join(command[1:])}")


def fingerprint(inputs: tuple[str, ...]) -> str:
    """Return a hash of the files, this Python and this folder: a moved or upgraded .venv is filled again."""
    digest = hashlib.sha256(f"{sys.version}\n{ROOT}\n".encode())
    for name in inputs:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def main() -> None:
    for title, action, inputs, outputs in STEPS:
        stamp = VENV / f"stamp-{title.replace(' ', '-')}"
        wanted = fingerprint(inputs)
        if stamp.exists() and stamp.read_text() == wanted and all((ROOT / name).exists() for name in outputs):
            continue
        print(f"Installing {title}", flush=True)
        action()
        stamp.write_text(wanted)


if __name__ == "__main__":
    main()
