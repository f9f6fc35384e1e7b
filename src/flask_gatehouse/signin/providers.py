"""The providers of an application, in the order in which the sign-in page shows them."""

from ..settings import ProviderKind, Settings
from .assertion import Provider
from .github import GitHubProvider
from .oidc import OpenIDProvider


def make_providers(settings: Settings) -> dict[str, Provider]:
    """Return one object for each configured provider; nothing is asked of any before somebody signs in."""
    return {
        provider.name: GitHubProvider(provider, settings.github_api_url)
        if provider.kind is ProviderKind.GITHUB
        else OpenIDProvider(provider)
        for provider in settings.providers
    }
