"""What people are called, by their ids."""

from flask_gatehouse.accounts.names import find_names
from flask_gatehouse.accounts.service import delete_user
from tests.integration.conftest import House


def test_names_of_those_who_are_there(house: House) -> None:
    ada, grace = house.join("ada"), house.join("grace")
    gone = house.join("gone")
    with house.database.transaction() as db:
        delete_user(db, gone.id)
    with house.database.reading() as connection:
        found = find_names(connection, [ada.id, gone.id, grace.id, 0, -1, 2**31, 2**70])
        assert found == {ada.id: "Ada", grace.id: "Grace"}
        assert find_names(connection, []) == find_names(connection, {2**63}) == {}
