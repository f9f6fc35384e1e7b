import pytest
from hypothesis import given

from flask_gatehouse.signin.claims import hosted_domain, line, short_text

from .test_strict_json import VALUES


@pytest.mark.parametrize(
    ("stated", "kept"),
    [("example.com", "example.com"), ("", None), ("localhost", None), ("exämple.com", None), (1, None)],
)
def test_a_hosted_domain_can_be_a_domain(stated: object, kept: str | None) -> None:
    assert hosted_domain(stated) == kept


def test_a_name_is_cleaned() -> None:
    assert line("  Ada\u202e\nLovelace ") == "Ada Lovelace"
    assert line("\u202e") is line("") is line(7) is None


@given(VALUES)
def test_whatever_is_kept_is_text_of_a_bearable_length(value: object) -> None:
    for kept in (hosted_domain(value), line(value), short_text(value)):
        assert kept is None or 0 < len(kept) <= 255
