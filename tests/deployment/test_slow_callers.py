"""Callers who begin requests and never finish them: more than there are threads, and nobody else notices."""

import socket
import ssl
from contextlib import ExitStack

from tests.deployment.conftest import PATIENCE_S, Deployment, port_of

# Two nodes have two processes with eight threads each.
CALLERS = 48
HEADER = b"GET /dashboard HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = (
    b"POST /auth/logout HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\ncsrf_"
)


def test_they_keep_nobody_waiting(deployment: Deployment) -> None:
    trusting = ssl.create_default_context(cafile=str(deployment.authority))
    browser = deployment.sign_in("ivan")
    with ExitStack() as stack:
        callers = []
        for begun in (HEADER, BODY) * CALLERS:
            plain = socket.create_connection(("localhost", port_of(deployment.base_url)), timeout=PATIENCE_S)
            caller = stack.enter_context(trusting.wrap_socket(plain, server_hostname="localhost"))
            caller.sendall(begun)
            callers.append(caller)
        for _ in range(3):
            for caller in callers:
                caller.sendall(b"a")
            answer = browser.get(f"{deployment.base_url}/dashboard", allow_redirects=False, timeout=PATIENCE_S)
            assert answer.status_code == 200
            assert [node.status("/healthz") for node in deployment.nodes] == [200, 200]
