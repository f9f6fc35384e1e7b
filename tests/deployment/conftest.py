"""A whole deployment on one machine: nginx with TLS, two nodes, a worker, both servers and a provider."""

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
import requests

from tests.deployment.certificates import make_certificates
from tests.deployment.proxy import running_nginx
from tests.deployment.units import Unit, running_worker
from tests.panva import running_panva, sign_in_at_panva
from tests.ports import free_port
from tests.processes import PROGRAMS
from tests.services import Services

PATIENCE_S = 120.0
Proxy = Callable[..., AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is deployed, and how to reach it.

    :param base_url: the address that people type.
    :param plain_url: the same over plain http.
    :param authority: the file with the authority that vouches for it.
    :param environment: of each node, as ``EnvironmentFile=`` names it.
    """

    base_url: str
    plain_url: str
    authority: Path
    nodes: Sequence[Unit]
    environment: Mapping[str, str]
    folder: Path

    def browser(self) -> requests.Session:
        browser = requests.Session()
        browser.trust_env = False
        browser.verify = str(self.authority)
        return browser

    def sign_in(self, name: str) -> requests.Session:
        """Return the browser of somebody who has signed in as ``<name>@example.com``."""
        browser = self.browser()
        sent = browser.get(f"{self.base_url}/auth/login/panva", allow_redirects=False, timeout=PATIENCE_S)
        assert sent.status_code == 302, sent.text
        callback = sign_in_at_panva(browser, sent.headers["Location"], name)
        arrived = browser.get(callback, allow_redirects=False, timeout=PATIENCE_S)
        assert arrived.headers.get("Location") == "/dashboard", arrived.text
        return browser

    def cookie(self, browser: requests.Session) -> str:
        return "; ".join(f"{one.name}={one.value}" for one in browser.cookies if one.name == "__Host-gatehouse")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.command_of(None, *words)

    def command_of(self, source: Path | None, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of another release, or of this one."""
        return subprocess.run(
            [PROGRAMS / "gatehouse", *words],
            env={**self.environment, **({} if source is None else {"PYTHONPATH": str(source)})},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # A socket's path holds at most 107 bytes.
    place = Path(tempfile.mkdtemp(prefix="gatehouse-site-", dir="/tmp" if Path("/tmp").is_dir() else None))  # noqa: S108
    place.chmod(0o755)
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def database_url(postgresql_services: Services, worker_name: str) -> Iterator[str]:
    """The address of an empty database, without our tables."""
    assert postgresql_services.postgresql_url is not None
    name = f"deployed_{worker_name}_{secrets.token_hex(4)}"
    with psycopg.connect(postgresql_services.postgresql_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield postgresql_services.database_url(name)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def counters_url(services: Services) -> str:
    assert services.redis_url is not None
    url = f"{services.redis_url}?db=60"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="module")
def deploy(folder: Path, database_url: str, counters_url: str) -> Iterator[Callable[..., Deployment]]:
    """A function that deploys, once for each module.

    :param sources: for each node, another release's package or None.
    :param proxy: what stands in front of the nodes.
    :param held: whether the addresses of nodes outlive them, as those that systemd holds.
    """
    with ExitStack() as stack:

        def deploy(
            sources: Sequence[Path | None] = (None, None),
            upgrade: Path | None = None,
            proxy: Proxy = running_nginx,
            *,
            held: bool = True,
        ) -> Deployment:
            certificates = make_certificates(folder / "tls")
            plain, secure, provider = free_port(), free_port(), free_port()
            base, issuer = f"https://localhost:{secure}", f"https://localhost:{provider}"
            panva = stack.enter_context(running_panva([f"{base}/auth/authorize/panva"], issuer=issuer))
            environment = {
                "GATEHOUSE_ENV": "production",
                "GATEHOUSE_BASE_URL": base,
                "GATEHOUSE_TRUSTED_PROXIES": "1",
                "SECRET_KEY": secrets.token_urlsafe(32),
                "DATABASE_URL": database_url,
                "REDIS_URL": counters_url,
                "SSL_CERT_FILE": str(certificates.authority),
                # Many people at one address are one address to the limit.
                "GATEHOUSE_RATE_LIMIT": "1000000 per minute",
                "GATEHOUSE_RATE_LIMIT_SIGN_IN": "1000000 per minute",
                **panva.environment,
            }
            _migrate(environment, folder, upgrade)
            nodes = [
                Unit(folder / f"{number}.sock", environment, folder, source, held=held)
                for number, source in enumerate(sources, 1)
            ]
            for node in nodes:
                stack.callback(node.close)
                node.start()
            sockets = [node.path for node in nodes]
            stack.enter_context(proxy(folder, certificates, sockets, (plain, secure), (provider, panva.here)))
            if upgrade is None:
                stack.enter_context(running_worker(environment, folder))
            return Deployment(base, f"http://localhost:{plain}", certificates.authority, nodes, environment, folder)

        yield deploy


def _migrate(environment: Mapping[str, str], folder: Path, source: Path | None) -> None:
    more = {} if source is None else {"PYTHONPATH": str(source)}
    command = [PROGRAMS / "gatehouse", "db", "upgrade"]
    done = subprocess.run(command, env={**environment, **more}, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def deployment(deploy: Callable[..., Deployment]) -> Deployment:
    return deploy()


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
