"""What one application holds of Gatehouse, at ``app.extensions["gatehouse"]``."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from flask import Flask, Request, current_app, request

from ..accounts.rules import Role
from ..db.database import Database
from ..limiting import Limiter
from ..sessions.rules import Limits, limits_of
from ..settings import Settings
from ..signin.assertion import Provider
from ..signin.attempt import AttemptSigner
from ..signin.errors import UnknownProvider
from .metrics import Metrics
from .notes import Notes

EXTENSION = "gatehouse"


@dataclass(frozen=True, slots=True)
class State:
    """Made once by ``Gatehouse.init_app``; after that, only the embedded provider is added, before any request.

    :param providers: by name, in the order in which the sign-in page shows them.
    :param keys: signing keys, the oldest first: the last one signs, all of them verify.
    :param addresses: those of our files and pages that ``addresses`` has made, each with the root that it begins with.
    :ivar known_as: the attribute of a request that holds what this application, and no other, knows about it.
    """

    settings: Settings
    database: Database
    providers: dict[str, Provider]
    signer: AttemptSigner
    keys: tuple[bytes, ...]
    limiter: Limiter
    notes: Notes = field(default_factory=Notes)
    metrics: Metrics = field(default_factory=Metrics)
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)
    limits: dict[Role, Limits] = field(init=False)
    list_role: Role = field(init=False)
    session_cookie: str = field(init=False)
    attempt_cookie: str = field(init=False)
    device_cookie: str = field(init=False)
    known_as: str = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        for name in self.providers:
            self.metrics.expect(name)
        object.__setattr__(self, "limits", {role: limits_of(settings, role) for role in Role})
        object.__setattr__(self, "list_role", Role(settings.user_list_role))
        # A browser accepts __Host- only with Secure, Path=/ and no Domain: a sibling host cannot plant it.
        name = "__Host-gatehouse" if self.secure_cookies else "gatehouse"
        if settings.root:
            # Such a cookie cannot be kept to a path: two applications below one host need names of their own.
            name += "-" + sha256(settings.root.encode()).hexdigest()[:8]
        object.__setattr__(self, "session_cookie", name)
        object.__setattr__(self, "attempt_cookie", f"{name}-attempt-")
        object.__setattr__(self, "device_cookie", f"{name}-device")
        object.__setattr__(self, "known_as", f"_gatehouse_{id(self)}")

    @property
    def secure_cookies(self) -> bool:
        return self.settings.base_url.startswith("https://")

    @property
    def cookie(self) -> dict[str, Any]:
        """Return what each cookie of ours says, the same when it is taken back: otherwise a browser keeps it.

        Without ``HttpOnly`` a script that got into a page would read it. ``Strict`` would be left out when a provider's
        page leads back here.
        """
        return {"path": "/", "secure": self.secure_cookies, "httponly": True, "samesite": "Lax"}

    @property
    def start_page(self) -> str:
        """Return where a person lands who was going nowhere: our dashboard, or the host's own first page."""
        return f"{self.settings.root}/" if self.settings.url_prefix else f"{self.settings.root}/dashboard"

    def provider(self, name: str) -> Provider:
        """Return the provider of this name.

        :raises UnknownProvider: if none is configured.
        """
        try:
            return self.providers[name]
        except KeyError:
            raise UnknownProvider(name) from None


def state() -> State:
    """Return the state of the application that is answering.

    :raises RuntimeError: if it has no gate.
    """
    found: State | None = current_application().extensions.get(EXTENSION)
    if found is None:
        raise RuntimeError("This application has no Gatehouse. Call Gatehouse(app), or init_app(app) in its factory.")
    return found


# The objects behind Flask's proxies, for whoever asks often or goes on when their context has been left. A page asks
# for its request two hundred times: by the proxy, each attribute takes five calls, which together were a tenth of it.
current_application: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]
current_request: Callable[[], Request] = request._get_current_object  # type: ignore[attr-defined]
