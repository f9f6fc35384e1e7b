"""Addresses as operators type them."""

import re

import click
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from ..accounts.service import find_user_id, get_user
from ..kernel.addresses import stated_address
from ..kernel.text import case_folded_address

_NUMBER = re.compile(r"user:([1-9][0-9]{0,9})")


def _stored(address: str) -> str:
    """Return an address with its domain as it travels (RFC 5891), which is how providers write it and users have it."""
    try:
        return validate_email(address, check_deliverability=False).ascii_email or address
    except EmailNotValidError:
        return address


def bindable(address: str) -> str:
    """Return an address as users have it.

    :raises click.BadParameter: if no provider's word about it binds anybody.
    """
    found = _stored(address)
    if not found.isascii():
        raise click.BadParameter(f"Before the @, only letters from a to z count: no provider vouches for {address}.")
    return found


def whom(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Take an address, or ``user:12`` for somebody who has none that is confirmed; for ``callback=``.

    :raises click.BadParameter: if it is neither.
    """
    return value if value is None or _NUMBER.fullmatch(value) else _address(value)


def _address(value: str) -> str:
    """Return an e-mail address in its usual form.

    Whatever a provider can state is one: whoever has come in by it must be found by it.
    """
    try:
        found = validate_email(value, check_deliverability=False)
    except EmailNotValidError as error:
        if stated_address(value) is not None:
            return value
        raise click.BadParameter(str(error)) from error
    # Said back as it was typed.
    return (found.ascii_email if value.isascii() else None) or found.normalized


def either_form(address: str) -> tuple[str, ...]:
    """Return an address, case-folded, with its domain as it was typed, as it travels, and in letters of its own.

    Invitations have it as it travels; of whoever asks to join it stands there as her provider has stated it.
    """
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return (case_folded_address(address),)
    forms = (address, found.ascii_email or address, found.normalized)
    return tuple(dict.fromkeys(case_folded_address(form) for form in forms))


def find_number(db: Connection | Session, value: str) -> int | None:
    """Return the number of whoever was named by an address or as ``user:12``; None if nobody here has the address.

    :raises UserNotFound: if there is no such user.
    """
    number = number_of(value)
    return find_user_id(db, _stored(value)) if number is None else get_user(db, number).id


def find_person(db: Connection | Session, value: str) -> int:
    """Return the number of whoever was named by an address or as ``user:12``.

    :raises click.ClickException: if nobody here has the address.
    :raises UserNotFound: if there is no such user.
    """
    found = find_number(db, value)
    if found is None:
        raise click.ClickException(f"Nobody here has the address {value}.")
    return found


def number_of(value: str) -> int | None:
    """Return 12 for ``user:12``, and None for an address."""
    match = _NUMBER.fullmatch(value)
    return int(match[1]) if match else None
