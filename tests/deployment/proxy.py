"""nginx with the site of ``deploy/nginx``, in which paths and ports alone are filled in."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.deployment.certificates import Certificates
from tests.services import ending_with_us, need
from tools import provision

SITE = Path(__file__).parent.parent.parent / "deploy/nginx/gatehouse.conf"
_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log info;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/css css; text/javascript js; image/svg+xml svg; }}
    {site}
    server {{
        listen 127.0.0.1:{provider_port} ssl;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        location / {{
            proxy_pass {provider};
            proxy_set_header Host $host:$server_port;
            proxy_set_header X-Forwarded-Proto https;
        }}
    }}
}}
"""


@contextmanager
def running_nginx(
    folder: Path,
    certificates: Certificates,
    sockets: Sequence[Path],
    ports: tuple[int, int],
    provider: tuple[int, str],
) -> Iterator[None]:
    """Serve the site in front of these nodes, and a provider over TLS beside it.

    :param ports: of plain http and of https.
    :param provider: the port at which it is known, and its own address.
    """
    program = provision.find_nginx()
    if program is None:
        need(provision.NGINX)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _MAIN.format(
            folder=folder,
            site=_site(certificates, sockets, ports),
            provider_port=provider[0],
            provider=provider[1],
            chain=certificates.chain,
            key=certificates.key,
        )
    )
    command = (program, "-e", folder / "nginx.log", "-p", folder, "-c", configuration)
    process = subprocess.Popen(ending_with_us(command, signal.SIGTERM), start_new_session=True)
    try:
        for port in (*ports, provider[0]):
            wait_for(port, process, folder / "nginx.log")
        yield
    finally:
        end(process)


def _site(certificates: Certificates, sockets: Sequence[Path], ports: tuple[int, int]) -> str:
    text = SITE.read_text()
    for number, path in enumerate(sockets, 1):
        text = text.replace(f"unix:/run/gatehouse/{number}.sock", f"unix:{path}")
    text = re.sub(r"listen \[::\].*\n", "", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{ports[0]};")
    text = text.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{ports[1]} ssl http2;")
    text = text.replace("gate.example.com", "localhost")
    text = text.replace("https://$host$request_uri", f"https://$host:{ports[1]}$request_uri")
    text = text.replace("proxy_set_header Host $host;", "proxy_set_header Host $host:$server_port;")
    text = text.replace("/etc/ssl/gatehouse/fullchain.pem", str(certificates.chain))
    return text.replace("/etc/ssl/gatehouse/privkey.pem", str(certificates.key))


def end(process: subprocess.Popen[bytes]) -> None:
    """End a proxy at once; by itself it would first wait for whoever has a connection open."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a proxy takes connections.

    :raises RuntimeError: with the end of its log, if it does not.
    """
    deadline = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the proxy does not answer:\n{log.read_text()[-3000:]}") from None
            time.sleep(0.05)
        else:
            return
