"""What does a first visit weigh, and how long until it is seen? Prints a table; the goal is 45 kB in 6 requests.

    python bench/page_weight.py [--rounds 9]

One node is served as ``deploy/`` says, in production behind nginx with TLS. Bytes are those of the bodies as nginx
compresses them. What is seen when is told by Chromium's own timeline: the largest thing painted (LCP), what has moved
(CLS), and for how long scripts kept a reader waiting (TBT), as medians of visits with an empty cache. Where a
``lighthouse`` is on the path (``npm install --global lighthouse@12``), it is asked for its marks too.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

# The fixtures of the tests stand beside this file.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Browser, sync_playwright

from tests.chromium import FLAGS
from tests.deployment.certificates import make_certificates
from tests.deployment.proxy import running_nginx
from tests.deployment.units import Unit
from tests.ports import free_port
from tests.processes import PROGRAMS
from tests.weighed import Part, table, visit
from tools.provision import find_chromium

MOST_BYTES, MOST_REQUESTS = 45_000, 6
PATH = "/auth/login"
# Long tasks count from the fiftieth millisecond on (https://web.dev/articles/tbt).
OBSERVE = """
window.seen = { lcp: 0, cls: 0, tbt: 0 };
const watch = (type, note) =>
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true });
watch("largest-contentful-paint", (entry) => { window.seen.lcp = entry.startTime; });
watch("layout-shift", (entry) => { window.seen.cls += entry.hadRecentInput ? 0 : entry.value; });
watch("longtask", (entry) => { window.seen.tbt += Math.max(0, entry.duration - 50); });
"""


def _seen(browser: Browser, url: str) -> tuple[list[Part], dict[str, float]]:
    """Visit with an empty cache; return what was asked for, and the timeline."""
    context = browser.new_context(ignore_https_errors=True)
    context.add_init_script(OBSERVE)
    page = context.new_page()
    parts = list(visit(page, url))
    seen: dict[str, float] = page.evaluate("window.seen")
    context.close()
    return parts, seen


def _lighthouse(program: str, url: str, chromium: Path, *options: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        words = (program, url, "--quiet", "--output=json", f"--output-path={result}", *options)
        flags = f"--chrome-flags=--headless=new --ignore-certificate-errors {' '.join(FLAGS)}"
        subprocess.run(
            [*words, flags], env={**os.environ, "CHROME_PATH": str(chromium)}, capture_output=True, check=True
        )
        marks: dict[str, Any] = json.loads(result.read_text())["categories"]
    return ", ".join(f"{name} {mark['score'] * 100:.0f}" for name, mark in marks.items() if mark["score"] is not None)


@contextmanager
def _deployed(folder: Path) -> Iterator[str]:
    """Serve a node as it is deployed, and return its address."""
    # nginx serves as somebody who owns nothing, and has to reach the node's socket.
    folder.chmod(0o755)
    plain, secure, nobody = free_port(), free_port(), free_port()
    base = f"https://localhost:{secure}"
    environment = {
        "GATEHOUSE_ENV": "production",
        "GATEHOUSE_BASE_URL": base,
        "GATEHOUSE_TRUSTED_PROXIES": "1",
        "SECRET_KEY": "a key that guards a page for as long as it is weighed",
        "DATABASE_URL": f"sqlite:///{folder / 'gatehouse.db'}",
        "GOOGLE_CLIENT_ID": "bench",
        "GOOGLE_CLIENT_SECRET": "bench",
    }
    subprocess.run([PROGRAMS / "gatehouse", "db", "upgrade"], env=environment, cwd=folder, check=True)
    certificates = make_certificates(folder / "tls")
    with closing(Unit(folder / "node.sock", environment, folder)) as node:
        node.start()
        provider = (nobody, "http://127.0.0.1:9")
        with running_nginx(folder, certificates, [node.path], (plain, secure), provider):
            yield base


def _report(base_url: str, chromium: Path, rounds: int) -> bool:
    url = f"{base_url}{PATH}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        # The first visit starts more of the browser than its page.
        visits = [_seen(browser, url) for _ in range(rounds + 1)][1:]
        browser.close()
    parts, sent = visits[0][0], sum(part.sent for part in visits[0][0])
    lcp, cls, tbt = (statistics.median(seen[name] for _, seen in visits) for name in ("lcp", "cls", "tbt"))
    print(table(parts))
    print(f"{sent:,} bytes in {len(parts)} requests; LCP {lcp:.0f} ms, CLS {cls:.3f}, TBT {tbt:.0f} ms")
    program = shutil.which("lighthouse")
    if program is None:
        print("Lighthouse: not measured, it is not installed")
    else:
        print(f"Lighthouse, a slow phone: {_lighthouse(program, url, chromium)}")
        print(f"Lighthouse, a desktop: {_lighthouse(program, url, chromium, '--preset=desktop')}")
    return sent <= MOST_BYTES and len(parts) <= MOST_REQUESTS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        print("Not measured: Chromium is not installed (make provision).")
        return 0
    with tempfile.TemporaryDirectory() as name, _deployed(Path(name)) as base_url:
        reached = _report(base_url, chromium, options.rounds)
    print(f"The goal is {MOST_BYTES:,} bytes in {MOST_REQUESTS} requests: {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
