"""Signed notes and checkpoints: what others wrote is read, what we write is what they would, and nothing else is."""

import base64
import hashlib
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, strategies as st

from flask_gatehouse.audit.errors import InvalidNote, MalformedKey, MalformedNote, UnknownSigner, WrongSignature
from flask_gatehouse.audit.note_keys import SigningKey, VerifierKey
from flask_gatehouse.audit.notes import (
    LARGEST_SIZE,
    MOST_SIGNATURES,
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
    sign_note,
)

# The example of Go's golang.org/x/mod/sumdb/note.
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SIGNED = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_SIGNED = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
# The example of c2sp.org/signed-note.
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The example of c2sp.org/tlog-checkpoint.
SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SOFA_NOTE = (
    f"{SOFA}\n— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
# The example at the head of c2sp.org/signed-note, whose text has an empty line.
POEM_NOTE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)

KEY = SigningKey("app.example.com", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SigningKey("app.example.com", Ed25519PrivateKey.from_private_bytes(bytes(32)))
ROOT = hashlib.sha256(b"").digest()
CHECKPOINT = Checkpoint("app.example.com/gatehouse/0123456789abcdef/1", 18204, ROOT)
NOTE = sign_checkpoint(CHECKPOINT, KEY)

ORIGINS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="+"), min_size=1)
CHECKPOINTS = st.builds(Checkpoint, ORIGINS, st.integers(0, LARGEST_SIZE), st.binary(min_size=32, max_size=32))
KEYS = st.builds(SigningKey, ORIGINS, st.binary(min_size=32, max_size=32).map(Ed25519PrivateKey.from_private_bytes))
LINES = st.text(st.characters(exclude_categories=("Cs",), min_codepoint=32))


class TestWhatOthersWrote:
    def test_a_note_of_go_is_written_as_go_writes_it(self) -> None:
        key = SigningKey.parse(PETER_PRIVATE)
        assert str(key.verifier) == PETER
        assert key.reveal() == PETER_PRIVATE
        assert sign_note(TEXT, key) == f"{TEXT}\n{PETER_SIGNED}"

    def test_a_note_with_two_signatures_is_opened_by_either_key(self) -> None:
        note = f"{TEXT}\n{PETER_SIGNED}{ENOCH_SIGNED}"
        peter, enoch = VerifierKey.parse(PETER), VerifierKey.parse(ENOCH)
        assert open_note(note, [peter]) == open_note(note, [enoch]) == open_note(note, [peter, enoch]) == TEXT

    def test_the_key_of_the_specification(self) -> None:
        key = VerifierKey.parse(FOO)
        assert (key.name, key.key_id.hex(), str(key)) == ("example.com/foo", "530d903a", FOO)
        assert open_note(FOO_NOTE, [key]) == "This is an example message.\n"

    def test_the_checkpoint_of_the_specification(self) -> None:
        text, (signature,) = parse_note(SOFA_NOTE)
        assert text == SOFA
        assert signature.signer == "example.com/behind-the-sofa+033de0ae"
        root = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
        checkpoint = parse_checkpoint(text)
        assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20852163, root)
        assert format_checkpoint(checkpoint) == text

    def test_a_text_may_have_empty_lines(self) -> None:
        text, (signature,) = parse_note(POEM_NOTE)
        assert text.endswith("sole:\n\ned è subito sera.\n")
        assert signature.name == "quasimodo.example/salvatore"


