"""The JSON side for readers: the very document of ``/openapi.json``, request by request."""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sphinx.application import Sphinx

from flask_gatehouse.app import create_app
from flask_gatehouse.testing import configuration
from flask_gatehouse.web.openapi import openapi

from .markdown import code, codes, table

_MAIN = "application/json"


@cache
def document() -> dict[str, Any]:
    """Return the document as the standalone application answers it."""
    with TemporaryDirectory() as folder:
        app = create_app(configuration(Path(folder)) | {"GATEHOUSE_BASE_URL": "http://localhost:5000"})
        with app.test_request_context():
            answer = app.make_response(openapi())
    found: dict[str, Any] = json.loads(answer.get_data())
    return found


def text() -> str:
    said = [
        _described(path, method, operation)
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    ]
    schemas = [_schema(name, schema) for name, schema in document()["components"]["schemas"].items()]
    return "\n".join(["## Requests", *said, "## Schemas", *schemas])


def write_beside(app: Sphinx, error: Exception | None) -> None:
    """Put the document itself beside its page, for programs that make clients of it."""
    if error is None and app.builder.format == "html":
        place = Path(app.outdir) / "reference/openapi.json"
        place.write_text(json.dumps(document(), indent=1), encoding="utf-8")


def _described(path: str, method: str, operation: dict[str, Any]) -> str:
    lines = [f"### `{method.upper()} {path}`", operation["summary"].replace("``", "`") + "."]
    sent = [*_parameters(operation["parameters"]), *_body(operation.get("requestBody"))]
    if sent:
        lines.append(table(("what is sent", "where", "is"), sent))
    answers = [f"{_status(status)}: {_answer(answer)}" for status, answer in operation["responses"].items()]
    lines.append("Answers " + "; ".join(one for one in answers if not one.startswith("-")) + ".")
    refused = [status for status, answer in operation["responses"].items() if "$ref" in answer]
    said = f"Refused with {', '.join(refused)}." if refused else ""
    asks = {"always": "Needs a fresh confirmation.", "sometimes": "May need a fresh confirmation."}
    lines.append(" ".join(part for part in (said, asks.get(operation.get("x-confirmation", ""))) if part))
    return "\n\n".join(line for line in lines if line) + "\n"


def _parameters(parameters: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for one in parameters:
        # The token stands at the beginning of the page, for all changes.
        if one["in"] != "header":
            where = {"path": "in the path", "query": "in the query"}[one["in"]]
            needed = ", needed" if one["required"] and one["in"] == "query" else ""
            yield code(one["name"]), where + needed, _words(one["schema"])


def _body(body: dict[str, Any] | None) -> Iterator[tuple[str, str, str]]:
    if body is None:
        return
    schema = body["content"][_MAIN]["schema"]
    for number, choice in enumerate(schema.get("anyOf", [schema])):
        for name, of in choice.get("properties", {}).items():
            needed = ", needed" if name in choice.get("required", ()) else ""
            yield code(name), ("in the body" if not number else "or in the body") + needed, _words(of)


def _status(status: str) -> str:
    return f"{status} {HTTPStatus(int(status)).phrase}"


def _answer(answer: dict[str, Any]) -> str:
    if "$ref" in answer:
        return "-"
    content = answer.get("content", {}).get(_MAIN)
    return "an empty body" if content is None else _words(content["schema"])


def _schema(name: str, schema: dict[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = [
        (code(field), _words(of), "" if field in needed else "not always there")
        for field, of in schema["properties"].items()
    ]
    return f"### {name}\n\n" + table(("field", "is", ""), rows)


def _words(schema: dict[str, Any]) -> str:
    """Return in words what a value is."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return " or ".join(code(value) if value != "" else "nothing" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_words(choice) for choice in schema["anyOf"])
    if "const" in schema:
        return code(schema["const"]) or "nothing"
    kinds = schema.get("type", "string")
    found = [_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " or ".join(found)


def _kind(kind: str, schema: dict[str, Any]) -> str:
    if kind == "array":
        return f"a list, each {_words(schema['items'])}" if "items" in schema else "a list"
    if kind == "object":
        return f"an object with {codes(schema['properties'])}" if schema.get("properties") else "an object"
    names = {"string": "text", "integer": "a number", "boolean": "true or false", "null": "null"}
    formats = {
        "date-time": "a moment",
        "email": "an address",
        "uuid": "a UUID",
        "ipv4": "an IPv4 address",
        "ipv6": "an IPv6 address",
        "uri-reference": "a URI",
    }
    return formats.get(schema.get("format", ""), names[kind]) if kind == "string" else names[kind]
