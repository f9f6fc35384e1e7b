"""What a page calls a role, the browser that somebody used, and the provider with which she came."""

from ..kernel.user_agents import device_name
from .language import marked as _, text
from .state import state

ROLE_NAMES = {"admin": _("Administrator"), "editor": _("Editor"), "viewer": _("Viewer")}
# What kernel.user_agents says of a browser that says nothing of itself.
_UNKNOWN_DEVICE = _("Unknown device")


def role_in_words(role: object) -> str:
    """Return what people call a role; of whatever else the trail names as one, how it is written."""
    name = str(role)
    return text(ROLE_NAMES[name]) if name in ROLE_NAMES else name


def device_in_words(user_agent: str | None) -> str:
    browser, __, system = device_name(user_agent).partition(" on ")
    return text("%(browser)s on %(system)s", browser=browser, system=system) if system else text(browser)


def label_of(provider: str) -> str:
    """Return what people call a provider, also one that is no longer configured."""
    known = state().providers.get(provider)
    return known.settings.label if known else provider.title()
