"""The provider's addresses: its documents, the token and userinfo endpoints, logout; ``page`` shows the one page."""

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from ..web.exact import ExactBlueprint
from ..web.headers import mark_private, secure
from ..web.language import name_language, speak
from ..web.state import state
from .guards import is_from_this_machine
from .keys import ALGORITHM
from .openid import Server
from .page import EXTENSION, authorize, forget, refusal_page, server
from .provider import AUTH_METHODS, SCOPES

CLAIMS = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "name", "email", "email_verified"]


def make_blueprint(made: Server) -> Blueprint:
    """Return the blueprint of one application's provider."""
    blueprint = ExactBlueprint(EXTENSION, __name__)
    blueprint.before_request(refuse_strangers)
    blueprint.before_request(speak_english)
    blueprint.after_request(close)
    blueprint.record_once(lambda setup: setup.app.extensions.update({EXTENSION: made}))
    blueprint.add_url_rule("/.well-known/openid-configuration", view_func=configuration)
    blueprint.add_url_rule("/jwks", view_func=jwks)
    blueprint.add_url_rule("/authorize", view_func=authorize, methods=["GET", "POST"])
    blueprint.add_url_rule("/token", view_func=token, methods=["POST"])
    blueprint.add_url_rule("/userinfo", view_func=userinfo, methods=["GET", "POST"])
    blueprint.add_url_rule("/end-session", view_func=end_session, methods=["GET", "POST"])
    return blueprint


def refuse_strangers() -> None:
    if not is_from_this_machine(request.environ):
        sentence = "The embedded provider answers only the machine on which it runs, and no proxy.\n"
        abort(Response(sentence, 403, mimetype="text/plain"))


def speak_english() -> None:
    """Keep what stands around these pages in the one language that they have: they are for developers."""
    speak("en")


def close(response: Response) -> Response:
    return secure(mark_private(name_language(response)), https=state().secure_cookies)


def configuration() -> ResponseReturnValue:
    """Say what the provider can do (Discovery 1.0 §3)."""
    issuer = server().provider.issuer
    return jsonify(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        userinfo_endpoint=f"{issuer}/userinfo",
        jwks_uri=f"{issuer}/jwks",
        end_session_endpoint=f"{issuer}/end-session",
        scopes_supported=SCOPES,
        response_types_supported=["code"],
        response_modes_supported=["query"],
        grant_types_supported=["authorization_code"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=[ALGORITHM],
        token_endpoint_auth_methods_supported=AUTH_METHODS,
        code_challenge_methods_supported=["S256"],
        prompt_values_supported=["none", "login", "select_account"],
        claims_supported=CLAIMS,
        request_parameter_supported=False,
        request_uri_parameter_supported=False,
        authorization_response_iss_parameter_supported=True,
    )


def jwks() -> ResponseReturnValue:
    return jsonify(server().provider.key.public_keys())


def token() -> ResponseReturnValue:
    return server().answer_token_request()


def userinfo() -> ResponseReturnValue:
    here = server()
    try:
        return jsonify(here.provider.userinfo(here.presented_token()))
    except OAuth2Error as error:
        return here.answer_with_error(error)


def end_session() -> ResponseReturnValue:
    here = server()
    try:
        redirected = here.end_session()
    except OAuth2Error as error:
        # No redirect where anything is wrong (RP-Initiated Logout 1.0 §4).
        return refusal_page(error.description)
    page = redirected or render_template("gatehouse/dev/signed_out.html", signed_in=False)
    return forget(make_response(page))
