"""Caddy with the site of ``deploy/Caddyfile``, to which a certificate and ports alone are added."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.deployment.certificates import Certificates
from tests.deployment.proxy import wait_for
from tests.services import ending_with_us, need
from tools import provision

SITE = provision.ROOT / "deploy/Caddyfile"
_MAIN = """
{{
    admin off
    http_port {plain_port}
    auto_https disable_certs
}}
{site}
:{provider_port} {{
    tls {chain} {key}
    reverse_proxy {provider}
}}
"""


@contextmanager
def running_caddy(
    folder: Path,
    certificates: Certificates,
    sockets: Sequence[Path],
    ports: tuple[int, int],
    provider: tuple[int, str],
) -> Iterator[None]:
    """Serve the site in front of these nodes, and a provider over TLS beside it; parameters as of ``running_nginx``."""
    program = provision.find_caddy() or need(provision.CADDY)
    line = "{$GATEHOUSE_HOST:gate.example.com} {"
    text = SITE.read_text()
    assert line in text
    configuration = folder / "Caddyfile"
    configuration.write_text(
        _MAIN.format(
            plain_port=ports[0],
            site=text.replace(line, f"{line}\n\ttls {certificates.chain} {certificates.key}"),
            provider_port=provider[0],
            provider=provider[1],
            chain=certificates.chain,
            key=certificates.key,
        )
    )
    environment = {
        "PATH": os.environ["PATH"],
        # Where it would keep certificates that it fetches.
        "HOME": str(folder),
        "GATEHOUSE_HOST": f"localhost:{ports[1]}",
        "GATEHOUSE_NODES": " ".join(f"unix/{path}" for path in sockets),
    }
    command = ending_with_us((program, "run", "--adapter", "caddyfile", "--config", configuration), signal.SIGTERM)
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(ports[1], process, folder / "caddy.log")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
