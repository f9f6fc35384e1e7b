"""``deploy/compose.yml``, which needs a Docker: held to its schema, and to what the rest of the project says."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from flask_gatehouse.settings.names import is_ours, unknown_names
from tests.processes import PROGRAMS
from tools import provision

DEPLOY = provision.ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "gatehouse")
SCHEMAS = {
    "deploy/compose.yml": "vendor.compose-spec",
    ".github/workflows/tests.yml": "vendor.github-workflows",
    ".github/workflows/release.yml": "vendor.github-workflows",
    "renovate.json": "vendor.renovate",
}


@pytest.mark.parametrize("path", SCHEMAS)
def test_a_file_says_what_its_reader_understands(path: str) -> None:
    command = [PROGRAMS / "check-jsonschema", "--builtin-schema", SCHEMAS[path], provision.ROOT / path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_parts_are_there() -> None:
    assert OURS == ["app1", "app2", "migrate", "worker"]
    assert SERVICES.keys() - set(OURS) == {"postgres", "redis", "caddy"}
    assert SERVICES["app1"] == SERVICES["app2"]


def test_what_it_names_is_there() -> None:
    build = SERVICES["app1"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())]
    assert {name for name in mounted if not name.startswith("./")} == COMPOSE["volumes"].keys()
    assert [name for name in mounted if name.startswith("./") and not (DEPLOY / name).is_file()] == []
    # What an operator writes herself is named where she is told how.
    page = (provision.ROOT / "docs/how-to/deploy.md").read_text()
    written = [SERVICES["app1"]["env_file"], *(secret["file"] for secret in COMPOSE["secrets"].values())]
    assert [name for name in written if name not in page] == []
    named = {name for service in SERVICES.values() for name in service.get("secrets", ())}
    assert named == COMPOSE["secrets"].keys()
    joined = {name for service in SERVICES.values() for name in service["networks"]}
    assert joined == COMPOSE["networks"].keys()


def test_it_sets_what_is_read() -> None:
    environment = SERVICES["app1"]["environment"]
    assert [name for name in environment if not is_ours(name)] == []
    assert unknown_names(environment) == []
    # One hop, and it is Caddy's; which addresses it asks, the site takes from the environment.
    assert environment["GATEHOUSE_TRUSTED_PROXIES"] == "1"
    read = set(re.findall(r"\{\$(\w+)", (DEPLOY / "Caddyfile").read_text()))
    assert SERVICES["caddy"]["environment"].keys() == read


@pytest.mark.parametrize("name", [*OURS, "redis", "caddy"])
def test_a_service_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert "privileged" not in service


def test_nobody_outside_reaches_anything_but_the_proxy() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service or "network_mode" in service] == ["caddy"]
    assert COMPOSE["networks"]["data"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "data" in service["networks"]} == {*OURS, "postgres", "redis"}
    assert SERVICES["caddy"]["networks"] == ["front"]
    for service in SERVICES.values():
        assert "no-new-privileges:true" in service["security_opt"]


def test_each_waits_for_what_it_needs() -> None:
    def awaited(name: str) -> dict[str, str]:
        return {other: on["condition"] for other, on in SERVICES[name]["depends_on"].items()}

    assert awaited("migrate") == {"postgres": "service_healthy"}
    assert awaited("app1") == {"migrate": "service_completed_successfully", "redis": "service_healthy"}
    assert awaited("worker") == {"migrate": "service_completed_successfully"}
    assert awaited("caddy") == {"app1": "service_healthy", "app2": "service_healthy"}
    # The nodes have that of the image.
    assert "HEALTHCHECK" in (DEPLOY / "Dockerfile").read_text()
    assert [name for name in ("postgres", "redis") if "test" not in SERVICES[name]["healthcheck"]] == []
