"""Checks an export of the audit trail on any machine: with this one file, and Python without anything else.

    python verify_export.py EXPORT.jsonl --key 'app.example.com+1a2b3c4d+AbCd…'

It exits with 0 if the export is intact, 1 if it was tampered with or is not complete, 2 if that cannot be said. The
format is that of docs/reference/audit-export.md. It is read line by line: its length does not matter.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

LONGEST_LINE = 16 * 1024 * 1024
MOST_SIGNATURES = 16
Keys = dict[tuple[str, str], bytes]
Say = Callable[[str], None]
TEXT, NUMBER, OBJECT, LIST, NOTHING = (str,), (int,), (dict,), (list,), (type(None),)
Shape = dict[str, tuple[type, ...]]
HEADER: Shape = dict.fromkeys(("format", "origin", "root", "exported_at"), TEXT)
HEADER |= {"version": NUMBER, "epoch": NUMBER, "size": NUMBER, "filters": OBJECT}
HEADER |= {"checkpoint": TEXT + NOTHING, "key": TEXT + NOTHING}
UNPROVEN: Shape = {"position": NOTHING, "body": TEXT, "personal": OBJECT}
EVENT: Shape = UNPROVEN | {"position": NUMBER, "proof": LIST}
# Ed25519 (RFC 8032 section 5.1). A point is (X, Y, Z, T) with x = X/Z, y = Y/Z and xy = T/Z.
Point = tuple[int, int, int, int]
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


class Tampered(Exception):
    """The export is not as it was written, in the way that stands before the colon."""


class Unverifiable(Exception):
    """Nothing can be said about the export."""


def add(a: Point, b: Point) -> Point:
    """Return the sum of two points, which may be the same (section 5.1.4)."""
    minus, plus = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    c, d = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = plus - minus, d - c, d + c, plus + minus
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, point: Point) -> Point:
    """Return a multiple of a point. How long it takes tells the factor, and there is no secret here."""
    product = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            product = add(product, point)
        point, factor = add(point, point), factor >> 1
    return product


def decode_point(octets: bytes) -> Point | None:
    """Return a point, or None if this is not the one way of writing one (section 5.1.3)."""
    sign, y = divmod(int.from_bytes(octets, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if len(octets) != 32 or y >= P or x * x % P != square or (sign and not x):
        return None
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature is of this message and by this key (section 5.1.7, without the cofactor)."""
    base, point = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little")), decode_point(public)
    scalar = int.from_bytes(signature[32:], "little")
    # A scalar to which the order is added would do as well: one signature would have several forms.
    if base is None or point is None or len(signature) != 64 or scalar >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    x, y, z, _ = add(times(scalar, base), times(challenge, (P - point[0], point[1], 1, P - point[3])))
    x, y = x * pow(z, -1, P) % P, y * pow(z, -1, P) % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def root_over(leaf: bytes, position: int, size: int, proof: list[bytes]) -> bytes | None:
    """Return the root of the tree in which the proof says that a leaf stands (RFC 9162 section 2.1.3.2)."""
    last, node = size - 1, leaf
    for sister in proof:
        if not last:
            return None
        if position & 1 or position == last:
            node = hashlib.sha256(b"\x01" + sister + node).digest()
            # At the right edge a node without a sister is passed upwards as it is.
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sister).digest()
        position, last = position >> 1, last >> 1
    return None if last else node


def from_base64(text: str) -> bytes:
    """Return what Base64 stands for; raise ValueError if this is not the one way of writing it."""
    octets = base64.b64decode(text)
    if base64.b64encode(octets).decode() != text:
        raise ValueError("this is not Base64")
    return octets


def from_hex(text: Any) -> bytes:
    """Return 32 bytes; raise ValueError if this is not the one way of writing them."""
    octets = bytes.fromhex(text) if type(text) is str else b""
    if len(octets) != 32 or octets.hex() != text:
        raise ValueError("this is not a hash")
    return octets


def read_key(text: str) -> Keys:
    """Read a public key as c2sp.org/signed-note writes it, or raise ValueError."""
    name, number, encoded = text.split("+", 2) if text.count("+") > 1 else ("", "", "")
    octets = from_base64(encoded)
    if len(octets) != 33 or octets[0] != 1 or not name or re.search(r"\s", name):
        raise ValueError("this is not a public key")
    if hashlib.sha256(name.encode() + b"\n" + octets).hexdigest()[:8] != number:
        raise ValueError("this key has the id of another")
    return {(name, number): octets[1:]}


