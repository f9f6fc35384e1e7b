"""The provider's answer as the browser brings it: the query of the callback."""

from collections.abc import Iterable

from .errors import Reason, SignInRefused

# What anything is decided on. Providers add more (Google: scope, authuser, hd, prompt), which is ignored.
_OURS = frozenset({"state", "code", "iss", "error"})


def read_answer(provider: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the members of a callback that matter, each of which may stand there once (RFC 6749 §3.1).

    :param pairs: names and values in the order of the query.
    :raises SignInRefused: if one stands there twice: two readers may take different ones.
    """
    answer: dict[str, str] = {}
    for name, value in pairs:
        if name in answer:
            raise SignInRefused(Reason.ISSUER_MISMATCH if name == "iss" else Reason.PROVIDER_ANSWER, provider)
        if name in _OURS:
            answer[name] = value
    return answer
