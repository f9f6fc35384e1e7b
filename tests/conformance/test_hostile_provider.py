"""Our client against a provider that does everything wrong, over real sockets."""

import time

import pytest

from flask_gatehouse.signin.errors import ProviderUnavailable, Reason, SignInRefused

from . import endpoints, misbehaviours
from .edits import Row
from .hostile import HostileProvider, relying_party, running_provider, sign_in

ROWS = [*misbehaviours.ROWS, *endpoints.ROWS]
# What whoever signs in could bring about: with the address that she comes back to, or with the code of another sign-in.
BY_CALLER = {Reason.PROVIDER_ERROR, Reason.ID_TOKEN_NONCE}
# So a code may be refused as well.
REFUSED_CODES = {"code refused in words of its own"}


@pytest.fixture
def provider():
    with running_provider() as provider:
        yield provider


def test_the_table_has_no_name_twice() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) > 60


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_misbehaviour_has_its_answer(provider: HostileProvider, row: Row) -> None:
    row.change(provider)
    client = relying_party(provider, deadline=row.deadline)
    began = time.monotonic()
    if row.expected is None:
        assert sign_in(provider, client).profile.subject == "alice"
    elif row.expected is ProviderUnavailable:
        with pytest.raises(ProviderUnavailable):
            sign_in(provider, client)
    else:
        with pytest.raises(SignInRefused) as refused:
            sign_in(provider, client)
        assert refused.value.reason is row.expected
        # Everything else is wrong between the provider and us, and makes nobody's network wait.
        by_caller = row.expected in BY_CALLER or row in misbehaviours.CALLBACKS or row.name in REFUSED_CODES
        assert refused.value.by_caller is by_caller
    # The rest is this machine; what hangs would take longer still.
    assert time.monotonic() - began < row.deadline + 10
    assert provider.failures == []
    # Nobody follows a redirect, nor fetches what a token's header names.
    assert provider.calls("/elsewhere") == provider.calls("/intruder") == 0