def open_note(note: str, keys: Keys) -> str:
    """Return the text of a note that one of the keys has signed (c2sp.org/signed-note); others may have signed too."""
    text, empty_line, below = note.rpartition("\n\n")
    matches = [re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)", line) for line in below.split("\n")[:-1]]
    found = [(match[1], from_base64(match[2])) for match in matches if match]
    signatures = {(name, octets[:4].hex()): octets[4:] for name, octets in found if len(octets) > 4}
    well_formed = empty_line and below.endswith("\n") and not re.search(r"[\x00-\x09\x0b-\x1f]", note)
    demand(well_formed and len(signatures) == len(matches) <= MOST_SIGNATURES, "forged: this is not a signed note")
    known = signatures.keys() & keys.keys()
    demand(known, "forged: the checkpoint is signed by another key")
    for key in known:
        signed = is_signed(keys[key], f"{text}\n".encode(), signatures[key])
        demand(signed, "forged: the checkpoint is not what the key has signed")
    return f"{text}\n"


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, unless another reader could find another value in it."""
    found = dict(pairs)
    # Half a surrogate pair can be written in JSON, and stands for nothing.
    "".join([*found, *(value for value in found.values() if isinstance(value, str))]).encode()
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in an object")
    return found


def fits(value: Any, shape: Shape) -> bool:
    """Return whether this is an object with exactly these keys and values of these types: true is no number here."""
    if type(value) is not dict or value.keys() != shape.keys():
        return False
    return all(type(value[key]) in types for key, types in shape.items())


def demand(true: object, otherwise: str) -> None:
    if not true:
        raise Tampered(otherwise)


def say_aloud(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")


class Export:
    """What is known of an export up to the line that is being read."""

    def __init__(self, keys: Keys, say: Say) -> None:
        self.keys, self.say, self.state = keys, say, "the beginning"
        self.line = self.epoch = self.size = self.proven = self.unproven = self.absent = 0
        # The next position, the one at which the epoch ends, and whether all between them have to be there.
        self.next, self.until, self.complete = 0, 0, False
        self.root = b""

    def read(self, file: BinaryIO) -> None:
        """Check everything; raise Tampered or Unverifiable at the first line that asks for it."""
        while text := file.readline(LONGEST_LINE):
            self.line += 1
            if len(text) == LONGEST_LINE:
                raise Unverifiable("the line is too long")
            demand(text.endswith(b"\n"), "truncated: the line does not end")
            demand(self.state != "the end", "inserted: something follows the end")
            try:
                self.read_line(text)
            except (ValueError, RecursionError) as error:
                raise Tampered(f"malformed: {error}") from None
        demand(self.state == "the end", "truncated: the export does not end")

    def read_line(self, text: bytes) -> None:
        if self.line == 1 and b'"gatehouse-audit-export"' not in text:
            raise Unverifiable("this is not an export of an audit trail")
        entry = json.loads(text.decode(), object_pairs_hook=unique)
        demand(type(entry) is dict, "malformed: this is not an object")
        demand("format" in entry or self.state != "the beginning", "malformed: there is no header")
        if "format" in entry:
            self.read_header(entry)
        elif "end" in entry:
            demand(fits(entry, {"end": (bool,), "events": NUMBER}) and entry["end"], "malformed: this is not an end")
            self.close_epoch("the end")
            here = self.proven + self.unproven
            demand(entry["events"] == here, f"deleted: {here:,} of {entry['events']:,} events are here")
        else:
            self.read_event(entry)

    def read_header(self, header: dict[str, Any]) -> None:
        known = header["format"] == "gatehouse-audit-export" and header.get("version") == 1
        if self.line == 1 and not known:
            raise Unverifiable("this needs another version of this program")
        demand(known and fits(header, HEADER), "malformed: this is not a header")
        demand(self.state != "unproven events", "reordered: an epoch follows events that no tree holds yet")
        self.close_epoch("events")
        origin, filters = header["origin"], header["filters"]
        demand(header["epoch"] > self.epoch, "reordered: an epoch follows a later one")
        self.epoch, self.size, self.root = header["epoch"], header["size"], from_hex(header["root"])
        demand(re.fullmatch(rf"[^\s\x00-\x1f]+/{self.epoch}", origin), "edited: the origin is that of another epoch")
        self.complete = not filters.keys() - {"positions"}
        asked = filters.get("positions") if self.complete and filters else [0, self.size]
        demand(type(asked) is list and [type(at) for at in asked] == [int, int], "malformed: these are not positions")
        self.next, self.until = asked
        demand(0 <= self.next <= self.until <= self.size, "malformed: these are not positions")
        # What somebody else has written is shown as JSON, which cannot move the cursor of a terminal.
        what = f"{self.size:,} events in {json.dumps(origin)}, filters {json.dumps(filters)}"
        self.say(f"Epoch {self.epoch}: {what}, {self.check_signature(origin, header['checkpoint'], header['key'])}.")

    def check_signature(self, origin: str, note: str | None, key: str | None) -> str:
        """Check the signature of an epoch, and return what it is worth."""
        if note is None or key is None:
            demand(note is key, "malformed: a checkpoint and its key go together")
            if self.keys:
                raise Unverifiable("there is no checkpoint that your key could have signed")
            return "SIGNED BY NOBODY"
        own = read_key(key)
        said = f"{origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"
        demand(open_note(note, self.keys or own) == said, "forged: the checkpoint is that of another tree")
        return "signed by the key that you gave" if self.keys else "signed by the key in the export itself"

    def read_event(self, entry: dict[str, Any]) -> None:
        if fits(entry, EVENT):
            self.check_place(entry["position"], entry["body"], entry["proof"])
            self.proven += 1
        else:
            demand(fits(entry, UNPROVEN), "malformed: this is not an event")
            self.state = "unproven events"
            self.unproven += 1
        self.check_body(entry["body"], entry["personal"])

    def check_place(self, position: int, body: str, proof: list[Any]) -> None:
        demand(self.state == "events", "reordered: it follows events that no tree holds yet")
        demand(position >= self.next, f"reordered: position {position:,} comes too late")
        demand(position < self.until, f"inserted: position {position:,} is outside of what was exported")
        demand(position == self.next or not self.complete, f"deleted: position {self.next:,} is missing")
        leaf, sisters = hashlib.sha256(b"\x00" + body.encode()).digest(), [from_hex(sister) for sister in proof]
        root = root_over(leaf, position, self.size, sisters)
        demand(root == self.root, f"edited: no proof leads from position {position:,} to the root")
        self.next = position + 1

    def check_body(self, body: str, personal: dict[str, Any]) -> None:
        content = json.loads(body, object_pairs_hook=unique)
        demand(type(content) is dict and type(content.get("v")) is int, "malformed: the body is not that of an event")
        demand(content["v"] == 1, "malformed: the body is of another version")
        committed = content.get("personal")
        demand(type(committed) is dict, "malformed: the body has no personal values")
        for field, kept in personal.items():
            promised = committed.get(field)
            demand(type(promised) is dict, f"inserted: the body knows of no {json.dumps(field)}")
            demand(fits(kept, {"salt": TEXT, "value": TEXT}), f"malformed: {json.dumps(field)} is not a value")
            salted = b"\x02" + from_hex(kept["salt"]) + field.encode() + b"\x00" + kept["value"].encode()
            commitment = hashlib.sha256(salted).hexdigest()
            demand(commitment == promised.get("commitment"), f"edited: {json.dumps(field)} is another value")
        self.absent += len(committed) - len(personal)

    def close_epoch(self, state: str) -> None:
        demand(not self.complete or self.next == self.until, f"deleted: position {self.next:,} is missing")
        self.state = state


def check(path: Path, keys: Keys, say: Say) -> int:
    """Check an export, say what came of it, and return the exit code."""
    export = Export(keys, say)
    try:
        with path.open("rb") as file:
            export.read(file)
    except Tampered as error:
        say(f"TAMPERED: line {export.line}: {error}.")
        return 1
    except (Unverifiable, OSError) as error:
        say(f"COULD NOT VERIFY: line {export.line}: {error}.")
        return 2
    except Exception:  # noqa: BLE001 - a fault of this program must not end with 1, which accuses somebody
        traceback.print_exc()
        return 2
    say(f"INTACT: {export.proven:,} events are proven, {export.unproven:,} are not in a tree yet and unproven.")
    say(f"{export.absent:,} personal values are not here: they were erased, or left out.")
    if not keys:
        say(
            "WARNING: NO KEY WAS GIVEN. A signature was held against nothing but the key inside the export itself, and"
            " proves nothing about who wrote it. Get the key from elsewhere, and give it with --key."
        )
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Check the export that the command line names, and return the exit code."""
    parser = argparse.ArgumentParser(description="Check an export of an audit trail.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", action="append", default=[], help="the public key, from elsewhere than the export")
    given, keys = parser.parse_args(arguments), Keys()
    try:
        for text in given.key:
            keys |= read_key(text)
    except ValueError as error:
        parser.error(f"--key: {error}")
    return check(given.export, keys, say_aloud)


if __name__ == "__main__":
    sys.exit(main())
