"""Every way of changing an export ends with 1, and says where, and how."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from flask_gatehouse.audit.notes import sign_note
from flask_gatehouse.audit.proofs import StoredTree
from flask_gatehouse.audit.tree import join, leaf_hash
from tests.unit.audit.exports import KEY, LOG, STRANGER, VKEY, Lines, end, epoch, unproven

Check = Callable[..., tuple[int, str]]
Change = Callable[[Lines], object]


def put(at: int, key: str, value: Any) -> Change:
    return lambda lines: lines[at].__setitem__(key, value)


def drop(at: int, key: str) -> Change:
    return lambda lines: lines[at].pop(key)


def in_body(old: str, new: str) -> Change:
    def change(lines: Lines) -> None:
        assert old in lines[3]["body"]
        lines[3]["body"] = lines[3]["body"].replace(old, new)

    return change


def personal(field: str, key: str, value: Any) -> Change:
    return lambda lines: lines[3]["personal"][field].__setitem__(key, value)


def upper_salt(lines: Lines) -> None:
    lines[3]["personal"]["ip"]["salt"] = lines[3]["personal"]["ip"]["salt"].upper()


def note(pattern: str, new: str) -> Change:
    def change(lines: Lines) -> None:
        lines[0]["checkpoint"] = re.sub(pattern.replace("$", r"\Z"), new, lines[0]["checkpoint"])

    return change


def text_of(at: int, old: str, new: str) -> Change:
    def change(lines: Lines) -> None:
        text = json.dumps(lines[at])
        assert old in text
        lines[at] = text.replace(old, new, 1) + "\n"

    return change


def swap(lines: Lines) -> None:
    lines[2], lines[3] = lines[3], lines[2]


def swap_bodies(lines: Lines) -> None:
    for part in ("body", "personal"):
        lines[2][part], lines[3][part] = lines[3][part], lines[2][part]


def sign_with_a_key_of_ones_own(lines: Lines) -> None:
    lines[:] = end(epoch(1, 7, STRANGER))


def sign_with_a_key_of_ones_own_and_name_ours(lines: Lines) -> None:
    lines[:] = end(epoch(1, 7, STRANGER))
    lines[0]["key"] = VKEY


def forge_below_our_signature(lines: Lines) -> None:
    note = lines[0]["checkpoint"]
    lines[:] = end(epoch(1, 7, None)[:1] + epoch(1, 7)[1:])
    lines[2]["body"] = lines[2]["body"].replace("updated", "created")
    bodies = [line["body"] for line in lines[1:8]]
    leaves = [leaf_hash(body.encode()) for body in bodies]
    tree = StoredTree(7, lambda _level, start, end: leaves[start:end])
    lines[0] |= {"root": join(tree.subtrees(7)).hex(), "key": VKEY, "checkpoint": note}
    for at in range(7):
        lines[at + 1]["proof"] = [node.hex() for node in tree.inclusion_proof(at)]


def forge_the_text_too(lines: Lines) -> None:
    note = lines[0]["checkpoint"]
    forge_below_our_signature(lines)
    old = note.split("\n")[2]
    lines[0]["checkpoint"] = note.replace(old, base64.b64encode(bytes.fromhex(lines[0]["root"])).decode())


def older_checkpoint(lines: Lines) -> None:
    """Rolled back: an earlier state, with the events that came later left out of the tree."""
    lines[0]["checkpoint"] = epoch(1, 5)[0]["checkpoint"]


def extension_line(lines: Lines) -> None:
    text = lines[0]["checkpoint"].partition("\n\n")[0]
    lines[0]["checkpoint"] = sign_note(f"{text}\nmore\n", KEY)


def twice_signed(lines: Lines) -> None:
    note = lines[0]["checkpoint"]
    lines[0]["checkpoint"] = note + note.rpartition("\n\n")[2]


HASH = "00" * 32
# Without these nobody knows what the rest means.
UNSAID = {"format", "version"}
# What is done to an export of seven events and one that is not sealed: lines 0, 1 to 7, 8, and 9.
TAMPERINGS: dict[str, tuple[Change, int, str]] = {
    # What an event says.
    "an event is edited": (in_body("user_updated", "user_created"), 4, "edited"),
    "a space is added to a body": (in_body("{", "{ "), 4, "edited"),
    "an id is edited": (in_body("event 2", "event 3"), 4, "edited"),
    "two events are swapped": (swap, 3, "deleted"),
    "what two events say is swapped": (swap_bodies, 3, "edited"),
    "an event is deleted": (lambda lines: lines.pop(3), 4, "deleted"),
    "the first event is deleted": (lambda lines: lines.pop(1), 2, "deleted"),
    "the last event is deleted": (lambda lines: (lines.pop(7), lines.pop(7), lines[7].update(events=6)), 8, "deleted"),
    "all events are deleted": (
        lambda lines: lines.__setitem__(slice(1, None), [{"end": True, "events": 0}]),
        2,
        "deleted",
    ),
    "an unsealed event is deleted": (lambda lines: lines.pop(8), 9, "deleted"),
    "an event is repeated": (lambda lines: lines.insert(3, lines[3]), 5, "reordered"),
    "an event is inserted": (lambda lines: lines.insert(8, {**lines[7], "position": 7}), 9, "inserted"),
    "a sealed event follows unsealed ones": (lambda lines: lines.insert(7, lines.pop(8)), 9, "reordered"),
    "an unsealed event is put among the others": (lambda lines: lines.insert(3, lines.pop(8)), 5, "reordered"),
    "a body is no JSON": (in_body("{", ""), 4, "edited"),
    "a position is moved": (put(3, "position", 5), 4, "deleted"),
    "a position is true": (put(2, "position", value=True), 3, "malformed"),
    "a position is 1.0": (put(2, "position", 1.0), 3, "malformed"),
    "a position is text": (put(2, "position", "1"), 3, "malformed"),
    "a position is negative": (put(1, "position", -1), 2, "reordered"),
    "a sealed event is made an unsealed one": (
        lambda lines: lines.__setitem__(7, {**lines[7], "position": None} | {"proof": []}),
        8,
        "malformed",
    ),
    "the proof is dropped to hide an edit": (
        lambda lines: (lines[7].update(position=None, body=lines[7]["body"] + " "), lines[7].pop("proof")),
        10,
        "deleted",
    ),
    # Proofs.
    "a proof is too short": (lambda lines: lines[3]["proof"].pop(), 4, "edited"),
    "a proof is too long": (lambda lines: lines[3]["proof"].append(HASH), 4, "edited"),
    "a proof is empty": (put(3, "proof", []), 4, "edited"),
    "a proof is upside down": (lambda lines: lines[3]["proof"].reverse(), 4, "edited"),
    "a proof is that of another event": (lambda lines: lines[3].update(proof=lines[4]["proof"]), 4, "edited"),
    "a proof is no list": (put(3, "proof", {}), 4, "malformed"),
    "a proof has numbers": (put(3, "proof", [10**63] * 3), 4, "malformed"),
    "a proof has short hashes": (put(3, "proof", ["00" * 31] * 3), 4, "malformed"),
    "a proof is in capitals": (
        lambda lines: lines[3].update(proof=[h.upper() for h in lines[3]["proof"]]),
        4,
        "malformed",
    ),
    # Personal values.
    "an address is edited": (personal("ip", "value", "203.0.113.77"), 4, "edited"),
    "a salt is edited": (personal("ip", "salt", HASH), 4, "edited"),
    "two values are swapped": (
        lambda lines: lines[3].update(personal=dict(zip(("name", "ip"), lines[3]["personal"].values(), strict=True))),
        4,
        "edited",
    ),
    "a value is invented": (
        lambda lines: lines[3]["personal"].update(email={"salt": HASH, "value": "x"}),
        4,
        "inserted",
    ),
    "a value is edited in an unsealed event": (
        lambda lines: lines[8]["personal"]["ip"].update(value="203.0.113.77"),
        9,
        "edited",
    ),
    "a value has more keys": (personal("ip", "of", "user:7"), 4, "malformed"),
    "a value is a number": (personal("ip", "value", 7), 4, "malformed"),
    "a salt is short": (personal("ip", "salt", "00"), 4, "malformed"),
    "a salt is in capitals": (
        lambda lines: personal("ip", "salt", lines[3]["personal"]["ip"]["salt"].upper())(lines),
        4,
        "m",
    ),
    "a value is no object": (lambda lines: lines[3]["personal"].update(ip="203.0.113.2"), 4, "malformed"),
    "personal values are null": (put(3, "personal", None), 4, "malformed"),
    # The header.
    "the root is another": (put(0, "root", HASH), 1, "forged"),
    "the size is another": (put(0, "size", 8), 1, "forged"),
    "the origin is another": (put(0, "origin", "evil.example/1"), 1, "forged"),
    "the epoch is another": (put(0, "epoch", 2), 1, "edited"),
    "the epoch and the origin are": (lambda lines: lines[0].update(epoch=2, origin=f"{LOG}/2"), 1, "forged"),
    "the epoch is 0": (lambda lines: lines[0].update(epoch=0, origin=f"{LOG}/0"), 1, "reordered"),
    "the origin has a line of its own": (put(0, "origin", f"{LOG}\n7\n/1"), 1, "edited"),
    "somebody else has signed": (sign_with_a_key_of_ones_own, 1, "forged"),
    "somebody else has signed in our name": (sign_with_a_key_of_ones_own_and_name_ours, 1, "forged"),
    "another tree stands below our signature": (forge_below_our_signature, 1, "forged"),
    "another text stands above our signature": (forge_the_text_too, 1, "forged"),
    "an older checkpoint": (older_checkpoint, 1, "forged"),
    "a checkpoint with another line": (extension_line, 1, "forged"),
    "a checkpoint with a signature twice": (twice_signed, 1, "forged"),
    "a checkpoint with an empty line more": (note("$", "\n"), 1, "forged"),
    "a checkpoint without its last newline": (note("\n$", ""), 1, "forged"),
    "a checkpoint with carriage returns": (note("\n", "\r\n"), 1, "forged"),
    "a checkpoint with another dash": (note("—", "-"), 1, "forged"),
    "a checkpoint without padding": (note("=\n", "\n"), 1, "malformed"),
    "a checkpoint without signatures": (note("—.*\n", ""), 1, "forged"),
    "a checkpoint with a control character": (note("$", "— \x07 AAAAAAAA\n"), 1, "forged"),
    "a checkpoint with too many signatures": (note("$", "".join(f"— {n} AAAAAAAA\n" for n in range(16))), 1, "forged"),
    "a checkpoint with an id alone below it": (note("$", "— other AAAAAA==\n"), 1, "forged"),
    "a checkpoint that is empty": (put(0, "checkpoint", ""), 1, "forged"),
    "a checkpoint that is a number": (put(0, "checkpoint", 7), 1, "malformed"),
    "a key without a checkpoint": (put(0, "checkpoint", None), 1, "malformed"),
    "a checkpoint without a key": (put(0, "key", None), 1, "malformed"),
    "a key that is none": (put(0, "key", "x"), 1, "malformed"),
    "a key with the id of another": (put(0, "key", VKEY.replace("+", "+0", 1)), 1, "malformed"),
    "a filter to hide what is missing": (put(0, "filters", {"positions": [0, 3]}), 5, "inserted"),
    "filters that are no object": (put(0, "filters", []), 1, "malformed"),
    "positions that are none": (put(0, "filters", {"positions": [0, 8]}), 1, "malformed"),
    "positions that are backwards": (put(0, "filters", {"positions": [3, 0]}), 1, "malformed"),
    "positions that are true": (put(0, "filters", {"positions": [True, 7]}), 1, "malformed"),
    "positions that are three": (put(0, "filters", {"positions": [0, 7, 7]}), 1, "malformed"),
    "positions that are null": (put(0, "filters", {"positions": None}), 1, "malformed"),
    "a second header": (lambda lines: lines.insert(8, lines[0]), 9, "reordered"),
    "an epoch in the middle of another": (lambda lines: lines.insert(3, epoch(2, 0)[0]), 4, "deleted"),
    "an epoch after what is not sealed": (lambda lines: lines.insert(9, epoch(2, 0)[0]), 10, "reordered"),
    # The file.
    "it is cut off between two lines": (lambda lines: lines.__delitem__(slice(5, None)), 5, "truncated"),
    "it is cut off within a line": (lambda lines: lines.__setitem__(9, '{"end":true,"events":8}'), 10, "truncated"),
    "the end is missing": (lambda lines: lines.pop(), 9, "truncated"),
    "something follows": (lambda lines: lines.append(lines[8]), 11, "inserted"),
    "an empty line follows": (lambda lines: lines.append("\n"), 11, "inserted"),
    "an empty line is inserted": (lambda lines: lines.insert(3, "\n"), 4, "malformed"),
    "the end counts more": (put(9, "events", 9), 10, "deleted"),
    "the end counts fewer": (put(9, "events", 7), 10, "deleted"),
    "the end is false": (put(9, "end", value=False), 10, "malformed"),
    "the end is 1": (put(9, "end", 1), 10, "malformed"),
    "the end counts with text": (put(9, "events", "8"), 10, "malformed"),
    "the end says more": (put(9, "more", 1), 10, "malformed"),
    "a line is a list": (lambda lines: lines.insert(3, "[]\n"), 4, "malformed"),
    "a line is no JSON": (lambda lines: lines.insert(3, "{]\n"), 4, "malformed"),
    "a line is not UTF-8": (lambda lines: lines.insert(3, b'{"\xff":1}\n'), 4, "malformed"),
    "a line is deeper than a stack": (lambda lines: lines.insert(3, "[" * 100_000 + "\n"), 4, "malformed"),
    "a number is longer than can be read": (lambda lines: lines.insert(3, "1" * 5000 + "\n"), 4, "malformed"),
    "a key stands twice": (text_of(3, '"position": 2', '"position": 9, "position": 2'), 4, "malformed"),
    "a key stands twice within": (text_of(3, '"salt": ', '"salt": "", "salt": '), 4, "malformed"),
    "a key of the header stands twice": (text_of(0, '"epoch": 1', '"epoch": 1, "epoch": 1'), 1, "malformed"),
    "half a surrogate pair": (text_of(8, "203.0.113.7", "203.0.113.7\\ud800"), 9, "malformed"),
    "half a surrogate pair in a key": (text_of(8, '"ip": {"salt"', '"\\ud800": {"salt"'), 9, "malformed"),
    **{
        f"the header lacks {key}": (drop(0, key), 1, "malformed")
        for key in epoch(1, 0)[0]
        if key not in {"format", "version"}
    },
    **{f"an event lacks {key}": (drop(3, key), 4, "malformed") for key in ("position", "body", "personal", "proof")},
    **{f"an unsealed event lacks {key}": (drop(8, key), 9, "malformed") for key in ("position", "body", "personal")},
    **{f"line {at} has more keys": (put(at, "more", None), at + 1, "malformed") for at in (0, 3, 8)},
}


@pytest.fixture
def export() -> Lines:
    return end([*epoch(1, 7), unproven(7)])


def test_what_is_tampered_with_was_intact(check: Check, export: Lines) -> None:
    assert check(export, VKEY)[0] == 0


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering(check: Check, export: Lines, name: str) -> None:
    change, line, kind = TAMPERINGS[name]
    before = repr(export)
    change(export)
    assert repr(export) != before
    code, said = check(export, VKEY)
    assert (code, said.splitlines()[-1].startswith(f"TAMPERED: line {line}: {kind}")) == (1, True), said
    assert "INTACT" not in said


BODIES = {
    "[]": "malformed",
    "null": "malformed",
    "7": "malformed",
    "{}": "malformed",
    "{": "malformed",
    '{"v":1}': "malformed",
    '{"v":2,"personal":{}}': "malformed",
    '{"v":true,"personal":{}}': "malformed",
    '{"v":1.0,"personal":{}}': "malformed",
    '{"v":"1","personal":{}}': "malformed",
    '{"v":1,"personal":[]}': "malformed",
    '{"v":1,"personal":null}': "malformed",
    '{"v":1,"v":1,"personal":{}}': "malformed",
    '{"v":1,"personal":{"ip":null}}': "inserted",
    '{"v":1,"personal":{"ip":{}}}': "edited",
    '{"v":1,"personal":{"ip":{"commitment":null}}}': "edited",
}


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_none(check: Check, export: Lines, body: str) -> None:
    """Also where no proof is in the way: whatever is not sealed is checked as far as that goes."""
    export[8] |= {"body": body, "personal": {"ip": {"salt": HASH, "value": "x"}}}
    code, said = check(export, VKEY)
    assert (code, f"TAMPERED: line 9: {BODIES[body]}" in said) == (1, True), said


@given(st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_one_byte_is_enough(check: Check, data: st.DataObject) -> None:
    """Whatever byte is changed, removed or added, the export is no longer intact, or says the same as before."""
    whole = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in end([*epoch(1, 3), unproven(7)])).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    octet = data.draw(st.sampled_from([b"", b"0", b"1", b"a", b'"', b"}", b"\n", b"\x00", b"\xff", b"\\"]))
    changed = whole[:at] + octet + whole[at + 1 :]
    code, said = check([changed], VKEY)
    if code == 0:
        # White space between two values, and what no signature covers: when it was exported.
        before, after = ([json.loads(line) for line in text.splitlines()] for text in (whole, changed))
        after[0]["exported_at"] = before[0]["exported_at"]
        same_but_unproven = after[:4] + after[5:] == before[:4] + before[5:]
        assert same_but_unproven, said
    assert code in {0, 1, 2}
