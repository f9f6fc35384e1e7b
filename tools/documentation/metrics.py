"""Every metric, from the table that makes them."""

from flask_gatehouse.web.measures import MEASURES

from .markdown import code, codes, table


def text() -> str:
    rows = [(code(one.name), one.kind.value, codes(one.labels), one.about) for one in MEASURES]
    return table(("metric", "kind", "labels", "says"), rows)
