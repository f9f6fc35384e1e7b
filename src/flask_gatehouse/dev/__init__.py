"""The embedded OpenID provider and the server for development; both refuse to run anywhere else.

A real provider (codes, PKCE, ID tokens, userinfo, logout) on Authlib's server, mounted in the same application on the
same port, where anyone can be anyone. ``attachment`` puts it in; ``guards`` says when it may stand and whom it answers;
``page`` is what a person sees, ``openid`` the protocol, ``misbehaviour`` what a broken provider would do instead;
``transport`` lets the application ask itself; ``server`` runs it.
"""

from .attachment import EMBEDDED_PROVIDER, attach
from .guards import EmbeddedProviderRefused

__all__ = ["EMBEDDED_PROVIDER", "EmbeddedProviderRefused", "attach"]
