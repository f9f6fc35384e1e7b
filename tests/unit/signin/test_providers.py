from pathlib import Path

from flask_gatehouse.settings import Settings
from flask_gatehouse.signin.github import GitHubProvider
from flask_gatehouse.signin.oidc import OpenIDProvider
from flask_gatehouse.signin.providers import DeferredProvider, make_providers


def test_each_configured_provider_is_made_and_none_is_asked(tmp_path: Path) -> None:
    settings = Settings.load(
        {
            "GATEHOUSE_ENV": "development",
            "GOOGLE_CLIENT_ID": "id",
            "GOOGLE_CLIENT_SECRET": "secret",
            "GITHUB_CLIENT_ID": "id",
            "GITHUB_CLIENT_SECRET": "secret",
            "GATEHOUSE_OIDC_WORK_ISSUER": "https://work.example",
            "GATEHOUSE_OIDC_WORK_CLIENT_ID": "id",
            "GATEHOUSE_OIDC_WORK_CLIENT_SECRET": "secret",
        },
        {},
        directory=tmp_path,
    )
    providers = make_providers(settings)
    made = {
        name: provider._provider() for name, provider in providers.items() if isinstance(provider, DeferredProvider)
    }
    assert {name: type(provider) for name, provider in made.items()} == {
        "google": OpenIDProvider,
        "github": GitHubProvider,
        "work": OpenIDProvider,
    }
    assert [provider.settings for provider in providers.values()] == list(settings.providers)