class TestBothWays:
    @given(CHECKPOINTS, KEYS)
    def test_what_was_signed_is_opened(self, checkpoint: Checkpoint, key: SigningKey) -> None:
        assert open_checkpoint(sign_checkpoint(checkpoint, key), [key.verifier]) == checkpoint

    @given(CHECKPOINTS)
    def test_a_checkpoint_has_one_text(self, checkpoint: Checkpoint) -> None:
        text = format_checkpoint(checkpoint)
        assert parse_checkpoint(text) == checkpoint
        assert text.count("\n") == 3

    @given(KEYS)
    def test_a_key_has_one_text(self, key: SigningKey) -> None:
        again = SigningKey.parse(key.reveal())
        assert again.reveal() == key.reveal()
        assert VerifierKey.parse(str(key.verifier)) == again.verifier == key.verifier

    @given(st.lists(LINES.map(lambda line: line + "\n"), min_size=1).map("".join), KEYS)
    def test_any_text_of_lines_can_be_signed(self, text: str, key: SigningKey) -> None:
        assert open_note(sign_note(text, key), [key.verifier]) == text

    @given(st.text())
    def test_no_text_is_a_surprise(self, text: str) -> None:
        for read in (parse_note, parse_checkpoint):
            try:
                read(text)
            except MalformedNote:
                continue
        for kind in (VerifierKey, SigningKey):
            with pytest.raises(MalformedKey):
                kind.parse(text)

    def test_lines_that_somebody_added_to_a_checkpoint_are_kept(self) -> None:
        note = sign_note(format_checkpoint(CHECKPOINT) + "Timestamp: 7\nöther\n", KEY)
        assert open_checkpoint(note, [KEY.verifier]).extensions == ("Timestamp: 7", "öther")


class TestTampering:
    @given(st.integers(0, len(NOTE.encode()) - 1), st.integers(0, 7))
    def test_one_bit_is_enough(self, index: int, bit: int) -> None:
        octets = bytearray(NOTE.encode())
        octets[index] ^= 1 << bit
        with pytest.raises((InvalidNote, UnicodeDecodeError)):
            open_note(octets.decode(), [KEY.verifier])

    @given(st.data())
    def test_so_is_what_is_missing_or_too_much(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(NOTE) - 1))
        end = data.draw(st.integers(start, len(NOTE) - 1))
        put = data.draw(st.sampled_from(["", " ", "\n", "\n\n", "\r", "0", "+", "="]))
        changed = NOTE[:start] + put + NOTE[end:]
        if changed != NOTE:
            with pytest.raises(InvalidNote):
                open_checkpoint(changed, [KEY.verifier])

    def test_a_signature_that_bears_our_name_has_to_be_ours(self) -> None:
        """Another good signature does not help: somebody has put ours below a text that is not ours."""
        text = format_checkpoint(CHECKPOINT)
        ours = NOTE.removeprefix(text)
        forged = text.replace("18204", "18205") + ours
        with pytest.raises(WrongSignature, match=r"app\.example\.com") as caught:
            open_note(forged, [KEY.verifier])
        assert caught.value.name == f"app.example.com+{KEY.verifier.key_id.hex()}"
        both = sign_note(text.replace("18204", "18205"), OTHER) + ours.removeprefix("\n")
        with pytest.raises(WrongSignature):
            open_note(both, [KEY.verifier, OTHER.verifier])

    def test_others_may_sign_too(self) -> None:
        """They are ignored even if name or id is one that we know, and whatever kind of signature it is."""
        same_id = KEY.verifier.key_id
        strangers = "".join(
            f"— {name} {base64.b64encode(octets).decode()}\n"
            for name, octets in (
                ("witness.example", b"\x00\x01\x02\x03" + bytes(72)),
                ("post-quantum.example", b"\x00\x01\x02\x03" + bytes(2420)),
                ("short.example", same_id + b"x"),
                (KEY.name, bytes(68)),
            )
        )
        assert open_checkpoint(NOTE + strangers, [KEY.verifier]) == CHECKPOINT

    def test_a_note_that_only_others_signed_is_refused(self) -> None:
        with pytest.raises(UnknownSigner) as caught:
            open_checkpoint(NOTE, [OTHER.verifier])
        assert caught.value.names == (f"app.example.com+{KEY.verifier.key_id.hex()}",)
        with pytest.raises(UnknownSigner):
            open_checkpoint(NOTE, [])

    def test_a_signature_of_another_length_is_a_wrong_one(self) -> None:
        text, (signature,) = parse_note(NOTE)
        short = base64.b64encode(signature.key_id + signature.signature[:-1]).decode()
        with pytest.raises(WrongSignature):
            open_note(f"{text}\n— {KEY.name} {short}\n", [KEY.verifier])


SIGNED = PETER_SIGNED.removesuffix("\n")
BASE64 = SIGNED.rpartition(" ")[2]


