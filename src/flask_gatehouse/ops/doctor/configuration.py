"""The settings, and the files that they stand in."""

import math
import shutil
import socket
import stat
import subprocess
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from ...settings import is_loopback
from ...settings.keys import weakness
from ...settings.origins import written_in_code
from .finding import Check, Finding, Item, failed, ok, unknown, warning
from .subject import Subject

_OTHERS = 0o077
_OTHERS_WRITE = 0o022


def secret_key(subject: Subject) -> Finding:
    """Measure the key that is used, wherever it comes from."""
    found = []
    for secret in (subject.settings.secret_key, *subject.settings.secret_key_fallbacks):
        key = secret.reveal()
        if fault := weakness(key):
            how = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            return failed(f"One of the keys is {fault}.", how)
        found.append(f"{len(key)} characters, {len(set(key))} different ones, {_bits(key):.0f} bits")
    return ok(f"Measured: {'; '.join(found)}.")


def _bits(text: str) -> float:
    """Return how many bits the letters of a text hold at most, judged by how often each comes."""
    return -sum(math.log2(count / len(text)) for count in Counter(text).values() for _ in range(count))


def environment(subject: Subject) -> Finding:
    if subject.settings.development:
        return failed(
            "This application runs in development mode, in which cookies pass over plain http.",
            "Set GATEHOUSE_ENV=production wherever others can reach it.",
        )
    if subject.rehearsal.debug:
        return failed("The application has debug mode or testing on.", "Leave FLASK_DEBUG and TESTING out.")
    return ok("The application was made as a server would make it: production, no debug mode, no testing.")


def base_url(subject: Subject) -> Finding:
    """Look the address up that every link and redirect URI begins with."""
    url = subject.settings.base_url
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return failed(f"GATEHOUSE_BASE_URL is {url}, without TLS.", "Set it to the https address that people type.")
    try:
        addresses = sorted({str(one[4][0]) for one in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)})
    except socket.gaierror:
        return failed(f"The name {host} leads nowhere.", "Correct GATEHOUSE_BASE_URL, or have the name entered in DNS.")
    if is_loopback(host):
        return warning(f"{url} means this machine alone.", "Set GATEHOUSE_BASE_URL to the address that people type.")
    return ok(f"{url} leads to {', '.join(addresses[:4])}.")


def credentials(subject: Subject) -> Finding:
    named = written_in_code(subject.settings, subject.folder)
    if named:
        return warning(
            f"{', '.join(named)} came from the application's own configuration, not from the environment or .env.",
            "If it stands in the source code, whoever reads that has it: name it in the environment instead.",
        )
    return ok("Every secret was found in the environment or in .env, none in the application's code.")


def env_file(subject: Subject) -> Finding:
    path = subject.folder / ".env"
    if not path.exists():
        return ok(f"There is no {path}.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        return failed(f"The mode of {path} is {mode:04o}: others on this machine read it.", f"chmod 600 {path}")
    if _is_tracked(path):
        return failed(
            f"git keeps {path}: it is in every copy of the repository.",
            "git rm --cached .env, list it in .gitignore, and exchange every secret in it.",
        )
    return ok(f"The mode of {path} is {mode:04o}, and git does not keep it.")


def _is_tracked(path: Path) -> bool:
    git = shutil.which("git")
    if git is None:
        return False
    command = [git, "-C", str(path.parent), "ls-files", "--error-unmatch", path.name]
    return subprocess.run(command, check=False, capture_output=True, timeout=10).returncode == 0  # noqa: S603 - our words


def instance_folder(subject: Subject) -> Finding:
    folder = subject.folder / "instance"
    if not folder.exists():
        return ok(f"There is no {folder}.")
    exposed = [
        f"{path} ({stat.S_IMODE(path.stat().st_mode):04o})"
        for path in (folder, *sorted(folder.iterdir()))
        if stat.S_IMODE(path.stat().st_mode) & (_OTHERS_WRITE if path.is_dir() else _OTHERS) and not path.is_symlink()
    ]
    mode = stat.S_IMODE(folder.stat().st_mode)
    # Nobody reaches a file in a folder that she may not enter.
    if exposed and mode & _OTHERS:
        return failed(f"Others on this machine reach {', '.join(exposed[:5])}.", f"chmod 700 {folder}")
    return ok(f"The mode of {folder} is {mode:04o}.")


def csrf(subject: Subject) -> Finding:
    """Send the application two changes that no page of its own asked for."""
    tried = {
        "from another site": {"Sec-Fetch-Site": "cross-site"},
        "without a token": {"Sec-Fetch-Site": "same-origin"},
    }
    passed = [words for words, headers in tried.items() if not subject.rehearsal.refuses_change(headers)]
    if passed:
        return failed(
            f"A change {' and one '.join(passed)} was not refused.",
            "Look for what replaces the protection of Gatehouse in this application.",
        )
    return ok("A change from another site and one without a token were tried, and both refused.")


def escaping(subject: Subject) -> Finding:
    """Put a script where a name belongs."""
    page = subject.rehearsal.escape("<script>doctor</script>")
    if "<script>doctor" in page:
        return failed("A name that is a script stands in a page as one.", "Leave Jinja's autoescape on.")
    if "&lt;script&gt;doctor" not in page:
        return unknown("The name that was put into a page does not stand in it.")
    return ok("A script was put where a name belongs, and stands in the page as text.")


CHECKS = (
    Check("secret_key", "The secret key cannot be guessed", Item.SECRET_KEY, secret_key),
    Check("environment", "It runs in production, without debug mode", Item.PRODUCTION, environment),
    Check("base_url", "The address that people type is known", Item.HTTPS, base_url),
    Check("credentials", "No secret stands in the code", Item.CREDENTIALS, credentials),
    Check("env_file", "Nobody else reads .env", Item.CREDENTIALS, env_file),
    Check("instance_folder", "Nobody else reaches the instance folder", Item.CREDENTIALS, instance_folder),
    Check("csrf", "Changes from elsewhere are refused", Item.CSRF, csrf),
    Check("escaping", "What people write becomes no script", Item.XSS, escaping),
)
