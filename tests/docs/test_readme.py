"""The README, done as it says: in an empty folder, over sockets."""

import re
from pathlib import Path

from tests.architecture.source import ROOT
from tests.nodes.people import Browser
from tests.processes import running_gatehouse

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_host_asks_who_one_is_and_greets(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (command,) = re.findall(r"^    (GATEHOUSE_ENV=development flask .*)$", README, re.MULTILINE)
    assert command == "GATEHOUSE_ENV=development flask --app hello gatehouse run"
    host = tmp_path / "hello.py"
    host.write_text(code, encoding="utf-8")
    with running_gatehouse(host=host, directory=tmp_path) as node:
        browser = Browser(node)
        asked = browser.get("/")
        assert (asked.status_code, asked.headers["Location"].startswith("/gate/auth/login")) == (302, True)
        name = "<b>Grace</b>"
        page = browser.begin("/", path="/gate/auth/login/dev")
        arrived = browser.arrive(browser.choose(page, "grace@example.com", name))
        assert arrived.headers["Location"] == "/"
        greeting = browser.get("/").text
        assert greeting.startswith("Hello, &lt;b&gt;Grace&lt;/b&gt;.")
        (account,) = re.findall(r"href='([^']+)'", greeting)
        assert browser.get(account).status_code == 200
        browser.close()


def test_its_commands_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^    (?:[A-Z]+=\S+ )?make (\w+)$", README, re.MULTILINE)
    assert targets == ["run", "test"]
    assert all(f"\n{target}:" in makefile for target in targets)
