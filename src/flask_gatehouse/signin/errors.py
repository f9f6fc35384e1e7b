"""Why a sign-in was refused. Each reason has a code, which stands on the page, in the log and in the trail."""

from datetime import timedelta
from enum import StrEnum

from ..kernel.errors import DependencyUnavailable, GatehouseError


class Reason(StrEnum):
    """Reason codes; ``web.refusals`` says of each what the person can do next."""

    # What came back is not the answer to a sign-in that this browser began.
    STATE_MISSING = "state_missing"
    STATE_UNKNOWN = "state_unknown"
    STATE_EXPIRED = "state_expired"
    STATE_REUSED = "state_reused"
    # The provider answered with a refusal or with something that cannot be believed.
    PROVIDER_DENIED = "provider_denied"
    PROVIDER_ERROR = "provider_error"
    PROVIDER_ANSWER = "provider_answer"
    ISSUER_MISMATCH = "issuer_mismatch"
    DISCOVERY_INVALID = "discovery_invalid"
    ID_TOKEN_MISSING = "id_token_missing"  # noqa: S105 - a reason code
    ID_TOKEN_SIGNATURE = "id_token_signature"  # noqa: S105 - a reason code
    ID_TOKEN_ALGORITHM = "id_token_algorithm"  # noqa: S105 - a reason code
    ID_TOKEN_ISSUER = "id_token_issuer"  # noqa: S105 - a reason code
    ID_TOKEN_AUDIENCE = "id_token_audience"  # noqa: S105 - a reason code
    ID_TOKEN_NONCE = "id_token_nonce"  # noqa: S105 - a reason code
    ID_TOKEN_EXPIRED = "id_token_expired"  # noqa: S105 - a reason code
    ID_TOKEN_CLAIMS = "id_token_claims"  # noqa: S105 - a reason code
    USERINFO_SUBJECT = "userinfo_subject"
    EMAIL_UNVERIFIED = "email_unverified"
    # The person is who she says, and may not come in.
    ADDRESS_TAKEN = "address_taken"
    DOMAIN_NOT_ALLOWED = "domain_not_allowed"
    NOT_INVITED = "not_invited"
    DECLINED = "declined"
    DEACTIVATED = "deactivated"
    HELD = "held"
    # She was asked to confirm who she is, and somebody else answered.
    OTHER_PERSON = "other_person"
    TOO_OLD = "too_old"
    # She would link an account that is somebody else's, or whose address is.
    IDENTITY_TAKEN = "identity_taken"
    LINKED_ADDRESS_TAKEN = "linked_address_taken"


# What an honest provider never answers, whoever asks.
_BETWEEN_US = frozenset(
    {
        Reason.DISCOVERY_INVALID,
        Reason.ID_TOKEN_MISSING,
        Reason.ID_TOKEN_SIGNATURE,
        Reason.ID_TOKEN_ALGORITHM,
        Reason.ID_TOKEN_ISSUER,
        Reason.ID_TOKEN_AUDIENCE,
        Reason.ID_TOKEN_EXPIRED,
        Reason.ID_TOKEN_CLAIMS,
        Reason.USERINFO_SUBJECT,
    }
)


class SignInRefused(GatehouseError):
    """A sign-in that is not accepted.

    :param reason: the code.
    :param provider: the provider's name.
    :param by_caller: whether whoever signs in could bring it about. What is wrong between the provider and us, such as
        a client secret that has run out or an answer that nobody can use, slows nobody's network down.
    :param user_id: whom it concerns, for the trail alone.
    :param facts: what the page may say besides, such as names of providers; never text from outside.
    """

    def __init__(
        self, reason: Reason, provider: str, *, by_caller: bool = True, user_id: int | None = None, **facts: object
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.provider = provider
        self.user_id = user_id
        self.by_caller = by_caller and reason not in _BETWEEN_US
        self.facts = facts


class TooManyRefusals(GatehouseError):
    """So many sign-ins were refused that this account, or this network, has to wait.

    :param wait: for how long.
    """

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many sign-ins were refused")
        self.wait = wait


class IdentityInUse(GatehouseError):
    """The account cannot be unlinked in a session that was begun with it."""


class UnknownProvider(GatehouseError):
    """No provider of this name is configured."""

    def __init__(self, name: str) -> None:
        super().__init__("no such provider")
        self.name = name


class ProviderUnavailable(DependencyUnavailable):
    """The provider did not answer in time, or not at all; nobody was refused."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"provider {provider}", retry_after=30)
        self.provider = provider
