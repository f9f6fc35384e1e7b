"""The people of the embedded provider: a few are ready, anybody else is invented on its page."""

from dataclasses import dataclass
from hashlib import sha256

from ..kernel.text import case_folded_address, plain
from ..signin.rules import domain_of

# Lengths in characters; an address cannot be longer (RFC 5321 §4.5.3.1.3).
LONGEST_NAME = 80
LONGEST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to sign in as. The same address is the same person, in every process and after every restart."""

    name: str
    email: str

    @property
    def subject(self) -> str:
        return sha256(f"person\0{case_folded_address(self.email)}".encode()).hexdigest()[:24]


READY = (
    Person("Ada Admin", "ada@example.com"),
    Person("Eddie Editor", "eddie@example.com"),
    Person("Vera Viewer", "vera@example.com"),
    Person("Oscar Outsider", "oscar@elsewhere.example"),
)


def find_ready(email: str) -> Person | None:
    return next((person for person in READY if person.email == email), None)


def invent(name: str, email: str) -> Person | None:
    """Return the person of this address, who needs no name; None if it is no address."""
    address = plain(email, LONGEST_ADDRESS + 1)
    if domain_of(address) is None or " " in address or len(address) > LONGEST_ADDRESS:
        return None
    ready = find_ready(case_folded_address(address))
    usual_name = ready.name if ready else address.rpartition("@")[0][:LONGEST_NAME]
    return Person(plain(name, LONGEST_NAME) or usual_name, address)
