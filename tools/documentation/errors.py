"""Every expected failure, and the status with which pages and programs are answered."""

from datetime import UTC, datetime, timedelta
from inspect import getdoc

from flask_gatehouse.accounts.errors import InvalidField, InvalidQuery, JoinRequestChanged
from flask_gatehouse.accounts.views import JoinRequestView
from flask_gatehouse.kernel.errors import DependencyUnavailable, GatehouseError
from flask_gatehouse.limiting import TooManyRequests
from flask_gatehouse.signin.errors import ProviderUnavailable, SignInRefused, TooManyRefusals
from flask_gatehouse.web.answers import ANSWERS
from flask_gatehouse.web.refusals import REFUSALS

from .markdown import code, table

_NOW = datetime.now(UTC)
_DECLINED = JoinRequestView(
    id=1,
    provider="google",
    issuer="https://accounts.google.com",
    email=None,
    email_is_authoritative=False,
    name="",
    requested_at=_NOW,
    approved_role=None,
    decided_at=_NOW,
)
# One of each whose answer tells something of the failure itself.
_EXAMPLES: dict[type[GatehouseError], GatehouseError] = {
    InvalidField: InvalidField({}),
    InvalidQuery: InvalidQuery({}),
    JoinRequestChanged: JoinRequestChanged(_DECLINED),
    DependencyUnavailable: DependencyUnavailable("database"),
    ProviderUnavailable: ProviderUnavailable("google"),
    TooManyRequests: TooManyRequests(30),
    TooManyRefusals: TooManyRefusals(timedelta(minutes=1)),
}


def text() -> str:
    rows = [(code(kind.__name__), _when(kind), answered(kind)) for kind in ANSWERS]
    return table(("error", "when", "answered as"), rows)


def refusals() -> str:
    rows = [(code(reason.value), str(said.status), said.title, said.advice) for reason, said in REFUSALS.items()]
    return table(("reason", "status", "title", "advice"), rows)


def _when(kind: type[GatehouseError]) -> str:
    return (getdoc(kind) or "").partition("\n\n")[0]


def answered(kind: type[GatehouseError]) -> str:
    """Return the status and the title of the answer."""
    if kind is SignInRefused:
        return "as its reason says, below"
    answer = ANSWERS[kind](_EXAMPLES.get(kind) or GatehouseError())
    return f"{answer.status} {answer.title}"
