"""Each misbehaviour is one that a person can choose, and breaks exactly one thing."""

from urllib.parse import parse_qs, urlsplit

import pytest

from flask_gatehouse.dev.misbehaviour import Misbehaviour, spoil_answer, spoil_claims, spoil_userinfo

CLAIMS = {"iss": "i", "sub": "s", "aud": "a", "nonce": "n", "iat": 1000, "exp": 1300, "auth_time": 1000}
LOCATION = "http://localhost/callback?code=c&state=s&iss=i"


def test_every_misbehaviour_has_words_of_its_own() -> None:
    assert len({misbehaviour.label for misbehaviour in Misbehaviour}) == len(Misbehaviour)


@pytest.mark.parametrize(
    ("misbehaviour", "changed"),
    [
        (Misbehaviour.NONE, set()),
        (Misbehaviour.WRONG_NONCE, {"nonce"}),
        (Misbehaviour.EXPIRED, {"iat", "exp"}),
        (Misbehaviour.WRONG_ISSUER, {"iss"}),
        (Misbehaviour.WRONG_AUDIENCE, {"aud"}),
        (Misbehaviour.NO_SUBJECT, {"sub"}),
        (Misbehaviour.OLD_PROOF, {"auth_time"}),
        (Misbehaviour.UNVERIFIED_ADDRESS, {"email_verified"}),
        (Misbehaviour.LOST_STATE, set()),
    ],
)
def test_claims(misbehaviour: Misbehaviour, changed: set[str]) -> None:
    spoilt = spoil_claims(misbehaviour, CLAIMS)
    assert {name for name in spoilt if spoilt[name] != CLAIMS.get(name)} == changed


@pytest.mark.parametrize(
    ("misbehaviour", "query"),
    [
        (Misbehaviour.NONE, {"code": ["c"], "state": ["s"], "iss": ["i"]}),
        (Misbehaviour.LOST_STATE, {"code": ["c"], "iss": ["i"]}),
        (Misbehaviour.WRONG_STATE, {"code": ["c"], "state": ["sx"], "iss": ["i"]}),
        (Misbehaviour.OTHER_ANSWER_ISSUER, {"code": ["c"], "state": ["s"], "iss": ["https://elsewhere.example"]}),
    ],
)
def test_answers(misbehaviour: Misbehaviour, query: dict[str, list[str]]) -> None:
    spoilt = urlsplit(spoil_answer(misbehaviour, LOCATION))
    assert parse_qs(spoilt.query) == query
    assert spoilt.path == "/callback"


def test_userinfo() -> None:
    said = {"sub": "s", "email_verified": True}
    assert spoil_userinfo(Misbehaviour.NONE, said) == said
    assert spoil_userinfo(Misbehaviour.OTHER_USERINFO, said)["sub"] != "s"
    assert spoil_userinfo(Misbehaviour.UNVERIFIED_ADDRESS, said)["email_verified"] is False
