"""Sentences and their translations: ``extract`` after a sentence has changed, ``compile`` before they are used."""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src/flask_gatehouse"
TEMPLATE = PACKAGE / "translations/gatehouse.pot"
LANGUAGES = ("de",)
_METHODS = [("web/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
_KEYWORDS = {
    "_": None,
    "text": None,
    "marked": None,
    "gatehouse_text": None,
    "plural": (1, 2),
    "forms": (1, 2),
    "gatehouse_plural": (1, 2),
}


def extract() -> Catalog:
    """Return every sentence of the pages, in the order of their alphabet, without the places where they stand."""
    catalog = Catalog(project="Flask-Gatehouse", fuzzy=False, charset="utf-8")
    for _, _, message, _, _ in extract_from_dir(PACKAGE, method_map=_METHODS, keywords=_KEYWORDS):
        if message:
            catalog.add(message)
    return catalog


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as text without the time at which it was written, so that nothing changes by itself."""
    buffer = BytesIO()
    write_po(buffer, catalog, omit_header=True, width=110, sort_output=True)
    return HEADER + buffer.getvalue()


HEADER = b"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def po_file(language: str) -> Path:
    return PACKAGE / f"translations/{language}/LC_MESSAGES/gatehouse.po"


def read(language: str) -> Catalog:
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language)


def update() -> None:
    """Write the template, and give every language the sentences that are new; those that have gone are dropped."""
    template = extract()
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(written(template))
    for language in LANGUAGES:
        path = po_file(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog = read(language) if path.exists() else Catalog(locale=language)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        for message in catalog:
            # Without guesses there is nothing to look over; what is new is empty, which a test finds.
            message.flags.discard("fuzzy")
        path.write_bytes(written(catalog))


def compile_all() -> None:
    """Write the files that programs read, beside those that people write."""
    for language in LANGUAGES:
        with po_file(language).with_suffix(".mo").open("wb") as file:
            write_mo(file, read(language))


if __name__ == "__main__":
    {"extract": update, "compile": compile_all}[sys.argv[1]]()