def malformed_notes() -> Iterator[tuple[str, str]]:
    yield "nothing", ""
    yield "no signature", "text\n"
    yield "no signature after the empty line", "text\n\n"
    yield "no text", PETER_SIGNED
    yield "no empty line", f"text\n{PETER_SIGNED}"
    yield "no newline at the end", f"text\n\n{SIGNED}"
    yield "text after the signatures", f"text\n\n{PETER_SIGNED}text\n"
    yield "an empty line at the end", f"text\n\n{PETER_SIGNED}\n"
    yield "carriage return", f"text\r\n\r\n{SIGNED}\r\n"
    yield "carriage return in the text", f"te\rxt\n\n{PETER_SIGNED}"
    yield "tab", f"te\txt\n\n{PETER_SIGNED}"
    yield "zero", f"te\x00xt\n\n{PETER_SIGNED}"
    yield "half a surrogate pair", f"te\ud800xt\n\n{PETER_SIGNED}"
    yield "hyphen", f"text\n\n{PETER_SIGNED.replace('—', '-')}"
    yield "en dash", f"text\n\n{PETER_SIGNED.replace('—', '–')}"
    yield "no space after the dash", f"text\n\n{PETER_SIGNED.replace('— ', '—')}"
    yield "no name", f"text\n\n—  {BASE64}\n"
    yield "plus in the name", f"text\n\n— a+b {BASE64}\n"
    yield "space of another kind in the name", f"text\n\n— a\u2003b {BASE64}\n"
    yield "two spaces", f"text\n\n— name  {BASE64}\n"
    yield "space at the end", f"text\n\n{SIGNED} \n"
    yield "no Base64", "text\n\n— name\n"
    yield "empty Base64", "text\n\n— name \n"
    yield "an id alone", "text\n\n— name x08gow==\n"
    yield "no padding", f"text\n\n{SIGNED.rstrip('=')}\n"
    yield "bits that mean nothing", f"text\n\n{SIGNED.replace('nAM=', 'nAN=')}\n"
    yield "Base64 of addresses", f"text\n\n{SIGNED.replace('/', '_')}\n"
    yield "padding in the middle", "text\n\n— name x08go/Y=x08go/Y=\n"
    yield "the same key twice", f"text\n\n{PETER_SIGNED}{PETER_SIGNED}"
    yield "an empty line between", f"text\n\n{PETER_SIGNED}\n{SIGNED}"
    many = "".join(f"— name{number} {BASE64}\n" for number in range(MOST_SIGNATURES + 1))
    yield "too many", f"text\n\n{many}"


@pytest.mark.parametrize(("fault", "note"), list(malformed_notes()), ids=lambda value: value[:40])
def test_whatever_is_not_exactly_a_note_is_refused(fault: str, note: str) -> None:
    with pytest.raises(MalformedNote):
        parse_note(note)


def test_as_many_signatures_as_a_verifier_has_to_accept() -> None:
    many = "".join(f"— name{number} {BASE64}\n" for number in range(15))
    assert len(parse_note(f"text\n\n{many}{PETER_SIGNED}")[1]) == 16


ENCODED = base64.b64encode(ROOT).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"log\n7\n{ENCODED}",
        f"log\n7\n{ENCODED}\n\n",
        f"log\n7\n\n{ENCODED}\n",
        f"log\n7\n{ENCODED}\nextension",
        f"log\n7\n{ENCODED}\n\nextension\n",
        "log\n7\n",
        f"\n7\n{ENCODED}\n",
        f"log\n\n{ENCODED}\n",
        f"log\r\n7\r\n{ENCODED}\r\n",
        f"lo\x1bg\n7\n{ENCODED}\n",
        f"lo\ud800g\n7\n{ENCODED}\n",
        *(
            f"log\n{size}\n{ENCODED}\n"
            for size in (
                "07",
                "00",
                "-7",
                "+7",
                "7.0",
                "7e1",
                " 7",
                "7 ",
                "0x7",
                "1_000",
                "٧",
                "²",
                "9" * 19,
                "1" * 5000,
            )
        ),
        f"log\n{LARGEST_SIZE + 1}\n{ENCODED}\n",
        f"log\n7\n{ENCODED[:-1]}\n",
        f"log\n7\n{ENCODED} \n",
        f"log\n7\n{ROOT.hex()}\n",
        f"log\n7\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"log\n7\n{base64.b64encode(ROOT + b'x').decode()}\n",
        # The last two bits of the last character are not part of what it encodes.
        f"log\n7\n{ENCODED.replace('FU=', 'FV=')}\n",
    ],
)
def test_whatever_is_not_exactly_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        parse_checkpoint(text)


