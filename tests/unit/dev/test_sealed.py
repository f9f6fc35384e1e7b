"""Codes and tokens carry their content; a kind cannot pass for another, and a code is used once."""

import threading

import pytest
import time_machine

from flask_gatehouse.dev.misbehaviour import Misbehaviour
from flask_gatehouse.dev.people import READY
from flask_gatehouse.dev.sealed import AccessToken, Code, Grant, Kind, Presence, Seals, SpentCodes
from flask_gatehouse.kernel.text import Secret

SEALS = Seals(Secret("a key"))
PRESENCE = Presence(READY[0], 1_800_000_000, "session")
CODE = Code(
    number="1",
    client_id="gatehouse",
    redirect_uri="http://localhost/callback",
    scope="openid",
    code_challenge="challenge",
    code_challenge_method="S256",
    nonce=None,
    grant=Grant(PRESENCE, Misbehaviour.EXPIRED),
)


def test_another_process_reads_what_one_has_sealed() -> None:
    other = Seals(Secret("a key"))
    assert other.open_code(SEALS.seal(Kind.CODE, CODE)) == CODE
    assert other.open_remembered(SEALS.seal(Kind.REMEMBERED, PRESENCE)) == PRESENCE
    token = AccessToken("openid email", CODE.grant)
    assert other.open_access_token(SEALS.seal(Kind.ACCESS, token)) == token


def test_another_application_does_not() -> None:
    assert Seals(Secret("another key")).open_code(SEALS.seal(Kind.CODE, CODE)) is None


@pytest.mark.parametrize("kind", [Kind.ASKED, Kind.REMEMBERED, Kind.ACCESS])
def test_no_kind_passes_for_another(kind: Kind) -> None:
    sealed = SEALS.seal(kind, PRESENCE)
    assert SEALS.open(kind, sealed) is not None
    assert SEALS.open_code(sealed) is None


def test_a_code_lives_for_a_minute() -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        sealed = SEALS.seal(Kind.CODE, CODE)
        clock.shift(60)
        assert SEALS.open_code(sealed) == CODE
        clock.shift(1)
        assert SEALS.open_code(sealed) is None


def test_a_code_is_used_once_however_many_ask_at_once() -> None:
    spent, barrier, results = SpentCodes(), threading.Barrier(8), []

    def redeem() -> None:
        barrier.wait()
        results.append(spent.spend("number", 100.0))

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]


def test_used_codes_are_forgotten_once_they_could_not_be_used_anyway() -> None:
    spent = SpentCodes()
    assert spent.spend("number", 0.0)
    assert not spent.spend("number", 60.0)
    assert spent.spend("number", 62.0)
