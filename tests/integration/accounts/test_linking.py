"""Several ways to sign in for one person: hers alone, and never none."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from flask_gatehouse.accounts.errors import AddressTaken, IdentityNotFound, IdentityTaken, LastIdentity
from flask_gatehouse.accounts.linking import link_identity, unlink_identity
from flask_gatehouse.accounts.models import Identity, User
from flask_gatehouse.accounts.service import Profile, identities_of, sign_in_known
from flask_gatehouse.accounts.views import IdentityView
from flask_gatehouse.db.database import Database
from tests.integration.accounts.test_races import at_once, both_before
from tests.integration.conftest import SOMEBODY, House, profile


def ways(house: House, user_id: int) -> list[IdentityView]:
    with house.database.reading() as connection:
        return list(identities_of(connection, user_id))


def second(who: str, **changes: object) -> Profile:
    said = profile(who, provider="github", issuer="https://github.com", subject=f"{who}-at-github")
    return replace(said, **changes)  # type: ignore[arg-type]


def link(database: Database, user_id: int, said: Profile) -> bool:
    with database.transaction() as db:
        return link_identity(db, user_id, said, actor=replace(SOMEBODY, user_id=user_id))


def unlink(database: Database, user_id: int, identity_id: int) -> tuple[str, str]:
    with database.transaction() as db:
        return unlink_identity(db, user_id, identity_id, actor=replace(SOMEBODY, user_id=user_id))


def test_another_account_opens_hers(house: House) -> None:
    ada = house.join("ada")
    assert link(house.database, ada.id, second("ada"))
    assert house.events()[-1] == "identity_linked"
    assert house.last_details() == {"provider": "github"}
    with house.database.transaction() as db:
        found = sign_in_known(db, second("ada"), actor=SOMEBODY)
    assert found is not None
    assert found.id == ada.id
    # What is linked already is no event.
    count = len(house.events())
    assert not link(house.database, ada.id, second("ada"))
    assert len(house.events()) == count


def test_an_account_of_somebody_else_does_not(house: House) -> None:
    ada, eve = house.join("ada"), house.join("eve")
    before = house.contents()
    with pytest.raises(IdentityTaken) as refused:
        link(house.database, eve.id, profile("ada"))
    assert refused.value.user_id == ada.id
    # Nor one whose address is somebody else's: two people would each have a part of it.
    with pytest.raises(AddressTaken):
        link(house.database, eve.id, second("eve", email="Ada@example.com"))
    assert house.contents() == before
    # An address for which nobody vouches binds nothing.
    assert link(house.database, eve.id, second("eve", email="ada@example.com", email_is_authoritative=False))


def test_the_first_account_says_what_she_is_called(house: House) -> None:
    ada = house.join("ada")
    link(house.database, ada.id, second("ada", name="countess", email="countess@example.org"))

    def person_after(said: Profile) -> tuple[str, str | None]:
        with house.database.transaction() as db:
            sign_in_known(db, said, actor=SOMEBODY)
            user = db.scalars(select(User)).one()
            return user.name, user.email

    # Otherwise both would change at each sign-in, with an event and a letter each time.
    assert person_after(second("ada", name="countess", email="countess@example.org")) == ("Ada", "ada@example.com")
    assert person_after(profile("ada", name="Ada King", email="king@example.com")) == ("Ada King", "king@example.com")


def test_an_address_that_is_missing_is_taken_from_any(house: House) -> None:
    ada = house.join("ada", email=None)
    link(house.database, ada.id, second("ada", name="countess"))
    with house.database.transaction() as db:
        sign_in_known(db, second("ada", name="countess"), actor=SOMEBODY)
        user = db.scalars(select(User)).one()
        assert (user.name, user.email) == ("Ada", "ada@example.com")


def test_an_account_that_was_unlinked_opens_nothing(house: House) -> None:
    ada = house.join("ada")
    link(house.database, ada.id, second("ada"))
    first, other = ways(house, ada.id)
    assert unlink(house.database, ada.id, other.id) == ("https://github.com", "ada-at-github")
    assert (house.events()[-1], house.last_details()) == ("identity_unlinked", {"provider": "github"})
    with house.database.transaction() as db:
        assert sign_in_known(db, second("ada"), actor=SOMEBODY) is None
    with pytest.raises(LastIdentity):
        unlink(house.database, ada.id, first.id)
    assert [way.id for way in ways(house, ada.id)] == [first.id]


@pytest.mark.parametrize("number", [0, -1, 2**31, 10**17])
def test_nobody_unlinks_what_is_not_hers(house: House, number: int) -> None:
    ada, eve = house.join("ada"), house.join("eve")
    link(house.database, ada.id, second("ada"))
    for wanted in (number, ways(house, eve.id)[0].id):
        with pytest.raises(IdentityNotFound):
            unlink(house.database, ada.id, wanted)


def test_two_tabs_that_unlink_at_once_leave_one(house: House) -> None:
    ada = house.join("ada")
    link(house.database, ada.id, second("ada"))
    first, other = (way.id for way in ways(house, ada.id))
    with both_before(house.database, "SELECT gatehouse_users"):
        results = at_once(lambda: unlink(house.database, ada.id, first), lambda: unlink(house.database, ada.id, other))
    assert sorted(type(result) for result in results if isinstance(result, Exception)) == [LastIdentity]
    assert len(ways(house, ada.id)) == 1
    assert house.events().count("identity_unlinked") == 1


def test_two_people_who_link_one_account_at_once_do_not_share_it(house: House) -> None:
    ada, eve = house.join("ada"), house.join("eve")
    said = second("x", email=None)
    with both_before(house.database, "INSERT INTO gatehouse_identities"):
        results = at_once(lambda: link(house.database, ada.id, said), lambda: link(house.database, eve.id, said))
    assert [type(result) for result in results if isinstance(result, Exception)] == [IdentityTaken]
    with house.database.transaction() as db:
        assert len(db.scalars(select(Identity).where(Identity.subject == "x-at-github")).all()) == 1
