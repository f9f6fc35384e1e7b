"""The rules and the dashboard, read by the program that will read them, and the rules when something is wrong."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from flask_gatehouse.app import create_app
from flask_gatehouse.web.metrics import Metrics
from flask_gatehouse.web.state import EXTENSION, State
from tests.services import need
from tools import provision

RULES = provision.ROOT / "deploy/alert-rules.yml"
DASHBOARD = provision.ROOT / "deploy/dashboard.json"
# What happens, minute by minute, which rule it fires, and after how many minutes at the latest.
WRONG = {
    "GatehouseAway": ('up{job="gatehouse",instance="a"}', "1x3 0x10", 6),
    "GatehouseDatabaseAway": ('gatehouse_database_up{instance="a"}', "1x3 0x10", 8),
    "GatehouseWorkerAway": ('gatehouse_seal_lag_seconds{instance="a"}', "1 61+60x20", 8),
    "GatehouseAlertsBehind": ('gatehouse_alert_lag_seconds{sink="alerts-mail"}', "1 901+60x20", 10),
    "GatehouseFaults": ('gatehouse_request_seconds_count{status="500"}', "0+6x20", 15),
    "GatehouseRefusals": ('gatehouse_refusals_total{reason="csrf"}', "0+600x40", 25),
    "GatehouseLimiterAway": ('gatehouse_refusals_total{reason="limiter_away"}', "0 0 5x10", 4),
    "GatehouseLogLost": ('gatehouse_log_lines_lost_total{instance="a"}', "0 0 5x10", 4),
    "GatehouseSignInsFail": ('gatehouse_sign_ins_total{provider="google",outcome="unavailable"}', "0+6x40", 25),
}
WELL = [
    ('up{job="gatehouse",instance="a"}', "1x30"),
    ('up{job="another",instance="a"}', "0x30"),
    ('gatehouse_database_up{instance="a"}', "1x30"),
    ('gatehouse_seal_lag_seconds{instance="a"}', "1x30"),
    ('gatehouse_alert_lag_seconds{sink="alerts-mail"}', "1x30"),
    ('gatehouse_request_seconds_count{status="500"}', "3x30"),
    ('gatehouse_refusals_total{reason="csrf"}', "0+6x30"),
    ('gatehouse_refusals_total{reason="limiter_away"}', "5x30"),
    ('gatehouse_log_lines_lost_total{instance="a"}', "5x30"),
    ('gatehouse_sign_ins_total{provider="google",outcome="success"}', "0+6x30"),
]


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = provision.find_promtool() or need(provision.PROMETHEUS)
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=300)


def fires(folder: Path, name: str, series: list[tuple[str, str]], minute: int) -> bool:
    """Return whether a rule fires then. Promtool compares with what is expected, and nothing is: it says what fires."""
    said = {
        "rule_files": [str(RULES)],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": one, "values": values} for one, values in series],
                "alert_rule_test": [{"eval_time": f"{minute}m", "alertname": name, "exp_alerts": []}],
            }
        ],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump(said))
    done = promtool("test", "rules", path)
    told = done.stdout + done.stderr
    assert (done.returncode == 0) == ("SUCCESS" in told), told
    assert done.returncode == 0 or f"alertname: {name}" in told, told
    return done.returncode != 0


def test_the_rules_are_rules() -> None:
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(yaml.safe_load(RULES.read_text())['groups'][0]['rules'])} rules found" in done.stdout


def test_what_the_dashboard_asks_can_be_asked(tmp_path: Path) -> None:
    asked = [target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]]
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(asked)
    ]
    path = tmp_path / "dashboard.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(asked)} rules found" in done.stdout


@pytest.mark.parametrize("name", WRONG)
def test_a_rule_fires_when_something_is_wrong_and_not_before(tmp_path: Path, name: str) -> None:
    series, values, minute = WRONG[name]
    assert fires(tmp_path, name, [(series, values)], minute)
    assert not fires(tmp_path, name, WELL, minute)


def measured(database_url: str, took: float) -> list[tuple[str, str]]:
    """Return what /metrics says of requests and sign-ins that take so many seconds, and go on to, for an hour."""
    app = create_app({"GATEHOUSE_ENV": "development", "SECRET_KEY": "k" * 32, "DATABASE_URL": database_url})
    here: State = app.extensions[EXTENSION]
    metrics: Metrics = here.metrics
    for _ in range(60):
        metrics.requests.labels("/users", "GET", "200").observe(took)
        metrics.provider.labels("google").observe(took)
    text = app.test_client().get("/metrics").text
    here.database.engine.dispose()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return [
        (f"{one.name}{{{','.join(f'{name}={json.dumps(value)}' for name, value in one.labels.items())}}}",
         f"0+{one.value:g}x60")
        for one in samples
        if one.name.endswith("_bucket")
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["GatehouseSlow", "GatehouseProviderSlow"])
def test_a_rule_fires_when_answers_take_long_and_not_while_they_do_not(
    tmp_path: Path, sqlite_url: str, name: str
) -> None:
    slow, quick = measured(sqlite_url, 6), measured(sqlite_url, 0.8)
    assert len(slow) >= 20
    assert fires(tmp_path, name, slow, 40)
    assert not fires(tmp_path, name, slow, 5)
    assert not fires(tmp_path, name, quick, 40)


def test_each_rule_is_seen_to_fire() -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    assert {rule["alert"] for rule in group["rules"]} == {*WRONG, "GatehouseSlow", "GatehouseProviderSlow"}
