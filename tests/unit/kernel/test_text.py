"""Text from outside becomes text that can be kept, shown and compared."""

import unicodedata
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from flask_gatehouse.kernel.text import Secret, case_folded_address, duration, plain, roughly, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        (" 24 h ", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "30", "m", "0m", "00m", "-5m", "+5m", "1.5h", "30 minutes", "1h30m", "30M", "٣٠m", "3651d", "999999999d",
        "9" * 400 + "d",
    ],
)  # fmt: skip
def test_any_other_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        duration(text)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(seconds=-5), "0 seconds"),
        (timedelta(seconds=1.9), "1 second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(minutes=119), "1 hour"),
        (timedelta(hours=24), "1 day"),
        (timedelta(days=800, hours=23), "800 days"),
    ],
)
def test_a_length_is_told_in_its_largest_unit(length: timedelta, expected: str) -> None:
    assert roughly(length) == expected


def test_words_are_separated_by_commas() -> None:
    assert words(" a.example, b.example ,,") == ("a.example", "b.example")
    assert words("") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada\t\r\n Lovelace\u3000", "Ada Lovelace"),
        ("Ada\x00\x1b[31m", "Ada[31m"),
        ("Ada\u2028Lovelace", "Ada Lovelace"),
        ("\u202eecalevoL adA", "ecalevoL adA"),
        ("A\u200bd\ufeffa\u00ad", "Ada"),
        ("\u200b\u2060", ""),
        ("\u200d \u200c", ""),
        *((blank, "") for blank in "\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159\u034f\ufe0f\U000e0100"),
        ("A\u3164d\u2800a \ufffc", "Ada"),
        ("\u2764\ufe0f \u908a\U000e0100", "\u2764\ufe0f \u908a\U000e0100"),
        ("e\u0301", "\u00e9"),
        ("e\x00\u0301", "\u00e9"),
        ("\U0001f469\u200d\U0001f52c", "\U0001f469\u200d\U0001f52c"),
        ("\ud800x", "x"),
        ("<b>", "<b>"),
    ],
)
def test_a_name_becomes_one_visible_line(text: str, expected: str) -> None:
    assert plain(text, 200) == expected


@given(st.text(st.characters(), max_size=60), st.integers(1, 30))
def test_plain_text_is_short_visible_and_stays_as_it_is(text: str, limit: int) -> None:
    line = plain(text, limit)
    assert len(line) <= limit
    assert line == line.strip()
    assert all(unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} for char in line)
    line.encode()
    assert plain(line, limit) == line


@given(st.text(st.characters(max_codepoint=0x7F), max_size=60), st.integers(1, 30))
def test_what_everybody_can_see_is_taken_the_short_way_to_the_same_line(text: str, limit: int) -> None:
    # A mark that is not seen, and dropped, leads the long way.
    assert plain(text, limit) == plain("\u200b" + text, limit)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com ", "ada@example.com"),
    ],
)
def test_addresses_that_mail_treats_alike_are_one(one: str, other: str) -> None:
    assert case_folded_address(one) == case_folded_address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stra\u00dfe@example.com", "strasse@example.com"),
        ("mi\u212ae@example.com", "mike@example.com"),
        ("m\u0131ke@example.com", "mike@example.com"),
        ("\u017fue@example.com", "sue@example.com"),
        ("\ufb01n@example.com", "fin@example.com"),
        ("ada@e\u00d7ample.com", "ada@example.com"),
        ("ada+x@example.com", "ada@example.com"),
    ],
)
def test_addresses_that_only_look_alike_are_two(one: str, other: str) -> None:
    """Whoever owns the one must not be invited, or made an administrator, in place of the other."""
    assert case_folded_address(one) != case_folded_address(other)


@given(st.text())
def test_folding_twice_changes_nothing_more(address: str) -> None:
    once = case_folded_address(address)
    assert case_folded_address(once) == once


def test_a_secret_shows_itself_on_demand_only() -> None:
    secret = Secret("canary-5171")
    shown = f"{secret} {secret!r} {[secret]}"
    assert "canary" not in shown
    assert secret.reveal() == "canary-5171"
    assert secret == Secret("canary-5171")
    assert secret != Secret("another")
    assert secret != "canary-5171"
    assert len({secret, Secret("canary-5171")}) == 1
