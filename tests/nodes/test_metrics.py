"""What an operator sees: metrics of all processes together behind a token, and a log that a program can read."""

import json
import os
import re
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text as sql

from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.measures import Refused
from flask_gatehouse.web.metrics import Metrics
from tests.nodes.listeners import wait_until
from tests.nodes.people import Browser
from tests.processes import PATIENCE_S, Node, running_gatehouse

DEPLOY = Path(__file__).parents[2] / "deploy"
TOKEN = secrets.token_urlsafe(24)
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CANARY = "canary-that-must-not-be-in-a-log"
BY_HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def at_start() -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """Return what rules wait for an increase of: the first one counts only where a zero was read before."""
    refused = {("gatehouse_refusals_total", frozenset({("reason", str(reason))})) for reason in Refused}
    sign_ins = frozenset({("provider", "github"), ("outcome", "unavailable")})
    return refused | {("gatehouse_sign_ins_total", sign_ins), ("gatehouse_log_lines_lost_total", frozenset())}


@dataclass(frozen=True, slots=True)
class Production:
    """Two worker processes of one production node, as deploy/gunicorn.conf.py starts them."""

    node: Node
    database_url: str

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        # A connection for each request, so that both processes get some.
        headers = {**BY_HTTPS, "Connection": "close", **(headers or {})}
        return requests.get(self.node.base_url + path, headers=headers, allow_redirects=False, timeout=PATIENCE_S)

    def samples(self) -> Samples:
        answer = self.get("/metrics", BEARER)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def lines(self) -> list[dict[str, object]]:
        # The last one may be half written.
        return [json.loads(line) for line in self.node.log.splitlines() if line.startswith("{") and line.endswith("}")]


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum of all samples of a name that have these labels."""
    return sum(
        number for (found, tags), number in samples.items() if found == name and labels.items() <= dict(tags).items()
    )


def environment_of(sqlite_url: str) -> dict[str, str]:
    return {
        "GATEHOUSE_ENV": "production",
        "GATEHOUSE_BASE_URL": "https://gate.example.com",
        "GATEHOUSE_TRUSTED_PROXIES": "1",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "DATABASE_URL": sqlite_url,
        "GATEHOUSE_METRICS_TOKEN": TOKEN,
        "GITHUB_CLIENT_ID": "client",
        "GITHUB_CLIENT_SECRET": CANARY,
        "GUNICORN_CMD_ARGS": f"--config {DEPLOY / 'gunicorn.conf.py'}",
    }


@pytest.fixture
def production(sqlite_url: str) -> Iterator[Production]:
    with running_gatehouse(environment_of(sqlite_url), server="gunicorn", workers=2) as node:
        yield Production(node, sqlite_url)


def test_all_processes_are_added_up_and_labels_are_few(production: Production) -> None:
    asked = 40
    for number in range(asked):
        assert production.get("/auth/login").status_code == 200
        production.get(f"/nowhere/{number}")
        assert production.get(f"/auth/authorize/github?state={number}").status_code == 400
    samples = production.samples()
    count = "gatehouse_request_seconds_count"
    assert value(samples, count, route="/auth/login", method="GET", status="200") == asked
    assert value(samples, count, route="none", status="404") == asked
    assert value(samples, "gatehouse_sign_ins_total", provider="github", outcome="state_unknown") == asked
    assert value(samples, "gatehouse_refusals_total", reason="sign_in") == asked
    processes = set(re.findall(r"Booting worker with pid: (\d+)", production.node.log))
    assert len(processes) == 2

    requests.request("CANARY", production.node.base_url + "/auth/login", headers=BY_HTTPS, timeout=PATIENCE_S)
    labels = {tag for _, tags in production.samples() for tag in tags}
    known = {route.rule for route in ROUTES} | {"none", "/static/gatehouse/<path:filename>"}
    assert {text for name, text in labels if name == "route"} <= known
    assert {text for name, text in labels if name == "method"} <= {"GET", "other"}
    assert CANARY not in str(labels)


def test_nothing_has_happened_yet_is_said_of_each_reason(production: Production) -> None:
    samples = production.samples()
    assert {name: samples.get(name) for name in at_start()} == dict.fromkeys(at_start(), 0.0)


def test_what_the_database_knows_is_there_and_an_outage_is_told_from_zero(production: Production) -> None:
    production.get("/auth/authorize/github?state=x")
    samples = production.samples()
    assert value(samples, "gatehouse_database_up") == 1
    assert value(samples, "gatehouse_sessions") == 0
    # Nobody seals here: there is no worker.
    assert 0 < value(samples, "gatehouse_seal_lag_seconds") < 600


@pytest.mark.parametrize("told", [None, "", "Bearer", "Bearer TOKENx", "bearer TOKEN", "Basic TOKEN"])
def test_nobody_without_the_token_reads_metrics(production: Production, told: str | None) -> None:
    answer = production.get("/metrics", {} if told is None else {"Authorization": told.replace("TOKEN", TOKEN)})
    assert answer.status_code == 403
    assert "gatehouse_" not in answer.text


def test_every_metric_of_the_dashboard_and_the_rules_is_there(production: Production) -> None:
    production.get("/auth/authorize/github?state=x")
    dashboard = json.loads((DEPLOY / "dashboard.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((DEPLOY / "alert-rules.yml").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    named = set(re.findall(r"gatehouse_[a-z_]+", " ".join(asked)))
    text = production.get("/metrics", BEARER).text
    # Processes that share files name what has happened; this one says what can.
    kinds = dict(re.findall(r"# TYPE (gatehouse_\S+) (\S+)", text + generate_latest(Metrics()._own).decode()))
    there = set(kinds) | {
        name + end for name, kind in kinds.items() if kind == "histogram" for end in ("_bucket", "_count", "_sum")
    }
    assert named - there == set()
    assert len(named) >= 8


def test_the_files_of_a_run_go_with_it_whatever_has_come_over_it(sqlite_url: str, tmp_path: Path) -> None:
    """After a reload nobody knew whose they were; a master that took over read those of the one that went."""

    def folders() -> list[Path]:
        return list(tmp_path.glob("gatehouse-metrics-*"))

    def wait_for_workers(number: int) -> None:
        wait_until(lambda: node.log.count("Booting worker") >= number)

    with running_gatehouse(environment_of(sqlite_url) | {"TMPDIR": str(tmp_path)}, server="gunicorn") as node:
        (first,) = folders()
        node.process.send_signal(signal.SIGHUP)
        wait_for_workers(2)
        assert folders() == [first]
        node.process.send_signal(signal.SIGUSR2)
        wait_for_workers(3)
        assert len(folders()) == 2
        node.process.send_signal(signal.SIGTERM)
        node.process.wait(PATIENCE_S)
        assert first not in folders()
        assert value(Production(node, sqlite_url).samples(), "gatehouse_database_up") == 1
        successor = int(re.findall(r"Listening at: \S+ \((\d+)\)", node.log)[-1])
        assert successor != node.process.pid
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: folders() == [])


def test_the_log_is_json_and_finds_its_request_in_the_trail(production: Production) -> None:
    answer = production.get(
        f"/auth/authorize/github?state={CANARY}&code={CANARY}", {"Cookie": f"x={CANARY}", "User-Agent": CANARY}
    )
    name = answer.headers["X-Request-ID"]

    def mine() -> list[dict[str, object]]:
        return [line for line in production.lines() if line.get("request_id") == name and "status" in line]

    wait_until(lambda: bool(mine()))
    (line,) = mine()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", str(line.pop("time")))
    duration = line.pop("duration_ms")
    assert isinstance(duration, float)
    assert line == {
        "level": "info",
        "logger": "flask_gatehouse.requests",
        "message": "GET /auth/authorize/<provider> 400",
        "request_id": name,
        "method": "GET",
        "route": "/auth/authorize/<provider>",
        "status": 400,
    }
    engine = create_engine(production.database_url)
    with engine.connect() as connection:
        found = sql("SELECT event FROM gatehouse_audit_events WHERE request_id = :name")
        assert list(connection.execute(found, {"name": name}).scalars()) == ["authn_login_fail"]
    engine.dispose()
    assert CANARY not in production.node.log
    assert "203.0.113.9" not in production.node.log

    # Said at the start of each process, of which one may be slower than the other.
    def said() -> int:
        return sum("REDIS_URL is not set" in str(line["message"]) for line in production.lines())

    wait_until(lambda: said() >= 2)
    assert said() == 2


def test_without_a_token_nobody_reads_metrics_but_a_developer(
    sqlite_url: str, open_browser: Callable[[Node], Browser]
) -> None:
    with running_gatehouse({"DATABASE_URL": sqlite_url}) as node:
        answer = open_browser(node).get("/metrics")
        assert (answer.status_code, "gatehouse_database_up 1.0" in answer.text) == (200, True)
    production = {
        "GATEHOUSE_ENV": "production",
        "GATEHOUSE_BASE_URL": "https://gate.example.com",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "DATABASE_URL": sqlite_url,
    }
    with running_gatehouse(production, server="gunicorn") as node:
        assert requests.get(f"{node.base_url}/metrics", timeout=PATIENCE_S).status_code == 404
