"""Build the image of ``deploy/Dockerfile`` and try it as it will run: its user, its health check, its pages, its end.

Run by ``make image``. With a Docker that answers, Docker does it. Root on Debian needs none: ``buildah`` builds, and
the kernel's own namespaces run what was built. Where no registry is reached, ``BASE=debian`` makes a stand-in for the
official image from Debian's packages, which shows everything but the Python of the real one.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TAG = "gatehouse"
BASE = "docker.io/library/python:3.13-slim"
SETTINGS = {
    "GATEHOUSE_BASE_URL": "https://gate.example.com",
    "GATEHOUSE_TRUSTED_PROXIES": "1",
    "GOOGLE_CLIENT_ID": "client",
    "GOOGLE_CLIENT_SECRET": "secret",
}
# What the container's own user does in it. CMD and the health check are the image's.
TRIAL = """
set -eu
test "$(id -u):$(id -g)" = 10001:10001 || { echo "it runs as $(id)"; exit 1; }
for place in /written /usr/written /opt/gatehouse/written /etc/gatehouse/written; do
    if (: > "$place") 2>/dev/null; then echo "$place can be written to"; exit 1; fi
done
for python in /opt/gatehouse/bin/python /usr/local/bin/python /usr/bin/python3; do
    if [ -x "$python" ] && "$python" -m pip --version 2>/dev/null; then echo "$python has pip"; exit 1; fi
done
pg_dump --version
pg_restore --version
gatehouse db upgrade
"$@" &
node=$!
tries=0
until python -c "$HEALTH" 2>/dev/null; do
    tries=$((tries + 1))
    if [ $tries -gt 60 ] || ! kill -0 $node; then echo "its health check fails"; exit 1; fi
    sleep 1
done
python -c "$PAGE"
kill -TERM $node
wait $node
"""
PAGE = """
from urllib.request import Request, urlopen
for path, word in (("/auth/login", "Google"), ("/static/gatehouse/vendor/htmx.min.js", "htmx"), ("/readyz", "ok")):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    assert word in urlopen(Request("http://127.0.0.1:8000" + path, headers=headers), timeout=30).read().decode(), path
"""
# As a container does: processes, network and mounts of its own, over the image's files, which nobody can change.
NAMESPACES = """
set -eu
mount --bind "$IMAGE" "$IMAGE"
mount -t proc proc "$IMAGE/proc"
mount --rbind /dev "$IMAGE/dev"
mount -t tmpfs tmpfs "$IMAGE/dev/shm"
mount -t tmpfs tmpfs "$IMAGE/tmp"
mount -t tmpfs -o mode=0700,uid=10001,gid=10001 tmpfs "$IMAGE/var/lib/gatehouse"
mount -o remount,bind,ro "$IMAGE"
ip link set lo up
exec setpriv --no-new-privs chroot --userspec="$USER" "$IMAGE" "$@"
"""


class Docker:
    """What answers as ``docker``, which may be Podman."""

    def build(self) -> None:
        _run("docker", "build", "--file", "deploy/Dockerfile", "--tag", TAG, ".")

    def configuration(self) -> dict[str, Any]:
        (found,) = json.loads(_said("docker", "image", "inspect", TAG))
        print(f"{found['Size'] / 1e6:.0f} MB")
        return dict(found["Config"])

    def run(self, _: str, environment: dict[str, str], command: Sequence[str]) -> None:
        settings = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        little = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")  # noqa: S108 - its own
        _run("docker", "run", "--rm", *little, *settings, TAG, *command)


class Buildah:
    """Root on a Debian without a Docker."""

    def build(self) -> None:
        for program in ("buildah", *(("mmdebstrap",) if os.environ.get("BASE") == "debian" else ())):
            if shutil.which(program) is None:
                sys.exit(f"No Docker answers, and {program} is missing. Root installs it: apt-get install {program}")
        if os.environ.get("BASE") == "debian":
            self._stand_in()
        words = ("--isolation", "chroot", "--format", "docker", "--pull-never" if os.environ.get("BASE") else "--pull")
        _run("buildah", "bud", *words, "--file", "deploy/Dockerfile", "--tag", TAG, ".")

    def _stand_in(self) -> None:
        with tempfile.TemporaryDirectory(prefix="gatehouse-image-") as folder:
            files = f"{folder}/base.tar"
            packages = "--include=python3.13,python3.13-venv,ca-certificates"
            _run("mmdebstrap", "--variant=minbase", packages, "trixie", files)
            container = _said("buildah", "from", "scratch")
            _run("buildah", "add", "--quiet", container, files, "/")
            _run(
                "buildah", "run", "--isolation", "chroot", container, "--", "ln", "-s", "python3.13", "/usr/bin/python"
            )
            # Whoever vouches for registries to this machine does to what is built on it.
            if authority := os.environ.get("NODE_EXTRA_CA_CERTS"):
                _run("buildah", "add", "--quiet", container, authority, "/etc/ssl/certs/ca-certificates.crt")
                _run("buildah", "config", "--env", "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt", container)
            _run("buildah", "commit", "--quiet", "--rm", container, BASE)

    def configuration(self) -> dict[str, Any]:
        print(_said("buildah", "images", "--format", "{{.Size}}", TAG))
        return dict(json.loads(_said("buildah", "inspect", "--type", "image", TAG))["Docker"]["config"])

    def run(self, user: str, environment: dict[str, str], command: Sequence[str]) -> None:
        container = _said("buildah", "from", "--pull-never", TAG)
        try:
            image = _said("buildah", "mount", container)
            inside = [f"{name}={value}" for name, value in environment.items()]
            own = ("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child")
            place = ("env", "-i", "--chdir=/var/lib/gatehouse", *inside)
            words = ("sh", "-c", NAMESPACES, "-", *place, *command)
            _run(*own, *words, env={"PATH": os.environ["PATH"], "IMAGE": image, "USER": user})
        finally:
            _said("buildah", "rm", container)


def main() -> None:
    answers = (
        shutil.which("docker") and subprocess.run(("docker", "info"), check=False, capture_output=True).returncode == 0
    )
    engine = Docker() if answers else Buildah()
    engine.build()
    found = engine.configuration()
    environment = dict(line.split("=", 1) for line in found["Env"])
    environment |= SETTINGS | {"SECRET_KEY": secrets.token_urlsafe(32), "HOME": "/var/lib/gatehouse"}
    # CMD python -c, and the code.
    environment |= {"HEALTH": found["Healthcheck"]["Test"][3], "PAGE": PAGE}
    engine.run(found["User"], environment, ("sh", "-c", TRIAL, "-", *found["Cmd"]))
    print("The image starts, answers its health check, shows its pages, and stops when it is told to.")


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    if subprocess.run(command, cwd=ROOT, env=env, check=False).returncode:
        sys.exit(f"make image: this failed: {' '.join(command[:3])}")


def _said(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    main()
