"""The files of ``deploy/`` that nothing here can run are held to what can be said of them."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.services import need
from tools import provision

DEPLOY = provision.ROOT / "deploy"
SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))
# What ``systemd-analyze security`` calls "OK" ends at 4.9; a service without any of our lines has 9.2.
MOST_EXPOSED = 2.0


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_may_do_little(unit: Path) -> None:
    analyze = provision.find_systemd_analyze()
    if analyze is None:
        need(provision.SYSTEMD)
    done = subprocess.run([analyze, "security", "--offline=true", unit], capture_output=True, text=True)
    found = re.search(r"Overall exposure level for .*: ([0-9.]+) ", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_all_services_are_hardened_alike() -> None:
    def hardening(unit: Path) -> str:
        text = unit.read_text()
        return text[text.index("StateDirectoryMode=") :].partition("[Install]")[0].strip()

    assert len({hardening(unit) for unit in SERVICES}) == 1


def test_only_migrations_are_given_the_owners_address_and_it_comes_last() -> None:
    """Of two files the later one wins. With hers whoever takes the application over takes the trail's guards away."""

    def files(unit: Path) -> list[str]:
        return re.findall(r"^EnvironmentFile=(.*)$", unit.read_text(), re.MULTILINE)

    ours = "/etc/gatehouse/gatehouse.env"
    assert {unit.stem: files(unit) for unit in SERVICES} == {unit.stem: [ours] for unit in SERVICES} | {
        "gatehouse-migrate": [ours, "-/etc/gatehouse/owner.env"]
    }


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_waits_for_the_network_and_says_each_thing_once(unit: Path) -> None:
    """The database may be on another machine, and a timer runs what it has missed while this one starts."""
    settings = re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE)
    said = dict(settings)
    assert "network-online.target" in said["After"].split()
    assert said["Wants"] == "network-online.target"
    # Each file adds to the one before, and the second filter takes away from the first.
    once = [name for name, _ in settings if name not in {"EnvironmentFile", "SystemCallFilter"}]
    assert len(once) == len(set(once))


def test_a_unit_waits_longer_than_gunicorn() -> None:
    configuration = (DEPLOY / "gunicorn.conf.py").read_text()
    graceful = int(re.findall(r"^graceful_timeout = (\d+)", configuration, re.MULTILINE)[0])
    unit, compose = (DEPLOY / "systemd/gatehouse@.service").read_text(), (DEPLOY / "compose.yml").read_text()
    assert int(re.findall(r"TimeoutStopSec=(\d+)", unit)[0]) > graceful
    assert int(re.findall(r"stop_grace_period: (\d+)s", compose)[0]) > graceful


def test_a_node_and_the_image_keep_their_memory_together() -> None:
    """What eight threads have freed is a tenth of a worker, where each keeps its own (``bench/worker_memory.py``)."""
    unit, dockerfile = (DEPLOY / "systemd/gatehouse@.service").read_text(), (DEPLOY / "Dockerfile").read_text()
    assert re.findall(r"^Environment=(MALLOC_ARENA_MAX=\d+)$", unit, re.MULTILINE) == ["MALLOC_ARENA_MAX=2"]
    assert re.findall(r"^ENV .*(MALLOC_ARENA_MAX=\d+)$", dockerfile, re.MULTILINE) == ["MALLOC_ARENA_MAX=2"]


def test_what_the_image_copies_is_there_and_not_left_out() -> None:
    let_in = {line[1:] for line in (provision.ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    sources = re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE)
    copied = {word for source in sources for word in source.split()}
    for path in (copied - {"."}) | let_in:
        assert (provision.ROOT / path).exists(), path
    assert copied - {"."} <= let_in


def test_the_image_installs_what_the_project_needs() -> None:
    """``requirements/server.txt`` is the part of ``requirements/dev.txt`` that a server needs, at the same versions."""

    def pins(name: str) -> set[str]:
        text = (provision.ROOT / "requirements" / name).read_text()
        return set(re.findall(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?==\S+)", text, re.MULTILINE))

    server = pins("server.txt")
    assert server | pins("build.txt") <= pins("dev.txt")
    names = {re.split(r"[=\[]", pin)[0] for pin in server}
    assert {"flask", "sqlalchemy", "gunicorn", "psycopg", "redis"} <= names
    assert not {"pytest", "ruff", "mypy"} & names


def test_the_image_can_back_up_the_database_that_stands_beside_it() -> None:
    """``pg_dump`` refuses a server that is newer than it is."""
    server = re.findall(r"image: postgres:(\d+)", (DEPLOY / "compose.yml").read_text())
    assert server == re.findall(r"apt-get download postgresql-client-(\d+)", (DEPLOY / "Dockerfile").read_text())
