"""Where does a sign-in go? Prints what each of its two requests takes, with no server around them.

    python bench/sign_in_parts.py [--rounds 200] [--instructions 40] [--only SQLite]

The application alone in a process, a provider in another, whose time is not in the figures. The first request leads to
the provider; the second brings its answer, asks it for the tokens, and begins the session. Beside them stand the
dashboard and what any request costs that finds its session and shows nothing. Where valgrind is installed, a whole
sign-in is counted in instructions too, which say the same on a machine that is busy otherwise.
"""

import argparse
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

# The sites stand beside this file.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._sites import GATEHOUSE, Site, sites
from bench._worker import Worker
from bench.sign_in import told

from tests.conformance.hostile import HostileProvider, running_provider
from tests.processes import MANY

HERE = "http://localhost:8000"
FEW = 10
PARTS = ("to the provider", "its answer", "both", "dashboard", "any request")
COUNTED = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def sign_in(worker: Worker, provider: HostileProvider) -> tuple[float, float, str]:
    """Return the milliseconds of processor time of both requests, and the cookie of the session."""
    sent = worker.once(f"{HERE}/auth/login/bench")
    asked = parse_qs(urlsplit(_header(sent, "Location")).query)
    provider.nonce = asked["nonce"][0]
    answer = urlencode({"state": asked["state"][0], **provider.answer})
    cookie = _header(sent, "Set-Cookie").partition(";")[0]
    came = worker.once(f"{asked['redirect_uri'][0]}?{answer}", cookie)
    assert _header(came, "Location") == "/dashboard", came
    begun = [value for name, value in came["headers"] if name == "Set-Cookie" and "gatehouse=" in value]
    return sent["busy"] * 1000, came["busy"] * 1000, begun[0].partition(";")[0]


def _header(answer: dict[str, object], name: str) -> str:
    return str(dict(answer["headers"])[name])  # type: ignore[call-overload]


def _times(site: Site, provider: HostileProvider, folder: Path, rounds: int) -> list[float]:
    worker = Worker(GATEHOUSE, _environment(site, provider), folder / "parts.log")
    for _ in range(FEW):
        cookie = sign_in(worker, provider)[2]
    rows = []
    for _ in range(rounds):
        sent, came, _ = sign_in(worker, provider)
        page, other = (worker.once(f"{HERE}{path}", cookie)["busy"] * 1000 for path in ("/dashboard", "/auth/session"))
        rows.append((sent, came, sent + came, page, other))
    worker.close()
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def _instructions(site: Site, provider: HostileProvider, folder: Path, count: int) -> int:
    # A look for garbage goes through all that is loaded, and falls into one of the two counts and not into the other.
    environment = _environment(site, provider) | {"PYTHONHASHSEED": "0", "WITHOUT_COLLECTOR": "1"}
    # A client of Redis that is slowed down so much meets its deadlines.
    environment.pop("REDIS_URL", None)
    worker = Worker(GATEHOUSE, environment, folder / "counted.log", *COUNTED)
    for _ in range(count):
        sign_in(worker, provider)
    worker.close()
    counted = re.search(r"I\s+refs:\s+([\d,]+)", worker.log.read_text(errors="replace"))
    assert counted is not None
    return int(counted[1].replace(",", ""))


def _environment(site: Site, provider: HostileProvider) -> dict[str, str]:
    return MANY | told(site.environment, provider, HERE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--instructions", type=int, default=40)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    options = parser.parse_args()
    print(f"Milliseconds of processor time, medians of {options.rounds}; millions of instructions of both")
    print(f"{'':24}" + "".join(f"{part:>17}" for part in (*PARTS, "instructions")), flush=True)
    with tempfile.TemporaryDirectory() as name, sites(Path(name), options.only, apart=False) as found:
        for site in found:
            with running_provider() as provider:
                took = _times(site, provider, Path(name), options.rounds)
                counted = "not counted"
                if options.instructions and shutil.which("valgrind"):
                    few, many = (
                        _instructions(site, provider, Path(name), count) for count in (FEW, FEW + options.instructions)
                    )
                    counted = f"{(many - few) / options.instructions / 1e6:.2f}"
            title = f"{site.kind} and Redis" if "REDIS_URL" in site.environment else site.kind
            print(f"{title:24}" + "".join(f"{part:17.2f}" for part in took) + f"{counted:>17}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