def test_the_cases_above_are_one_step_away_from_what_is_accepted() -> None:
    for text in (f"log\n7\n{ENCODED}\n", f"log 7\n0\n{ENCODED}\n", f"log\n{LARGEST_SIZE}\n{ENCODED}\nextension\n"):
        parse_checkpoint(text)
    assert ENCODED.endswith("FU=")
    assert parse_note(f"text\n\n{SIGNED}\n")[0] == "text\n"


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("log", 7, ROOT, ("extension",)),
        Checkpoint("", 7, ROOT),
        Checkpoint("lo g", 7, ROOT),
        Checkpoint("lo+g", 7, ROOT),
        Checkpoint("lo\ng", 7, ROOT),
        Checkpoint("lo\x7fg\x00", 7, ROOT),
        Checkpoint("log", -1, ROOT),
        Checkpoint("log", LARGEST_SIZE + 1, ROOT),
        Checkpoint("log", 7, ROOT[:31]),
    ],
)
def test_what_others_could_misread_is_not_signed(checkpoint: Checkpoint) -> None:
    with pytest.raises(MalformedNote):
        sign_checkpoint(checkpoint, KEY)


@pytest.mark.parametrize("text", ["", "no newline", "text\r\n", "te\ud800xt\n"])
def test_what_is_no_text_of_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(MalformedNote):
        sign_note(text, KEY)


FAULTY_KEYS = [
    "",
    "PeterNeumann",
    "PeterNeumann+c74f20a3",
    PETER + "\n",
    " " + PETER,
    PETER.replace("c74f20a3", "C74F20A3"),
    PETER.replace("c74f20a3", "c74f20a4"),
    PETER.replace("c74f20a3", "0c74f20a3"),
    PETER.replace("Peter", "Pieter"),
    PETER.replace("PeterNeumann", ""),
    PETER.replace("+ARpc", "+AhPc"),
    PETER[:-1],
    PETER[:-4],
    PETER + "AAAA",
    PETER.replace("ARpc", "BRpc"),
    FOO.replace("foo", "fo o"),
]


@pytest.mark.parametrize("text", FAULTY_KEYS)
def test_whatever_is_not_exactly_a_public_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedKey):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        PETER,
        PETER_PRIVATE.removeprefix("PRIVATE+KEY+"),
        PETER_PRIVATE + "\n",
        PETER_PRIVATE.replace("c74f20a3", "c74f20a4"),
        PETER_PRIVATE.replace("Peter", "Pieter"),
        PETER_PRIVATE.replace("AYEK", "AZEK"),
        PETER_PRIVATE[:-4],
    ],
)
def test_whatever_is_not_exactly_a_private_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedKey):
        SigningKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\x07b", "a\ud800b"])
def test_a_key_cannot_have_any_name(name: str) -> None:
    with pytest.raises(MalformedKey):
        SigningKey.generate(name)
    with pytest.raises(MalformedKey):
        VerifierKey(name, bytes(32))


def test_a_public_key_has_32_bytes() -> None:
    with pytest.raises(MalformedKey):
        VerifierKey("name", bytes(31))


def test_keys_differ() -> None:
    assert SigningKey.generate("name").reveal() != SigningKey.generate("name").reveal()


def test_no_message_and_no_representation_shows_a_private_key() -> None:
    secret = PETER_PRIVATE.rpartition("+")[2]
    key = SigningKey.parse(PETER_PRIVATE)
    shown = [repr(key), str(key), f"{key}", repr([key])]
    for broken in (PETER_PRIVATE.replace("c74f20a3", "c74f20a4"), PETER_PRIVATE + " ", PETER_PRIVATE[8:]):
        for kind in (SigningKey, VerifierKey):
            with pytest.raises(MalformedKey) as caught:
                kind.parse(broken)
            shown += [str(caught.value), repr(caught.value), repr(vars(caught.value))]
            assert caught.value.__context__ is None
    assert not [text for text in shown if secret[:8] in text]
