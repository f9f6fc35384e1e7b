"""To whom a letter about an event goes."""

from collections.abc import Mapping
from dataclasses import replace

from flask_gatehouse.accounts.service import sign_in_known
from flask_gatehouse.alerts.mail import Letter
from flask_gatehouse.alerts.notices import notice_letter
from flask_gatehouse.audit import AuditEvent
from flask_gatehouse.audit.following import Place, events_from
from tests.integration.alerts.conftest import Desk
from tests.integration.conftest import SOMEBODY, House, profile


def nothing_but_its_name(name: str, language: str, to: str, facts: Mapping[str, object], /) -> Letter:
    return Letter(to, name, "", "")


def letters(desk: Desk) -> list[Letter]:
    desk.seal()
    with desk.database.reading() as connection:
        events, _ = events_from(connection, Place(1, 0), {AuditEvent.USER_UPDATED})
    written = [notice_letter(desk.database, desk.settings, nothing_but_its_name, event) for event in events]
    return [letter for letter in written if letter is not None]


def test_of_another_address_the_former_one_is_told(house: House, desk: Desk) -> None:
    """Whoever has taken an account over reads what goes to the new one."""
    house.join("ada")
    moved = replace(profile("ada"), email="moved@example.com")
    with house.database.transaction() as db:
        sign_in_known(db, moved, actor=SOMEBODY)
    (letter,) = letters(desk)
    assert (letter.to, letter.subject) == ("ada@example.com", "address_changed")


def test_of_another_name_nobody_is_told(house: House, desk: Desk) -> None:
    house.join("ada")
    with house.database.transaction() as db:
        sign_in_known(db, replace(profile("ada"), name="Ada Other"), actor=SOMEBODY)
    assert letters(desk) == []
