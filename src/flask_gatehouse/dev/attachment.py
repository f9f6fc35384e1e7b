"""Puts the provider into an application."""

import hmac
import logging
from hashlib import sha256

from flask import Flask

from ..kernel.text import Secret
from ..settings import ProviderKind, ProviderSettings, Settings
from ..signin.oidc import OpenIDProvider
from ..web.state import EXTENSION, State
from .blueprint import make_blueprint
from .guards import EmbeddedProviderRefused, refuse_outside_development
from .openid import Server
from .provider import EmbeddedProvider, RelyingParty
from .sealed import Seals
from .transport import InProcessTransport

# The provider's name, which is the last part of its sign-in routes.
EMBEDDED_PROVIDER = "dev"
PATH = "/dev/provider"

log = logging.getLogger("flask_gatehouse")


def offer(app: Flask) -> None:
    """Attach the embedded provider, or say in the log why it may not stand here."""
    try:
        attach(app)
    except EmbeddedProviderRefused as refusal:
        log.warning("%s", refusal)


def attach(app: Flask) -> None:
    """Offer the embedded provider first on the sign-in page, beside whatever else is configured.

    :param app: an application that has its Gatehouse; a host's ``CSRFProtect``, if any, comes before this too.
    :raises EmbeddedProviderRefused: outside of development on this machine, and the second time.
    """
    state: State = app.extensions[EXTENSION]
    refuse_outside_development(state.settings)
    if EMBEDDED_PROVIDER in state.providers:
        raise EmbeddedProviderRefused(["The embedded provider is attached to this application already."])
    provider = make_provider(state.settings)
    blueprint = make_blueprint(Server(provider))
    app.register_blueprint(blueprint, url_prefix=f"{state.settings.url_prefix}{PATH}")
    if "csrf" in app.extensions:
        # The relying party calls from here, without a page; the page's own form carries a signed request.
        app.extensions["csrf"].exempt(blueprint)
    client = OpenIDProvider(provider_settings(provider), transport=InProcessTransport(app, provider.issuer))
    others = dict(state.providers)
    state.providers.clear()
    state.providers.update({EMBEDDED_PROVIDER: client} | others)
    state.metrics.expect(EMBEDDED_PROVIDER)


def make_provider(settings: Settings) -> EmbeddedProvider:
    issuer = settings.external_url(PATH)
    secret = hmac.new(settings.secret_key.reveal().encode(), b"gatehouse embedded provider: client", sha256)
    sign_in_page = settings.external_url("/auth/login")
    relying_party = RelyingParty(
        client_id="gatehouse",
        # Derived, so that every process of the application knows it without being told.
        client_secret=secret.hexdigest(),
        redirect_uri=settings.external_url(f"/auth/authorize/{EMBEDDED_PROVIDER}"),
        client_metadata={
            "post_logout_redirect_uris": [
                sign_in_page,
                f"{sign_in_page}?notice=signed_out",
                f"{settings.base_url}/",
            ]
        },
    )
    return EmbeddedProvider(issuer, relying_party, Seals(settings.secret_key))


def provider_settings(provider: EmbeddedProvider) -> ProviderSettings:
    """Return the provider as an operator would have configured it."""
    return ProviderSettings(
        name=EMBEDDED_PROVIDER,
        kind=ProviderKind.OIDC,
        issuer=provider.issuer,
        client_id=provider.relying_party.client_id,
        client_secret=Secret(provider.relying_party.client_secret),
        label="a development account",
        email_domains=frozenset({"*"}),
    )
