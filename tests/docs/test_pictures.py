"""The pictures of the documentation: taken from the running application, and compared with it ever after.

``make pictures`` takes them anew. Each holds the page in both colour schemes, the light one on the left, and in its
metadata what the page said. A test run takes them too, and compares: what the page says must be what it said then, and
the picture must be as large, and about as bright in each of its parts. Other fonts on another machine make no
difference, so that nothing changes in git unless a page does.
"""

import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from PIL import Image, ImageChops, ImageStat, PngImagePlugin
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.audit import AuditEvent, record
from flask_gatehouse.db.database import begin_immediately
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from tests.architecture.source import ROOT
from tests.nodes.sites import gatehouse
from tests.processes import Node, running_gatehouse

IMAGES = ROOT / "docs/images"
TAKE = os.environ.get("PICTURES") == "take"
SAID = "Page text"
# Of the mean brightness of a part, from 0 to 255: other fonts make two or three, a part that is gone far more.
MOST_DIFFERENT = 12
WIDTH, HEIGHT = 1240, 640
# What passes with time, or is another thing on each run.
VARYING = re.compile(
    r"\b\d+ (seconds?|minutes?|hours?|days?|weeks?|months?|years?) ago\b|\bjust now\b|\byesterday\b|\d+"
    r"|\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b"
)
PEOPLE = (
    ("Grace Hopper", Role.EDITOR),
    ("Hedy Lamarr", Role.VIEWER),
    ("Joan Clarke", Role.ADMIN),
    ("Katherine Johnson", Role.EDITOR),
    ("Lise Meitner", Role.VIEWER),
    ("Mary Somerville", Role.VIEWER),
)


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {
        "GATEHOUSE_APP_NAME": "Acme Notes",
        "GATEHOUSE_TERMS_URL": "https://acme.example/terms",
        "GATEHOUSE_PRIVACY_URL": "https://acme.example/privacy",
        "GATEHOUSE_AUDIT_KEY_FILE": "instance/audit.key",
        "GATEHOUSE_CHECKPOINT_DIR": "instance/checkpoints",
        "GOOGLE_CLIENT_ID": "pictures",
        "GOOGLE_CLIENT_SECRET": "pictures",
        "GITHUB_CLIENT_ID": "pictures",
        "GITHUB_CLIENT_SECRET": "pictures",
    }


