"""Every check there is, in the order in which they are told."""

from collections.abc import Iterator

from . import (
    backups,
    configuration,
    database,
    live_answers,
    live_proxy,
    live_sign_in,
    live_tls,
    packages,
    people,
    providers,
    servers,
    trail,
)
from .finding import Check
from .subject import Subject
from .unusable import SETTINGS

# What needs nothing but this machine and what its configuration names.
OF_THE_CONFIGURATION = (
    SETTINGS,
    *configuration.CHECKS,
    *providers.CHECKS,
    *database.CHECKS,
    *servers.CHECKS,
    *trail.CHECKS,
    *backups.CHECKS,
    *people.CHECKS,
    *packages.CHECKS,
)
# What a stranger can ask of a deployment.
OF_A_DEPLOYMENT = (*live_tls.CHECKS, *live_answers.CHECKS, *live_sign_in.CHECKS, *live_proxy.CHECKS)


def checklist(subject: Subject) -> list[Check]:
    """Return the checks that can be made of a subject."""
    return list(_checks(subject))


def _checks(subject: Subject) -> Iterator[Check]:
    yield from OF_THE_CONFIGURATION
    for provider in subject.settings.providers:
        yield from providers.checks_of(provider)
    if subject.site is not None:
        yield from OF_A_DEPLOYMENT
