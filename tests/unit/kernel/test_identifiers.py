"""What can be the number of a row."""

import pytest

from flask_gatehouse.kernel.identifiers import LARGEST_ID, id_in


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("2147483647", LARGEST_ID),
        ("2147483648", None),
        ("9" * 5000, None),
        ("0", None),
        ("-1", None),
        ("1.0", None),
        (" 1", None),
        ("\u0661", None),
        ("\u00b2", None),
        ("", None),
        (None, None),
    ],
    ids=lambda part: str(part)[:11],
)
def test_a_text_is_a_number_that_a_row_can_have(text: str | None, number: int | None) -> None:
    assert id_in(text) == number