@pytest.fixture(scope="module")
def command(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that runs ``gatehouse …`` beside the node, and returns their folder."""
    folder = tmp_path_factory.mktemp("acme")

    def command(*words: str) -> Path:
        if words:
            done = gatehouse(words, {"GATEHOUSE_ENV": "development"} | settings, folder)
            assert done.returncode == 0, done.stdout + done.stderr
        return folder

    return command


@pytest.fixture(scope="module")
def node(settings: dict[str, str], command: Callable[..., Path]) -> Iterator[Node]:
    with running_gatehouse(settings, directory=command("audit", "keygen")) as node:
        yield node


@pytest.fixture(scope="module")
def engine(node: Node) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{node.directory / 'instance/gatehouse.db'}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def administrator(chromium: Browser, node: Node, engine: Engine, command: Callable[..., Path]) -> Iterator[Page]:
    """The browser of an administrator among people, with something in the log."""
    context = chromium.new_context(locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(f"{node.base_url}/dashboard")
    page.get_by_role("link", name="development account").click()
    page.get_by_role("button", name="Ada Admin").click()
    expect(page).to_have_url(f"{node.base_url}/dashboard")
    _people(engine)
    # What is sealed can be verified; the worker seals about twice a second.
    while "is not sealed" in (answer := page.request.get(f"{node.base_url}/admin/audit-logs").text()):
        page.wait_for_timeout(500)
    assert "sealed" in answer
    command("audit", "verify")
    yield page
    context.close()


def _people(engine: Engine) -> None:
    """Let people have come in the course of a month, published notes, and a few be refused."""
    now = utc_now()
    with Session(engine) as db, db.begin():
        begin_immediately(db.connection())
        db.execute(update(User).values(role=Role.ADMIN, created_at=now - timedelta(days=400), role_confirmed_at=now))
        for number, (name, role) in enumerate(PEOPLE):
            address = f"{name.lower().replace(' ', '.')}@acme.example"
            person = User(name=name, email=address, role=role, is_active=name != "Lise Meitner", role_confirmed_at=now,
                          created_at=now - timedelta(days=100 + number * 30),
                          last_sign_in_at=now - timedelta(days=2 + 3 * number))  # fmt: skip
            db.add(person)
        db.flush()
        ids = db.scalars(select(User.id).order_by(User.id)).all()
        for day in range(28, 0, -1):
            with time_machine.travel(now - timedelta(days=day), tick=False):
                for number in range(1 + day * 5 % 7):
                    who = Actor(user_id=ids[number % len(ids)], ip=f"192.0.2.{10 + number}", kind="user")
                    record(AuditEvent.LOGIN_SUCCESS, resource=("user", who.user_id), session=db, actor=who)
                for _ in range(day % 9 // 6):
                    stranger = Actor(ip="198.51.100.23", user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/146.0")
                    record(AuditEvent.LOGIN_FAIL, reason="not_invited", session=db, actor=stranger)
        for number in range(5):
            who = Actor(user_id=ids[1 + number % 4], ip=f"192.0.2.{10 + number}", kind="user")
            record("note.published", resource=("note", 40 + number), session=db, actor=who)


def _sign_in(page: Page, node: Node) -> None:
    page.goto(f"{node.base_url}/auth/login")
    expect(page.get_by_role("link", name="Sign in with Google")).to_be_visible()


def _users(page: Page, node: Node) -> None:
    page.goto(f"{node.base_url}/users")
    page.get_by_role("button", name="Edit Joan Clarke").click()
    expect(page.get_by_label("Name of Joan Clarke")).to_be_focused()
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def _account(page: Page, node: Node) -> None:
    page.goto(f"{node.base_url}/account")
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()


def _audit_log(page: Page, node: Node) -> None:
    # Of all that happens meanwhile, what is always the same.
    address = f"{node.base_url}/admin/audit-logs?event=note.published"
    # Looking is an event too, and a checkpoint leaves about once a minute.
    awaited = ("Verified to event", "Every event is sealed.", "left the database")
    for _ in range(120):
        page.goto(address)
        if all(words in page.content() for words in awaited):
            break
        page.wait_for_timeout(1000)
    expect(page.get_by_text("left the database")).to_be_visible()


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture.

    :param come: how one comes to its page.
    :param signed_in: an administrator sees it; otherwise somebody who is not signed in.
    """

    come: Callable[[Page, Node], None]
    signed_in: bool = True
    height: int = HEIGHT


SCENES = {
    "sign-in": Scene(_sign_in, signed_in=False, height=500),
    "users": Scene(_users),
    "account": Scene(_account),
    "audit-log": Scene(_audit_log, height=900),
}


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_what_one_sees(
    name: str, node: Node, administrator: Page, new_browser: Callable[..., Page]
) -> None:
    scene = SCENES[name]
    page = administrator if scene.signed_in else new_browser(locale="en-GB", timezone_id="UTC")
    # A page with little on it stands there twice, one with much is cut in two.
    page.set_viewport_size({"width": WIDTH if scene.signed_in else WIDTH // 2, "height": scene.height})
    scene.come(page, node)
    picture, said = _both_schemes(page), _text(page)
    path = IMAGES / f"{name}.png"
    if TAKE:
        _keep(picture, said, path)
    with Image.open(path) as kept:
        kept.load()
        assert kept.info[SAID] == said, f"{path.name} shows a page that says something else now: make pictures"
        assert kept.size == picture.size
        assert _difference(kept.convert("RGB"), picture) < MOST_DIFFERENT, f"{path.name} looks different: make pictures"
    assert path.stat().st_size < 120_000


def _both_schemes(page: Page) -> Image.Image:
    """Return what is on the screen: in the light scheme on the left, in the dark one on the right."""
    shots = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        shots.append(Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB"))
    light, dark = shots
    both = Image.new("RGB", (WIDTH, light.height))
    both.paste(light, (0, 0))
    both.paste(dark.crop((dark.width - WIDTH // 2, 0, dark.width, dark.height)), (WIDTH // 2, 0))
    return both


def _text(page: Page) -> str:
    """Return what the page says, without what is different on each day."""
    text = VARYING.sub("…", page.locator("body").inner_text())
    return re.sub(r"(…\W*)+", "… ", re.sub(r"\s+", " ", text)).strip()


def _keep(picture: Image.Image, said: str, path: Path) -> None:
    information = PngImagePlugin.PngInfo()
    information.add_itxt(SAID, said)
    # 128 colours are enough for pages, and make a third of the size.
    small = picture.quantize(128, dither=Image.Dither.NONE)
    path.parent.mkdir(exist_ok=True)
    small.save(path, optimize=True, pnginfo=information)


def _difference(one: Image.Image, other: Image.Image) -> float:
    """Return how much two pictures differ where they do most, in parts of a hundredth of each side."""
    parts = [picture.convert("L").resize((24, 12), Image.Resampling.BOX) for picture in (one, other)]
    found = ImageStat.Stat(ImageChops.difference(*parts))
    return float(found.extrema[0][1])


def test_a_picture_that_shows_something_else_is_noticed() -> None:
    with Image.open(IMAGES / "users.png") as kept:
        kept.load()
        picture = kept.convert("RGB")
    without = picture.copy()
    without.paste(picture.getpixel((3, 300)), (0, 300, picture.width // 2, 420))
    assert _difference(picture, without) > MOST_DIFFERENT
    assert _difference(picture, picture) == 0
