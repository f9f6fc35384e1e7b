"""What can be said where the settings cannot be used: each mistake, as the application itself would say it at start."""

from ...settings import ConfigurationError
from .finding import Check, Finding, Item, failed, ok
from .running import Examined
from .subject import Subject


def settings(subject: Subject) -> Finding:
    """Say what it took to come so far."""
    return ok(f"All settings were read together, and are understood ({subject.settings.env}).")


SETTINGS = Check("settings", "The settings can be used", Item.PRODUCTION, settings)


def examine_without_settings(error: ConfigurationError) -> list[Examined]:
    """Return a finding for each mistake; nothing else can be examined."""
    mend = "Mend it, and run gatehouse doctor again: without settings nothing else can be examined."
    return [Examined(SETTINGS, failed(problem, mend)) for problem in error.problems]
