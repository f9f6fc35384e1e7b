"""The names of all settings, and what somebody may have meant who wrote another one."""

import difflib
import re
from collections.abc import Iterable

from .table import SETTINGS

_OF_PROVIDERS = "GATEHOUSE_OIDC_<NAME>_"
PLAIN_NAMES = frozenset(name for name in SETTINGS if not name.startswith("GATEHOUSE_"))
OIDC_PARTS = tuple(name.removeprefix(_OF_PROVIDERS) for name in SETTINGS if name.startswith(_OF_PROVIDERS))
GATEHOUSE_NAMES = frozenset(
    name for name in SETTINGS if name.startswith("GATEHOUSE_") and not name.startswith(_OF_PROVIDERS)
)
_OIDC = re.compile(rf"GATEHOUSE_OIDC_([A-Z0-9][A-Z0-9_]*?)_({'|'.join(OIDC_PARTS)})")


# What Kubernetes puts into every container beside a Service that is called gatehouse.
_KUBERNETES = re.compile(r"GATEHOUSE_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)")


def is_ours(name: str) -> bool:
    """Return whether a key of an application's configuration concerns us."""
    return name in PLAIN_NAMES or name.startswith("GATEHOUSE_")


def oidc_name(name: str) -> str | None:
    """Return ``CORP`` for ``GATEHOUSE_OIDC_CORP_ISSUER``, and None for a name that is not of this kind."""
    match = _OIDC.fullmatch(name)
    return match[1] if match else None


def unknown_names(names: Iterable[str]) -> list[str]:
    """Return a sentence for each name that begins like ours and is none, with the one that was probably meant."""
    ours = (name for name in sorted(names) if name.startswith("GATEHOUSE_") and not _KUBERNETES.fullmatch(name))
    unknown = [name for name in ours if not _is_known(name)]
    return [f"{name} is not a setting.{_suggestion(name)}" for name in unknown]


def _is_known(name: str) -> bool:
    return name in GATEHOUSE_NAMES or oidc_name(name) is not None


def _suggestion(name: str) -> str:
    candidates = [*GATEHOUSE_NAMES, *PLAIN_NAMES, *_oidc_candidates(name)]
    close = difflib.get_close_matches(name, candidates, n=1, cutoff=0.8)
    without_prefix = name.removeprefix("GATEHOUSE_")
    if without_prefix in PLAIN_NAMES:
        close = [without_prefix]
    return f" Did you mean {close[0]}?" if close else ""


def _oidc_candidates(name: str) -> list[str]:
    """Return the settings of OpenID Connect providers that a misspelt name could stand for."""
    words = name.split("_")[2:]
    return [
        f"GATEHOUSE_OIDC_{'_'.join(words[:length])}_{part}"
        for length in range(1, len(words) + 1)
        if words[0]
        for part in OIDC_PARTS
    ]
