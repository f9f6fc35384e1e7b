"""Every check there is, in the order in which they are told."""

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
    of_providers = [check for provider in subject.settings.providers for check in providers.checks_of(provider)]
    return [*OF_THE_CONFIGURATION, *of_providers, *(OF_A_DEPLOYMENT if subject.site else ())]
