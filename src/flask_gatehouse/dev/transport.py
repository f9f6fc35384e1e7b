"""The way from the relying party to the provider in the same process, without a socket.

A server with one worker would otherwise wait for itself: the worker that asks is the one that would have to answer.
"""

from contextvars import Context
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ..signin.call import Answer, Call

PEER = "127.0.0.1"


class InProcessTransport:
    """Answers requests for addresses below the issuer by calling the application.

    :param app: the application, whole: middleware included.
    :param issuer: what every address must begin with.
    """

    def __init__(self, app: Flask, issuer: str) -> None:
        self._app = app
        self._below = f"{issuer}/"

    def send(self, call: Call) -> Answer:
        """Return the application's answer.

        :raises ValueError: for an address that is not below the issuer.
        """
        if not call.url.startswith(self._below):
            raise ValueError(f"not an address of the embedded provider: {call.url}")
        # A context of its own: the request that is being answered outside must not be seen inside, and what is
        # left inside must not be seen outside.
        return Context().run(self._call, call)

    def _call(self, call: Call) -> Answer:
        parts = urlsplit(call.url)
        # What a server that mounts the application below a path takes off before it calls it.
        root = self._app.config["APPLICATION_ROOT"].rstrip("/")
        builder = EnvironBuilder(
            path=parts.path.removeprefix(root),
            base_url=f"{parts.scheme}://{parts.netloc}{root}/",
            query_string=parts.query,
            method=call.method,
            headers=list(call.headers.items()),
            data=call.body,
            environ_base={"REMOTE_ADDR": PEER},
        )
        try:
            body, status, headers = run_wsgi_app(self._app, builder.get_environ(), buffered=True)
            return Answer(int(status.split(" ", 1)[0]), headers.to_wsgi_list(), b"".join(body))
        finally:
            builder.close()
