"""What is installed, against what this release needs, and against what there is."""

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version

from .finding import Check, Finding, Item, failed, ok, unknown, warning
from .subject import Subject

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_FLOOR = re.compile(r">=\s*([0-9][0-9.]*)")
# Seconds that the package index has for each answer.
_TIMEOUT_S = 5
# Seconds for all of it: a large environment has many packages to ask about.
_DEADLINE_S = 90


def floors(subject: Subject) -> Finding:
    """Compare each installed package with the first release of it that has no known fault which concerns us."""
    old, held = [], 0
    for name, floor, optional in _requirements():
        try:
            installed = version(name)
        except PackageNotFoundError:
            if not optional:
                old.append(f"{name} is not installed")
            continue
        held += 1
        if floor and _order(installed) < _order(floor):
            old.append(f"{name} {installed} is older than {floor}")
    if old:
        return failed(
            f"Of what this release needs, {'; '.join(old)}.", "Install Flask-Gatehouse again, with --upgrade."
        )
    return ok(f"{held} packages that this release needs are installed, none older than it needs.")


def releases(subject: Subject) -> Finding:
    """Ask the package index, as pip is configured, what is newer."""
    # What pip says of packages that no index knows is that nothing of them is outdated.
    if not _pip("index", "versions", "Flask"):
        return unknown("No package index answered pip.", "Ask where there is a network: pip list --outdated")
    said = _pip("list", "--outdated", "--format", "json")
    if said is None:
        return unknown("pip list --outdated came to no end.", "Ask where there is a network: pip list --outdated")
    ours = {_plain(name) for name, _, _ in _requirements()}
    newer = [f"{one['name']} {one['latest_version']}" for one in json.loads(said) if _plain(one["name"]) in ours]
    if newer:
        return warning(f"There are newer releases: {', '.join(newer)}.", "Read what they mend, and install them.")
    return ok("The package index was asked, which knows Flask, and has nothing newer of what this release needs.")


def _requirements() -> list[tuple[str, str | None, bool]]:
    """Return name, oldest usable release, and whether it is needed for an extra alone."""
    found = []
    for line in requires("Flask-Gatehouse") or ():
        requirement, _, marker = line.partition(";")
        name, floor = _NAME.match(requirement.strip()), _FLOOR.search(requirement)
        if name is not None:
            found.append((name[0], floor[1] if floor else None, "extra" in marker))
    return found


def _order(release: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", release)
    parts = [int(part) for part in (found[0] if found else "0").split(".")]
    return tuple(parts + [0] * (4 - len(parts)))


def _plain(name: str) -> str:
    """Return the form in which names of packages are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _pip(*words: str) -> str | None:
    """Return what pip says, or None if it fails."""
    options = ("--disable-pip-version-check", "--no-input", "--timeout", str(_TIMEOUT_S), "--retries", "0")
    command = [sys.executable, "-m", "pip", *options, *words]
    try:
        limit = _DEADLINE_S / 2
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=limit)  # noqa: S603 - our words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


CHECKS = (
    Check("packages", "What is installed has no fault that is known", Item.UPDATES, floors),
    Check("releases", "Nothing newer waits to be installed", Item.UPDATES, releases, deadline=_DEADLINE_S),
)
