"""``gatehouse doctor`` as an operator types it: exit codes, what it prints, and what it never prints."""

import json
import os
import pty
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from flask_gatehouse.kernel.text import Secret
from flask_gatehouse.ops.doctor import providers
from flask_gatehouse.ops.doctor.checklist import OF_A_DEPLOYMENT, OF_THE_CONFIGURATION
from flask_gatehouse.ops.doctor.finding import Check, Finding, Item, Result, failed, ok, unknown
from flask_gatehouse.ops.doctor.report import Report
from flask_gatehouse.ops.doctor.running import Examined
from flask_gatehouse.settings import ProviderKind, ProviderSettings
from tests.nodes.listeners import open_hanging_server, wait_until
from tests.ports import free_port
from tests.processes import PROGRAMS, running_gatehouse

REFERENCE = Path(__file__).parent.parent.parent / "docs/reference/doctor.md"
# Would stand in no sentence by chance.
CANARY = "canary%20Zq7/:@x"
PLAIN_CANARY = "canary Zq7/:@x"
SOMEBODY = ProviderSettings(
    name="google",
    kind=ProviderKind.GOOGLE,
    issuer="https://accounts.google.com",
    client_id="us",
    client_secret=Secret("ours"),
    label="Google",
)


def run(
    environment: Mapping[str, str], *words: str, program: tuple[str, ...] = ("gatehouse",)
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAMS / program[0], *program[1:], "doctor", *words],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def found(ended: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, Any]]:
    said = json.loads(ended.stdout)
    return {one["name"]: one for one in said["checks"]}


def test_settings_that_cannot_be_used_are_findings(environment: dict[str, str]) -> None:
    ended = run(environment | {"GATEHOUSE_BASE_URL": "http://app.example.com", "GATEHOUSE_SINGUP": "open"}, "--json")
    assert (ended.returncode, ended.stderr) == (1, "")
    said = json.loads(ended.stdout)
    assert said["result"] == "failed"
    assert Counter(one["name"] for one in said["checks"]) == {"settings": 2}
    assert any("Did you mean GATEHOUSE_SIGNUP?" in one["evidence"] for one in said["checks"])


def test_people_are_told_what_to_do(environment: dict[str, str]) -> None:
    ended = run(environment)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "\x1b" not in ended.stdout
    assert "FAILED  There is more than one administrator  administrators\n" in ended.stdout
    assert "        → Run: gatehouse create-admin EMAIL\n" in ended.stdout
    assert re.search(r"\n\d+ checks: \d+ well, \d+ to know about, \d+ failed, \d+ could not be told.\n$", ended.stdout)


def test_what_hangs_keeps_no_other_check_from_being_told(environment: dict[str, str], tmp_path: Path) -> None:
    with open_hanging_server() as (port, _):
        here = f"127.0.0.1:{port}"
        planted = {
            "GATEHOUSE_SMTP_URL": f"smtp://{here}",
            "GATEHOUSE_MAIL_FROM": "gate@example.com",
            "GATEHOUSE_ALERT_WEBHOOK_URL": f"https://{here}/hook",
            "GATEHOUSE_ALERT_WEBHOOK_SECRET": "signed-with-this",
            "REDIS_URL": f"redis://{here}",
            "GATEHOUSE_OIDC_CORP_ISSUER": f"https://{here}",
            "GATEHOUSE_OIDC_CORP_CLIENT_ID": "us",
            "GATEHOUSE_OIDC_CORP_CLIENT_SECRET": "ours-and-nobody-elses",
        }
        ended = run(environment | planted, "--json", "--url", f"https://{here}")
    checks = found(ended)
    assert ended.returncode == 1
    assert checks["mail"]["result"] == "could not tell"
    assert "20 seconds" in checks["mail"]["evidence"]
    assert {checks[name]["result"] for name in ("discovery", "limiter", "webhook")} == {"failed"}
    assert {checks[name]["result"] for name in ("database", "migrations", "injection", "csrf")} == {"ok"}
    assert {one["result"] for name, one in checks.items() if name.startswith("headers_")} == {"could not tell"}


def test_one_that_is_broken_off_has_found_nothing_out(environment: dict[str, str]) -> None:
    with open_hanging_server() as (port, held):
        planted = {"GATEHOUSE_SMTP_URL": f"smtp://127.0.0.1:{port}", "GATEHOUSE_MAIL_FROM": "gate@example.com"}
        with subprocess.Popen(
            [PROGRAMS / "gatehouse", "doctor"],
            env={"PATH": os.environ["PATH"], **environment, **planted},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            wait_until(lambda: bool(held))
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=300)
    assert (process.returncode, told) == (2, "Error: it was broken off before anything was found out.\n")


