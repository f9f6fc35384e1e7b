"""The accessibility statement's table of contrasts, computed again from the style sheet."""

import json
import re

from tests.architecture.source import PACKAGE, ROOT

COLOUR = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\);")
ROW = re.compile(r"^\| ([a-z-]+) \| ([a-z-]+) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rgb`` or ``#rrggbb``, as WCAG 2.2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    red, green, blue = (_linear(int(digits[place : place + 2], 16) / 255) for place in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_contrasts_are_those_of_the_style_sheet() -> None:
    sheet = (PACKAGE / "static/gatehouse/gatehouse.css").read_text(encoding="utf-8")
    colours = {name: (light, dark) for name, light, dark in COLOUR.findall(sheet)}
    page = (ROOT / "docs/explanation/accessibility.md").read_text(encoding="utf-8")
    rows = ROW.findall(page)
    assert len(rows) > 10
    for front, behind, *said in rows:
        measured = [contrast(one, other) for one, other in zip(colours[front], colours[behind], strict=True)]
        assert [f"{value:.1f}" for value in measured] == said, (front, behind)
        # Around what one operates 3 to 1 is enough (1.4.11); everything else here is text.
        assert min(measured) >= (3 if front == "control-line" else 7), (front, behind)
    told = {front for front, *_ in rows}
    of_text = {
        name for name in colours if name in {"text", "muted"} or name.startswith("on-") or f"{name}-tint" in colours
    }
    assert of_text <= told


def test_the_formula_is_the_one_of_the_guidelines() -> None:
    assert contrast("#000", "#fff") == 21
    assert round(contrast("#777", "#fff"), 2) == 4.48


def test_the_statement_names_the_axe_that_measures() -> None:
    page = (ROOT / "docs/explanation/accessibility.md").read_text(encoding="utf-8")
    version = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]["axe-core"]
    assert f"axe-core {version.rpartition('.')[0]}," in page
