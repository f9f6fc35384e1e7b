"""Ed25519 as the verifier that travels has it, against the standard and against a library."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import example, given, settings, strategies as st

from flask_gatehouse.audit.verify_export import ORDER, P, is_signed

# RFC 8032 section 7.1: public key, message, signature.
VECTORS: list[tuple[str, str, str]] = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]


def agrees(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return what both say; fail if they do not say the same."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        theirs = True
    except InvalidSignature:
        theirs = False
    assert is_signed(public, message, signature) == theirs
    return theirs


SEEDS = st.binary(min_size=32, max_size=32)


class TestEd25519:
    @pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
    def test_the_vectors_of_the_standard(self, public: str, message: str, signature: str) -> None:
        assert agrees(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))
        assert not agrees(bytes.fromhex(public), bytes.fromhex(message) + b"x", bytes.fromhex(signature))

    @given(SEEDS, st.binary(max_size=200))
    @settings(max_examples=50, deadline=None)
    def test_what_was_signed(self, seed: bytes, message: bytes) -> None:
        key = Ed25519PrivateKey.from_private_bytes(seed)
        assert agrees(key.public_key().public_bytes_raw(), message, key.sign(message))

    @given(SEEDS, st.binary(max_size=20), st.integers(0, 96 * 8 - 1))
    @settings(max_examples=100, deadline=None)
    def test_one_bit_of_key_or_signature_is_enough(self, seed: bytes, message: bytes, bit: int) -> None:
        key = Ed25519PrivateKey.from_private_bytes(seed)
        octets = bytearray(key.public_key().public_bytes_raw() + key.sign(message))
        octets[bit // 8] ^= 1 << bit % 8
        assert not agrees(bytes(octets[:32]), message, bytes(octets[32:]))

    @given(SEEDS, st.integers(1, 15))
    @settings(max_examples=30, deadline=None)
    def test_a_signature_has_one_form(self, seed: bytes, times: int) -> None:
        """Section 5.1.7: S and S + L lead to the same point."""
        key = Ed25519PrivateKey.from_private_bytes(seed)
        public, signature = key.public_key().public_bytes_raw(), key.sign(b"text")
        scalar = int.from_bytes(signature[32:], "little") + times * ORDER
        if scalar < 2**256:
            assert not agrees(public, b"text", signature[:32] + scalar.to_bytes(32, "little"))

    @given(SEEDS, st.binary(max_size=130).filter(lambda octets: len(octets) != 64))
    @settings(max_examples=30, deadline=None)
    def test_and_one_length(self, seed: bytes, signature: bytes) -> None:
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        assert not agrees(public, b"text", signature)
        assert not is_signed(public + b"\x00", b"text", signature[:64].ljust(64, b"\x00"))

    @given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
    @settings(max_examples=50, deadline=None)
    @example(bytes(32), bytes(64))
    @example(b"\xff" * 32, b"\xff" * 64)
    def test_nothing_is_a_surprise(self, public: bytes, signature: bytes) -> None:
        agrees(public, b"text", signature)

    @pytest.mark.parametrize("y", [P, P + 1, 2**255 - 1])
    @pytest.mark.parametrize("sign", [0, 1])
    def test_a_point_has_one_form(self, y: int, sign: int) -> None:
        """Section 5.1.3, step 1. With the point of y = 1 as the key, R = S·B is a signature of everything."""
        public = (y | sign << 255).to_bytes(32, "little")
        assert not is_signed(public, b"text", (1).to_bytes(32, "little") + bytes(32))

    def test_zero_has_one_sign(self) -> None:
        """Section 5.1.3, step 4: x = 0 is not odd."""
        identity, signature = (1).to_bytes(32, "little"), (1).to_bytes(32, "little") + bytes(32)
        assert is_signed(identity, b"text", signature)
        assert not is_signed((1 | 1 << 255).to_bytes(32, "little"), b"text", signature)

    def test_the_point_of_a_signature_has_one_form_too(self) -> None:
        identity = (1).to_bytes(32, "little")
        for point in (P + 1, 1 | 1 << 255):
            assert not agrees(identity, b"text", point.to_bytes(32, "little") + bytes(32))

    @pytest.mark.parametrize(
        "point",
        [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ],
    )
    def test_points_of_a_small_order_are_judged_without_the_cofactor(self, point: str) -> None:
        """With the cofactor each of these would pass for any message; so few do without it that both have to agree."""
        for number in range(12):
            agrees(bytes.fromhex(point), b"%d" % number, (1).to_bytes(32, "little") + bytes(32))
