"""Who has power here, and whether anybody has looked at that."""

from ...accounts.queries import Sort, Status, UserQuery
from ...accounts.reviewing import review_standing
from ...accounts.rules import Role
from ...accounts.service import count_administrators, list_users
from ...kernel.clock import utc_now
from ...settings import SignUp
from .finding import Check, Finding, Item, failed, ok, warning
from .subject import Subject

_ADMINISTRATORS = UserQuery(role=Role.ADMIN, status=Status.ACTIVE, sort=Sort.LAST_SIGN_IN, descending=False)


def administrators(subject: Subject) -> Finding:
    with subject.database.reading() as connection:
        number = count_administrators(connection)
    if not number:
        return failed("There is no active administrator.", "Run: gatehouse create-admin EMAIL")
    if number == 1:
        return warning(
            "There is one active administrator: nobody can help if she is locked out.",
            "Make somebody else one too, or keep gatehouse create-admin at hand.",
        )
    return ok(f"There are {number} active administrators.")


def dormant(subject: Subject) -> Finding:
    before = utc_now() - subject.settings.dormant_after
    days = subject.settings.dormant_after.days
    with subject.database.reading() as connection:
        rows = list_users(connection, _ADMINISTRATORS).rows
    asleep = [one for one in rows if (one.last_sign_in_at or one.created_at) < before]
    if asleep:
        named = ", ".join(str(one.id) for one in asleep[:10])
        return failed(
            f"{len(asleep)} active administrators did not sign in for {days} days (users {named}).",
            "Take the role from them, or deactivate them: nobody would notice who uses such an account.",
        )
    return ok(f"Every active administrator signed in, or was made, within {days} days.")


def newcomers(subject: Subject) -> Finding:
    settings = subject.settings
    if settings.default_role == Role.ADMIN and settings.signup is not SignUp.INVITED:
        return failed(
            f"Whoever signs in first gets the role admin (GATEHOUSE_SIGNUP={settings.signup}).",
            "Set GATEHOUSE_DEFAULT_ROLE=viewer, or GATEHOUSE_SIGNUP=invited.",
        )
    return ok(f"Newcomers get the role {settings.default_role}; GATEHOUSE_SIGNUP={settings.signup}.")


def review(subject: Subject) -> Finding:
    with subject.database.reading() as connection:
        standing = review_standing(connection, subject.settings.review_interval)
    last = "never" if standing.completed_at is None else f"on {standing.completed_at:%Y-%m-%d}"
    if utc_now() > standing.due_at:
        return failed(
            f"Accounts and roles were {last} reviewed, which was due on {standing.due_at:%Y-%m-%d}.",
            "Go through them at /admin/access-review.",
        )
    return ok(f"Accounts and roles were {last} reviewed; the next review is due on {standing.due_at:%Y-%m-%d}.")


CHECKS = (
    Check("administrators", "There is more than one administrator", Item.FIRST_ADMINISTRATOR, administrators),
    Check("newcomers", "Nobody becomes an administrator by signing in", Item.FIRST_ADMINISTRATOR, newcomers),
    Check("dormant", "No administrator is asleep", Item.REVIEW, dormant),
    Check("review", "Roles were reviewed", Item.REVIEW, review),
)
