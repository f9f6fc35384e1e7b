import pytest
from hypothesis import given

from flask_gatehouse.signin.claims import address, hosted_domain, line, short_text

from .test_strict_json import VALUES


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("Ada@Example.com", "Ada@Example.com"),
        ("älice@example.com", "älice@example.com"),
        ("a@b", "a@b"),
        ("ada", None),
        ("", None),
        (None, None),
        (["ada@example.com"], None),
        ("ada @example.com", None),
        ("ada@example.com\n", None),
        ("a\u200eda@example.com", None),
        ("ada\x00@example.com", None),
        ("\ud800@example.com", None),
        ("a" * 250 + "@b.c", "a" * 250 + "@b.c"),
        ("a" * 251 + "@b.c", None),
        ("o'hara+news@mail.example.co.uk", "o'hara+news@mail.example.co.uk"),
        ("ada@bücher.example", "ada@bücher.example"),
        ("a@b@c", None),
        ("ada@evil.example@example.com", None),
        ('"ada@evil.example"@example.com', None),
        ("ada@example.com,eve@example.com", None),
        ("Ada <ada@example.com>", None),
        ("<ada@example.com>", None),
        ("ada(eve)@example.com", None),
        ("@example.com", None),
        ("ada@", None),
        ("ada@example..com", None),
        ("ada@.example.com", None),
        ("ada@example.com.", None),
        ("ada@-example.com", None),
        ("ada@exam_ple.com", None),
        ("ada@[192.0.2.7]", None),
        ("ada\u3000eve@example.com", None),
    ],
)
def test_an_address_is_kept_as_stated_or_not_at_all(stated: object, kept: str | None) -> None:
    assert address(stated) == kept


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
    for kept in (address(value), hosted_domain(value), line(value), short_text(value)):
        assert kept is None or 0 < len(kept) <= 255
