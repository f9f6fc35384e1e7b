import contextlib
import json

import pytest
from hypothesis import given, strategies as st

from flask_gatehouse.signin.strict_json import loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(VALUES)
def test_what_is_json_is_read(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value


@given(st.binary())
def test_nothing_but_value_error_is_raised(text: bytes) -> None:
    with contextlib.suppress(ValueError):
        loads(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b'{"a": 1, "a": 2}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 99999,
        b"9" * 5000,
        b'{"a": {"b": 1, "b": 1}}',
    ],
)
def test_what_python_would_read_generously_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - that it is one, and no other, is what callers rely on
        loads(text)
