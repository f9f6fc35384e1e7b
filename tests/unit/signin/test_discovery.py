"""What is believed of a discovery document. Documents that lie are in ``tests/conformance``."""

import contextlib

import pytest
from hypothesis import given, strategies as st

from flask_gatehouse.signin.discovery import ALGORITHMS, MAX_AGE, fetch_metadata, read_metadata
from flask_gatehouse.signin.errors import Reason, SignInRefused
from flask_gatehouse.signin.http import ProviderHttp

from .scripted import ISSUER, Scripted, provider_settings
from .test_strict_json import VALUES

DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": "https://keys.example/jwks",
    "end_session_endpoint": f"{ISSUER}/end",
}
MEMBERS = [
    *DOCUMENT,
    "userinfo_endpoint",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "authorization_response_iss_parameter_supported",
]


def test_a_small_document_is_enough() -> None:
    metadata = read_metadata(ISSUER, DOCUMENT)
    assert metadata.algorithms == {"RS256"}
    assert metadata.token_auth_method == "client_secret_basic"
    assert metadata.userinfo_endpoint is None
    assert metadata.jwks_uri == "https://keys.example/jwks"
    assert not metadata.answers_with_issuer


def test_algorithms_are_ours_among_theirs() -> None:
    assert {"none", "HS256", "HS384", "HS512", "ES256K"}.isdisjoint(ALGORITHMS)
    listed = ["none", "HS256", "ES256", "EdDSA", "RS1"]
    metadata = read_metadata(ISSUER, DOCUMENT | {"id_token_signing_alg_values_supported": listed})
    assert metadata.algorithms == {"ES256", "EdDSA"}


@pytest.mark.parametrize(
    ("listed", "method"),
    [
        (["client_secret_post", "client_secret_basic"], "client_secret_basic"),
        (["none", "client_secret_post"], "client_secret_post"),
        ([], "client_secret_basic"),
    ],
)
def test_the_secret_goes_where_the_provider_takes_it(listed: list[str], method: str) -> None:
    document = DOCUMENT | {"token_endpoint_auth_methods_supported": listed}
    assert read_metadata(ISSUER, document).token_auth_method == method


@pytest.mark.parametrize("issuer", ["http://localhost:5000", "http://127.0.0.1:5000", "http://[::1]:5000"])
def test_plain_http_is_for_a_provider_on_this_machine(issuer: str) -> None:
    here = {name: value.replace(ISSUER, issuer) for name, value in DOCUMENT.items()}
    assert read_metadata(issuer, here).token_endpoint == f"{issuer}/token"
    with pytest.raises(ValueError, match="TLS"):
        read_metadata(issuer, here | {"token_endpoint": "http://elsewhere.example/token"})
    with pytest.raises(ValueError, match="TLS"):
        read_metadata(ISSUER, DOCUMENT | {"token_endpoint": f"{issuer}/token"})


def test_a_promise_of_the_issuer_is_json_true() -> None:
    for value, promised in ((True, True), ("true", False), (1, False)):
        document = DOCUMENT | {"authorization_response_iss_parameter_supported": value}
        assert read_metadata(ISSUER, document).answers_with_issuer is promised


def test_an_issuer_with_a_path_has_its_document_below_it() -> None:
    issuer = f"{ISSUER}/tenant/"
    transport = Scripted({"/tenant/.well-known/openid-configuration": DOCUMENT | {"issuer": issuer}})
    http = ProviderHttp("example", issuer, transport)
    metadata, lifetime = fetch_metadata(provider_settings(issuer=issuer), http)
    assert (metadata.token_endpoint, lifetime) == (f"{ISSUER}/token", MAX_AGE)
    with pytest.raises(SignInRefused) as refused:
        fetch_metadata(provider_settings(issuer=issuer[:-1]), http)
    assert refused.value.reason is Reason.DISCOVERY_INVALID


@given(st.dictionaries(st.sampled_from(MEMBERS), VALUES | st.just(ISSUER) | st.text().map("https://".__add__)))
def test_nothing_but_value_error_is_raised(members: dict[str, object]) -> None:
    with contextlib.suppress(ValueError):
        read_metadata(ISSUER, DOCUMENT | members)
