"""The way from the relying party to the provider in the same process, without a socket.

A server with one worker would otherwise wait for itself: the worker that asks is the one that would have to answer.
"""

from collections.abc import Mapping
from contextvars import Context
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidURL
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

PEER = "127.0.0.1"


class InProcessTransport(HTTPAdapter):
    """Answers requests for addresses below the issuer by calling the application.

    :param app: the application, whole: middleware included.
    :param issuer: what every address must begin with.
    """

    def __init__(self, app: Flask, issuer: str) -> None:
        super().__init__()
        self._app = app
        self._below = f"{issuer}/"

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the application's answer.

        :param stream: like all that follow, without meaning here.
        :raises requests.exceptions.InvalidURL: for an address that is not below the issuer.
        """
        url = request.url or ""
        if not url.startswith(self._below):
            raise InvalidURL(f"not an address of the embedded provider: {url}", request=request)
        # A context of its own: the request that is being answered outside must not be seen inside, and what is
        # left inside must not be seen outside.
        body, status, headers = Context().run(self._call, request, url)
        raw = HTTPResponse(BytesIO(body), HTTPHeaderDict(headers), status, preload_content=False, request_url=url)
        answer: Response = self.build_response(request, raw)
        return answer

    def _call(self, request: PreparedRequest, url: str) -> tuple[bytes, int, list[tuple[str, str]]]:
        parts = urlsplit(url)
        body = request.body or b""
        # What a server that mounts the application below a path takes off before it calls it.
        root = self._app.config["APPLICATION_ROOT"].rstrip("/")
        builder = EnvironBuilder(
            path=parts.path.removeprefix(root),
            base_url=f"{parts.scheme}://{parts.netloc}{root}/",
            query_string=parts.query,
            method=request.method or "GET",
            headers=list(request.headers.items()),
            data=body.encode() if isinstance(body, str) else body,
            environ_base={"REMOTE_ADDR": PEER},
        )
        try:
            parts_of_body, status, headers = run_wsgi_app(self._app, builder.get_environ(), buffered=True)
            return b"".join(parts_of_body), int(status.split(" ", 1)[0]), headers.to_wsgi_list()
        finally:
            builder.close()
