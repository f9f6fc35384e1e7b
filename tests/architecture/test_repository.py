"""What is committed belongs to everybody's machine, and holds no third party's code."""

import json
import re
import tomllib

from tests.architecture.source import PACKAGE, ROOT, name_of, tracked_files

# Put together here, so that this file does not find itself.
OF_ONE_MACHINE = re.compile(
    "|".join(("/ro" + "ot/", "/wo" + "rk/", "/ho" + r"me/\w", "/Us" + r"ers/\w", "/opt" + "/py"))
)
OF_ONE_INDEX = re.compile("|".join(("--(extra-)?index" + "-url", "--find" + "-links", "--trusted" + "-host")))
THIRD_PARTY = re.compile(r"\.min\.(js|css)$|/vendor/|node_modules/|\.(woff2?|ttf|otf|eot)$")


def test_no_file_names_one_machine_or_one_index() -> None:
    named = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if OF_ONE_MACHINE.search(line) or OF_ONE_INDEX.search(line):
                named.append(f"{name_of(path)}:{number}")
    assert named == []


def test_no_third_partys_browser_code_is_committed() -> None:
    assert [name_of(path) for path in tracked_files() if THIRD_PARTY.search(str(path.relative_to(ROOT)))] == []


def test_browser_code_is_pinned_by_hash_and_without_addresses() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    direct = wanted["dependencies"] | wanted["devDependencies"]
    # A second version of a package goes by another name, as in "npm:htmx.org@1.9.12".
    assert all(re.fullmatch(r"(npm:[a-z.]+@)?\d+\.\d+\.\d+", version) for version in direct.values())
    for name, package in packages.items():
        assert not name or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package


def test_python_requirements_are_pinned_by_hash() -> None:
    text = (ROOT / "requirements/dev.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if entry and not entry.startswith("#")]
    assert len(entries) > 50
    assert [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]
    wanted = {_name(item) for items in (project["project"]["dependencies"], *groups) for item in items}
    assert wanted - _locked("dev") == set()
    # What a server installs, without what tests and builders need.
    runtime = (project["project"]["dependencies"], *project["project"]["optional-dependencies"].values())
    assert {_name(item) for items in runtime for item in items} - _locked("server") == set()


def _locked(name: str) -> set[str]:
    return {_name(line) for line in (ROOT / f"requirements/{name}.txt").read_text().splitlines() if "==" in line}


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    assert found, requirement
    return re.sub(r"[._-]+", "-", found[0]).lower()


def test_everything_that_is_run_is_executable() -> None:
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
