"""Caddy with the site of ``deploy/Caddyfile``, to which a certificate and ports alone are added."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.deployment.certificates import Certificates
from tests.deployment.proxy import end, wait_for
from tests.services import ending_with_us, need
from tools import provision

SITE = provision.ROOT / "deploy/Caddyfile"
_SITE = """
{{
    admin off
    http_port {plain_port}
    https_port {secure_port}
    auto_https disable_certs
}}
{site}
"""
# A process of its own: in one with the site, plain http is led to the port of one or the other.
_PROVIDER = """
{{
    admin off
    auto_https off
}}
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
    site = SITE.read_text()
    for line, more in (
        ("\n{$GATEHOUSE_HOST:gate.example.com} {", f"\n\ttls {certificates.chain} {certificates.key}"),
        ("https://{host}", f":{ports[1]}"),
    ):
        assert line in site
        site = site.replace(line, line + more)
    front = _PROVIDER.format(
        provider_port=provider[0], provider=provider[1], chain=certificates.chain, key=certificates.key
    )
    environment = {
        "PATH": os.environ["PATH"],
        # Where it would keep certificates that it fetches.
        "HOME": str(folder),
        "GATEHOUSE_HOST": "localhost",
        "GATEHOUSE_NODES": " ".join(f"unix/{path}" for path in sockets),
    }
    with ExitStack() as stack:
        for name, open_ports, configuration in (
            ("site", ports, _SITE.format(plain_port=ports[0], secure_port=ports[1], site=site)),
            ("provider", (provider[0],), front),
        ):
            (folder / f"{name}.Caddyfile").write_text(configuration)
            stack.enter_context(_running(program, folder, name, open_ports, environment))
        yield


@contextmanager
def _running(
    program: Path, folder: Path, name: str, ports: Sequence[int], environment: Mapping[str, str]
) -> Iterator[None]:
    command = (program, "run", "--adapter", "caddyfile", "--config", folder / f"{name}.Caddyfile")
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ending_with_us(command, signal.SIGTERM),
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        # Each is a server of its own within it, and opens its port by itself.
        for port in ports:
            wait_for(port, process, log)
        yield
    finally:
        end(process)
