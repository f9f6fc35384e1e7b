"""What scans find wrong with what the files of ``deploy/`` make: ours, an observatory, and an evaluator of policies."""

import json
import subprocess
from pathlib import Path
from typing import Any

from flask_gatehouse.ops.doctor.checklist import OF_A_DEPLOYMENT
from tests.deployment.conftest import Deployment, port_of
from tests.deployment.doctor import ask_doctor
from tests.panva import NODE, REPOSITORY


def test_nothing_is_wrong_with_what_is_deployed(deployment: Deployment) -> None:
    code, found = ask_doctor(deployment)
    names = {one.name for one in OF_A_DEPLOYMENT} | {"database", "migrations", "limiter", "discovery", "clock"}
    # The tests let everybody sign in a million times, which nobody tries.
    assert [found[name] for name in names - {"rate_limit"} if found[name]["result"] != "ok"] == []
    assert found["rate_limit"]["result"] == "could not tell"
    assert [found[name]["result"] for name in ("redirect_uri", "client")] == ["ok", "ok"]
    assert "leads to https (308)" in found["https_redirect"]["evidence"]
    # Nobody is an administrator here, and nobody is told of alerts.
    assert (code, found["administrators"]["result"]) == (1, "failed")


def observatory(deployment: Deployment, secure_url: str) -> dict[str, Any]:
    """Return what MDN's HTTP Observatory says of the site at this address."""
    ports = [str(port_of(url)) for url in (deployment.plain_url, secure_url)]
    done = subprocess.run(
        [NODE, Path(__file__).parent / "observatory.mjs", *ports, "/"],
        env={"NODE_EXTRA_CA_CERTS": str(deployment.authority)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_the_observatory_gives_full_marks(deployment: Deployment) -> None:
    said = observatory(deployment, deployment.base_url)
    assert (said["grade"], said["score"], said["failed"]) == ("A+", 130, 0)
    # The best of each but of two: no list in browsers names a test's host, and no script comes from another origin,
    # against which alone a hash in the page would help.
    assert said["results"] == {
        "content-security-policy": "csp-implemented-with-no-unsafe-default-src-none",
        "cookies": "cookies-not-found",
        "cross-origin-resource-policy": "corp-implemented-with-same-origin",
        "cross-origin-resource-sharing": "cross-origin-resource-sharing-not-implemented",
        "redirection": "redirection-to-https",
        "referrer-policy": "referrer-policy-private",
        "strict-transport-security": "hsts-implemented-max-age-at-least-six-months",
        "subresource-integrity": "sri-not-implemented-but-all-scripts-loaded-from-secure-origin",
        "x-content-type-options": "x-content-type-options-nosniff",
        "x-frame-options": "x-frame-options-implemented-via-csp",
    }
    # It would have said so: the provider beside it sends other headers.
    assert observatory(deployment, deployment.environment["GATEHOUSE_OIDC_PANVA_ISSUER"])["failed"] > 0


EVALUATE = """
const { CspParser } = require("csp_evaluator/dist/parser.js");
const { CspEvaluator } = require("csp_evaluator/dist/evaluator.js");
console.log(JSON.stringify(new CspEvaluator(new CspParser(process.argv[1]).csp).evaluate()));
"""


def test_the_policy_evaluator_finds_nothing_but_that_self_needs_care(deployment: Deployment) -> None:
    page = deployment.browser().get(f"{deployment.base_url}/auth/login", timeout=30)
    policy = page.headers["Content-Security-Policy"]

    def findings(text: str) -> list[tuple[str, str, int]]:
        node = [NODE, "-e", EVALUATE, text]
        done = subprocess.run(node, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        return [(found["directive"], found.get("value", ""), found["severity"]) for found in json.loads(done.stdout)]

    # 50 is a "maybe": scripts of this origin are ours alone, since nobody uploads files and nothing answers JSONP.
    assert findings(policy) == [("script-src", "'self'", 50)]
    # It would have said so.
    assert ("script-src", "'unsafe-inline'", 10) in findings(
        policy.replace("script-src 'self'", "script-src 'unsafe-inline'")
    )
