"""Find the servers and the browser that the tests use; install them where that is allowed.

Root on Debian or Ubuntu gets the missing ones through apt. Anybody else is told what is missing and which
command installs it. With ``CI`` set a missing one is an error, because a check that is skipped proves nothing.
"""

import ctypes.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLUSTER_CONFIGURATION = Path("/etc/postgresql-common/createcluster.conf")
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MAC_BROWSERS = ("/Applications/Chromium.app/Contents/MacOS/Chromium",)


def find_postgresql() -> Path | None:
    """Return the folder with ``initdb`` and ``postgres``, of the newest version there is."""
    version = lambda folder: [int(part) for part in folder.parent.name.split(".") if part.isdigit()]  # noqa: E731
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def finds(*programs: str) -> Callable[[], Path | None]:
    """Return what finds the first of some programs that there is."""

    def find() -> Path | None:
        # Debian keeps servers where only root looks for programs.
        folders = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
        return next((Path(found) for name in programs if (found := shutil.which(name, path=folders))), None)

    return find


find_redis = finds("redis-server", "valkey-server")
find_nginx, find_caddy = finds("nginx"), finds("caddy")
find_systemd_analyze, find_promtool = finds("systemd-analyze"), finds("promtool")


def find_chromium() -> Path | None:
    """Return a Chromium of this machine, else one that ``playwright install chromium`` fetched."""
    for found in (*map(shutil.which, BROWSERS), *MAC_BROWSERS):
        if found and Path(found).exists():
            return Path(found)
    fetched = sorted(Path("~/.cache/ms-playwright").expanduser().glob("chromium-*/chrome-linux*/chrome"))
    return fetched[-1] if fetched else None


def find_fonts() -> Path | None:
    """Return a folder with fonts: without one, Chromium draws no text and measures no contrast."""
    folders = [Path(name).expanduser() for name in ("/usr/share/fonts", "/System/Library/Fonts", "~/.fonts")]
    return next((folder for folder in folders if folder.is_dir() and any(folder.rglob("*.[ot]t[fc]"))), None)


def find_libatomic() -> Path | None:
    """Return the library with which Playwright's own Node is linked, and which a Debian without a compiler lacks."""
    found = ctypes.util.find_library("atomic") if sys.platform == "linux" else os.devnull
    return Path(found) if found else None


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something of the machine's own that the tests run against."""

    name: str
    find: Callable[[], Path | None]
    packages: tuple[str, ...]

    @property
    def advice(self) -> str:
        return f"sudo apt-get install --no-install-recommends {' '.join(self.packages)}"


POSTGRESQL = Requirement("PostgreSQL server", find_postgresql, ("postgresql",))
REDIS = Requirement("Redis server", find_redis, ("redis-server",))
SYSTEMD = Requirement("systemd-analyze", find_systemd_analyze, ("systemd",))
PROMETHEUS = Requirement("promtool", find_promtool, ("prometheus",))
STRACE = Requirement("strace", finds("strace"), ("strace",))
NGINX = Requirement("nginx", find_nginx, ("nginx-light",))
CADDY = Requirement("Caddy", find_caddy, ("caddy",))
CHROMIUM = Requirement("Chromium", find_chromium, ("chromium",))
FONTS = Requirement("Fonts for Chromium", find_fonts, ("fonts-dejavu-core",))
LIBATOMIC = Requirement("libatomic, for Playwright", find_libatomic, ("libatomic1",))
ALL = (POSTGRESQL, REDIS, NGINX, CADDY, SYSTEMD, PROMETHEUS, STRACE, CHROMIUM, FONTS, LIBATOMIC)


def missing() -> list[Requirement]:
    return [requirement for requirement in ALL if requirement.find() is None]


def may_install() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(requirements: list[Requirement]) -> None:
    """Install system packages. None of the servers is started: the tests start their own."""
    if POSTGRESQL in requirements and not CLUSTER_CONFIGURATION.exists():
        CLUSTER_CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
        CLUSTER_CONFIGURATION.write_text("create_main_cluster = false\n")
    packages = [package for requirement in requirements for package in requirement.packages]
    print(f"Installing {', '.join(packages)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "UCF_FORCE_CONFFOLD": "1", "RUNLEVEL": "1"}
    keep = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
    for arguments in (("update",), ("install", "--yes", "--no-install-recommends", *keep, *packages)):
        done = subprocess.run(
            ("apt-get", "-qq", *arguments), env=environment, check=False, capture_output=True, text=True
        )
        if done.returncode:
            print(f"apt-get {arguments[0]} failed:\n{done.stdout}{done.stderr}", file=sys.stderr)
            return


def main() -> None:
    if missing() and may_install():
        install(missing())
    for requirement in missing():
        print(f"MISSING: {requirement.name}. Tests that need it are skipped. Install it: {requirement.advice}")
    if missing() and os.environ.get("CI"):
        sys.exit("CI is set, so nothing may be skipped.")


if __name__ == "__main__":
    main()
