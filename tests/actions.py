"""What can be done on a page: each form and each button of it, with its address and with what it sends along."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_BY_HTMX = ("hx-get", "hx-post", "hx-put", "hx-delete")
Attributes = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Action:
    """One of them.

    :param fields: the hidden fields of its form.
    """

    method: str
    address: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Form:
    said: Attributes
    hidden: list[tuple[str, str]] = field(default_factory=list)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        # Each with the form around it or, where it names another, that one's id.
        self.buttons: list[tuple[Attributes, _Form | str | None]] = []
        self._form: _Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form":
            self._form = _Form(said)
            self.forms.append(self._form)
        if self._form is not None and tag == "input" and said.get("type") == "hidden":
            self._form.hidden.append((said.get("name") or "", said.get("value") or ""))
        self.buttons.append((said, said.get("form") or self._form))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


def actions_of(html: str, page: str) -> list[Action]:
    """Return what can be done on a page.

    :param page: its address, to which a form without one of its own is sent.
    """
    parser = _Page()
    parser.feed(html)
    by_id = {form.said.get("id"): form for form in parser.forms}
    # One without an address whose buttons stand elsewhere is sent to theirs alone.
    lent = {around for _said, around in parser.buttons if isinstance(around, str)}
    alone = [form for form in parser.forms if form.said.get("action") or form.said.get("id") not in lent]
    found = [_sent_by(form, form.said.get("action") or page) for form in alone]
    for said, around in parser.buttons:
        form = by_id[around] if isinstance(around, str) and around in by_id else around
        if isinstance(form, _Form) and said.get("formaction"):
            found.append(_sent_by(form, said["formaction"] or ""))
        fields = tuple(form.hidden) if isinstance(form, _Form) else ()
        found += [Action(name[3:].upper(), said[name] or "", fields) for name in _BY_HTMX if name in said]
    # A dialog sends its answer to the page alone.
    return [one for one in found if one.method != "DIALOG"]


def _sent_by(form: _Form, address: str) -> Action:
    return Action((form.said.get("method") or "get").upper(), address.partition("#")[0], tuple(form.hidden))
