"""Addresses as operators type them."""

import click
from email_validator import EmailNotValidError, validate_email


def address(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return an e-mail address in its usual form; for ``callback=`` of an argument.

    :raises click.BadParameter: if it is none.
    """
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise click.BadParameter(str(error)) from error
