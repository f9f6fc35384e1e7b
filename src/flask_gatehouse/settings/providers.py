"""The identity providers that an operator describes."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..kernel.text import Secret
from .names import oidc_name
from .values import Values, default_of, is_loopback, split_address

GOOGLE_ISSUER = "https://accounts.google.com"
OIDC_SCOPE = default_of("GATEHOUSE_OIDC_<NAME>_SCOPE")
# Characters; what the tables hold of a provider.
PROVIDER_LENGTH, ISSUER_LENGTH = 64, 255


class ProviderKind(StrEnum):
    GOOGLE = "google"
    GITHUB = "github"
    OIDC = "oidc"


# Names of routes that OpenID Connect providers of the operator's own may not take.
TAKEN_NAMES = frozenset({ProviderKind.GOOGLE, ProviderKind.GITHUB, "dev"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One identity provider as the operator described it.

    :param name: the last part of its routes, e.g. ``google``.
    :param email_domains: domains about whose addresses it is believed; ``*`` stands for all of them.
    """

    name: str
    kind: ProviderKind
    issuer: str
    client_id: str
    client_secret: Secret
    label: str
    scope: str = OIDC_SCOPE
    email_domains: frozenset[str] = frozenset()


def github_address(values: Values, name: str, *, development: bool) -> str:
    """Return where GitHub is, or an operator's own GitHub Enterprise Server. The client's secret is sent there."""
    text = values.written(name).rstrip("/")
    if not _is_issuer(text, development=development):
        values.problems.append(f"{name} must be an https address.")
    _refuse_long(values, name, text, ISSUER_LENGTH)
    return text


def read_providers(values: Values, github_url: str, *, development: bool) -> Iterator[ProviderSettings]:
    """Yield Google, GitHub and then the others by name, those of them that are configured."""
    for kind, label, issuer, scope in (
        (ProviderKind.GOOGLE, "Google", GOOGLE_ISSUER, OIDC_SCOPE),
        (ProviderKind.GITHUB, "GitHub", github_url, "read:user user:email"),
    ):
        id_name, secret_name = f"{kind.upper()}_CLIENT_ID", f"{kind.upper()}_CLIENT_SECRET"
        values.needs(secret_name, id_name)
        if values.needs(id_name, secret_name):
            yield ProviderSettings(
                name=kind,
                kind=kind,
                issuer=issuer,
                client_id=values.texts[id_name],
                client_secret=Secret(values.texts[secret_name]),
                label=label,
                scope=scope,
            )
    for name in sorted({found for key in values.texts if (found := oidc_name(key))}):
        if provider := _oidc_provider(values, name, development=development):
            yield provider


def _oidc_provider(values: Values, name: str, *, development: bool) -> ProviderSettings | None:
    prefix = f"GATEHOUSE_OIDC_{name}_"
    missing = [part for part in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET") if f"{prefix}{part}" not in values]
    if missing:
        values.problems.extend(f"{prefix}{part} is missing." for part in missing)
        return None
    if name.lower() in TAKEN_NAMES:
        values.problems.append(f"{prefix}ISSUER: the name {name.lower()} is taken by a provider of ours.")
    issuer = values.texts[f"{prefix}ISSUER"]
    if not _is_issuer(issuer, development=development):
        values.problems.append(f"{prefix}ISSUER must be an https address, exactly as the provider writes its issuer.")
    _refuse_long(values, f"{prefix}ISSUER", issuer, ISSUER_LENGTH)
    _refuse_long(values, f"{prefix}ISSUER: the name {name.lower()}", name, PROVIDER_LENGTH)
    scope = values.texts.get(f"{prefix}SCOPE", OIDC_SCOPE)
    if "openid" not in scope.split():
        values.problems.append(f"{prefix}SCOPE must contain openid: without it the provider sends no ID token.")
    return ProviderSettings(
        name=name.lower(),
        kind=ProviderKind.OIDC,
        issuer=issuer,
        client_id=values.texts[f"{prefix}CLIENT_ID"],
        client_secret=Secret(values.texts[f"{prefix}CLIENT_SECRET"]),
        label=values.texts.get(f"{prefix}LABEL", name.replace("_", " ").title()),
        scope=scope,
        email_domains=values.domains(f"{prefix}EMAIL_DOMAINS", star=True),
    )


def _refuse_long(values: Values, what: str, text: str, length: int) -> None:
    """Note what no table holds: PostgreSQL would refuse it at each sign-in."""
    if len(text) > length:
        values.problems.append(f"{what} must not be longer than {length} characters.")


def _is_issuer(text: str, *, development: bool) -> bool:
    """Return whether this can be an issuer: https, without query and fragment (OpenID Connect Core 1.0 §2)."""
    parts = split_address(text)
    if parts is None or "?" in text or "#" in text:
        return False
    return parts.scheme == "https" or (development and is_loopback(parts.hostname or ""))
