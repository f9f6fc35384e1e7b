"""Whose word about an address binds, who may sign up, when a confirmation is fresh."""

from datetime import UTC, datetime, timedelta

import pytest

from flask_gatehouse.settings import ProviderKind, SignUp
from flask_gatehouse.signin.errors import Reason
from flask_gatehouse.signin.rules import (
    address_is_authoritative,
    confirmation_is_fresh,
    domain_of,
    sign_up_refusal,
)

GOOGLE, GITHUB, OIDC = ProviderKind.GOOGLE, ProviderKind.GITHUB, ProviderKind.OIDC
OURS, ALL, NONE = frozenset({"example.com"}), frozenset({"*"}), frozenset[str]()
BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)
MAX_AGE = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("address", "domain"),
    [("a@Example.COM", "example.com"), ('"a@b"@c.d', "c.d"), ("a@", None), ("@b", None), ("a", None), (None, None)],
)
def test_the_domain_is_what_stands_after_the_last_at_sign(address: str | None, domain: str | None) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize(
    ("kind", "email", "verified", "hosted", "believed", "expected"),
    [
        (GOOGLE, "ada@gmail.com", True, None, NONE, True),
        (GOOGLE, "ada@GMail.com", True, None, NONE, True),
        (GOOGLE, "ada@customer.example", True, "customer.example", NONE, True),
        # The Google account was made with an address that Google does not run: it may be somebody else's by now.
        (GOOGLE, "ada@elsewhere.example", True, None, NONE, False),
        (GOOGLE, "ada@gmail.com", False, None, NONE, False),
        (GOOGLE, "ada@gmail.com", "true", None, NONE, False),
        (GOOGLE, "ada@gmail.com", 1, None, NONE, False),
        (GOOGLE, "ada@gmail.com", None, None, NONE, False),
        (GOOGLE, "ada@gmail.com.evil.example", True, None, NONE, False),
        (GITHUB, "ada@anywhere.example", True, None, NONE, True),
        (GITHUB, None, True, None, NONE, False),
        (OIDC, "ada@example.com", True, None, OURS, True),
        (OIDC, "ada@sub.example.com", True, None, OURS, False),
        (OIDC, "ada@example.com", True, None, NONE, False),
        (OIDC, "ada@anywhere.example", True, None, ALL, True),
        (OIDC, "ada@anywhere.example", "true", None, ALL, False),
        # A Kelvin sign, which is a ``k`` in lower case.
        (OIDC, "\u212aate@example.com", True, None, ALL, False),
        (OIDC, "nobody", True, None, ALL, False),
    ],
)
def test_whose_word_about_an_address_binds(
    kind: ProviderKind,
    email: str | None,
    verified: object,
    hosted: str | None,
    believed: frozenset[str],
    expected: bool,
) -> None:
    assert address_is_authoritative(kind, email, verified, hosted, believed) is expected


@pytest.mark.parametrize(
    ("policy", "address", "hosted", "expected"),
    [
        (SignUp.OPEN, None, None, None),
        (SignUp.INVITED, "ada@example.com", "example.com", Reason.NOT_INVITED),
        (SignUp.DOMAINS, "ada@example.com", None, None),
        (SignUp.DOMAINS, "ada@elsewhere.example", "EXAMPLE.com", None),
        (SignUp.DOMAINS, "ada@elsewhere.example", None, Reason.DOMAIN_NOT_ALLOWED),
        (SignUp.DOMAINS, None, None, Reason.DOMAIN_NOT_ALLOWED),
    ],
)
def test_who_may_sign_up(policy: SignUp, address: str | None, hosted: str | None, expected: Reason | None) -> None:
    assert sign_up_refusal(policy, OURS, address, hosted) is expected


@pytest.mark.parametrize(
    ("proved_at", "expected"),
    [
        (None, True),
        (BEGAN, True),
        (BEGAN - MAX_AGE + timedelta(seconds=1), True),
        (BEGAN - MAX_AGE, False),
    ],
)
def test_a_confirmation_is_fresh_if_the_provider_says_so_or_nothing(proved_at: datetime | None, expected: bool) -> None:
    assert confirmation_is_fresh(proved_at, BEGAN, MAX_AGE) is expected
