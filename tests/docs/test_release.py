"""What leads to a release: the tag, the changelog, and the workflows that nobody can try here."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.architecture.source import ROOT
from tools.release import reasons_against

CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-12-01\n"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_a_release_is_what_its_tag_says() -> None:
    assert reasons_against("v1.2.0", "1.2.0", CHANGELOG) == []


@pytest.mark.parametrize(
    ("tag", "version", "changelog"),
    [
        ("v1.2.1", "1.2.0", CHANGELOG),
        ("1.2.0", "1.2.0", CHANGELOG),
        ("v1.3.0", "1.3.0", CHANGELOG),
        ("v1.2.0.dev0", "1.2.0.dev0", CHANGELOG + "## 1.2.0.dev0\n"),
    ],
)
def test_anything_else_is_refused(tag: str, version: str, changelog: str) -> None:
    assert len(reasons_against(tag, version, changelog)) == 1


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text(encoding="utf-8"))["jobs"]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_may_do_little(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)", text)
    foreign = [name for name in used if not name.startswith("./")]
    # A tag can be moved to other code, which would run with what the job may do.
    assert [name for name in foreign if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)] == []
    assert "permissions" in yaml.safe_load(text)
    for line in re.findall(r"run: (.*)", text):
        assert "${{" not in line, "text from outside would be run as a program"


def test_what_is_published_is_what_was_tested_and_checked() -> None:
    release = jobs("release.yml")
    assert (release["build"]["needs"], release["publish"]["needs"]) == ("test", "build")
    assert {name: job["permissions"] for name, job in release.items()} == {
        "test": {"contents": "read"},
        "build": {"contents": "read"},
        "publish": {"id-token": "write"},
    }
    assert release["publish"]["environment"] == "pypi"
    assert not any("run" in step for step in release["publish"]["steps"])


def test_what_the_workflows_run_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for path in WORKFLOWS:
        for line in re.findall(r"run: (.*)", path.read_text(encoding="utf-8")):
            name = line.split()[0]
            assert (ROOT / name).exists() or f"\n{line.split()[1]}:" in makefile, line


def test_updates_are_proposed_for_each_file_that_pins_something() -> None:
    configuration = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
    assert configuration["minimumReleaseAge"]
    (pattern,) = configuration["pip_requirements"]["managerFilePatterns"]
    pinned = [str(path.relative_to(ROOT)) for path in (ROOT / "requirements").glob("*.txt")]
    assert pinned
    assert [name for name in pinned if not re.search(pattern.strip("/"), name)] == []
    assert set(configuration["enabledManagers"]) >= {
        "pep621",
        "pip_requirements",
        "npm",
        "github-actions",
        "dockerfile",
    }