def test_no_secret_is_printed(environment: dict[str, str]) -> None:
    """Every server is away or wrong, so that each has something to say, and may repeat what it was told."""
    away = f"127.0.0.1:{free_port()}"
    key = "canary" + environment["SECRET_KEY"]
    planted = {
        "SECRET_KEY": key,
        "SECRET_KEY_FALLBACKS": f"{key}-before",
        "DATABASE_URL": f"postgresql://canary-user:{quote(PLAIN_CANARY, safe='')}@{away}/nothing",
        "REDIS_URL": f"redis://:{quote(PLAIN_CANARY, safe='')}@{away}",
        "GATEHOUSE_SMTP_URL": f"smtp://u:{quote(PLAIN_CANARY, safe='')}@{away}",
        "GATEHOUSE_MAIL_FROM": "gate@example.com",
        "GATEHOUSE_ALERT_EMAIL": "ops@example.com",
        "GATEHOUSE_ALERT_WEBHOOK_URL": f"http://{away}/canary-hook",
        "GATEHOUSE_ALERT_WEBHOOK_SECRET": "canary-webhook-secret",
        "GATEHOUSE_OIDC_CORP_ISSUER": f"https://{away}",
        "GATEHOUSE_OIDC_CORP_CLIENT_ID": "us",
        "GATEHOUSE_OIDC_CORP_CLIENT_SECRET": "canary-client-secret",
        "GATEHOUSE_METRICS_TOKEN": "canary-metrics-token",
    }
    for words in ((), ("--json", "--send", "--url", f"http://{away}")):
        ended = run(environment | planted, *words)
        assert ended.returncode == 1
        assert "canary" not in ended.stdout + ended.stderr
        assert "Zq7" not in ended.stdout + ended.stderr


def test_a_terminal_shows_progress_and_colours(environment: dict[str, str]) -> None:
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [PROGRAMS / "gatehouse", "doctor"],
        env={"PATH": os.environ["PATH"], "TERM": "xterm", **environment},
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        said = b""
        while part := _read(controller):
            said += part
        assert process.wait(300) == 1
    os.close(controller)
    assert b"Examining" in said
    assert b"\x1b[31m" in said


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:
        # The other end is closed, as Linux says it.
        return b""


def test_a_host_is_examined_below_its_prefix(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from flask import Flask\nfrom flask_gatehouse import Gatehouse\n\n"
        "app = Flask(__name__)\nGatehouse(app, url_prefix='/door')\n"
    )
    here = ("flask", "--app", "shop", "gatehouse")
    provider = {"GOOGLE_CLIENT_ID": "us", "GOOGLE_CLIENT_SECRET": "ours-and-nobody-elses", "HTTPS_PROXY": ""}
    ended = run(environment | provider, "--json", "--url", f"https://127.0.0.1:{free_port()}/door", program=here)
    assert ended.returncode == 1, ended.stderr
    assert found(ended)["tls_certificate"]["result"] == "could not tell"
    elsewhere = run(environment, "--url", "https://127.0.0.1/gate", program=here)
    assert elsewhere.returncode == 2
    assert "this application is at /door there" in elsewhere.stderr
    broken = run(environment | {"SECRET_KEY": "short"}, "--json", program=here)
    assert (broken.returncode, list(found(broken))) == (1, ["settings"])


def test_a_running_host_is_asked_below_its_prefix(tmp_path: Path) -> None:
    shop = tmp_path / "shop.py"
    shop.write_text(
        "from flask import Flask\nfrom flask_gatehouse import Gatehouse\n\napp = Flask(__name__)\nGatehouse(app)\n"
    )
    with running_gatehouse(host=shop, directory=tmp_path) as node:
        here = {"GATEHOUSE_ENV": "development", "PORT": node.base_url.rpartition(":")[2], "PIP_NO_INDEX": "1"}
        ended = run(here, "--json", "--url", node.base_url, program=("flask", "--app", "shop", "gatehouse"))
    checks = found(ended)
    asked = {"healthz", "readyz", "error_pages", "redirect_uri_sent", "shared_key", "privacy", "forged_address"}
    assert [checks[name] for name in asked if checks[name]["result"] not in {"ok", "warning"}] == []
    assert f"{node.base_url}/gate/auth/authorize/dev" in checks["redirect_uri_sent"]["evidence"]
    # It is a developer's machine, which is told.
    assert {checks[name]["result"] for name in ("environment", "tls_certificate", "hsts", "cookies")} == {"failed"}


@pytest.mark.parametrize("url", ["gate.example.com", "ftp://gate.example.com", "https://a:b@gate.example.com"])
def test_an_address_that_is_none(environment: dict[str, str], url: str) -> None:
    ended = run(environment, "--url", url)
    assert ended.returncode == 2
    assert "such as https://gate.example.com" in ended.stderr


@pytest.mark.parametrize(
    ("findings", "code"),
    [([ok("a")], 0), ([ok("a"), unknown("b")], 2), ([unknown("b"), failed("c", "d")], 1), ([], 2)],
)
def test_the_worst_decides(findings: list[Finding], code: int) -> None:
    check = Check("one", "One", Item.HTTPS, lambda subject: ok(""))
    assert Report([Examined(check, finding) for finding in findings]).exit_code == code


EVERY = (*OF_THE_CONFIGURATION, *providers.checks_of(SOMEBODY), *OF_A_DEPLOYMENT)


def test_each_check_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(one.name for one in EVERY).items() if times > 1] == []


def test_the_reference_names_every_check_and_every_result() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| ([^|]+?) \| [^|]+ \|$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert rows == {one.name: one.title for one in EVERY}
    said = REFERENCE.read_text(encoding="utf-8")
    assert [one.value for one in Result if f'"{one.value}"' not in said] == []
    keys = Report([Examined(EVERY[0], ok(""))]).as_json()
    assert [key for key in (*keys, *keys["checks"][0]) if f"`{key}`" not in said] == []


def test_every_point_of_the_checklist_has_a_check() -> None:
    assert set(Item) - {one.item for one in EVERY} == set()
