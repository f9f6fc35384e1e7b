"""What applications compile at their start, compiled once in a process, not once in each of a thousand of tests."""

from collections.abc import Callable
from types import CodeType
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Dialect, Engine
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule


def compile_once() -> None:
    """Let all applications of this process have what one of them has compiled."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates()}
    _share_addresses()
    _share_statements()


class _Templates(BytecodeCache):
    """Code by what it was made from: the file, its text, and what an environment lets the compiler decide."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get(_made_from(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._known[_made_from(bucket)] = bucket.code


def _made_from(bucket: Bucket) -> tuple[Any, ...]:
    environment = bucket.environment
    escapes = environment.autoescape
    syntax = (environment.block_start_string, environment.variable_start_string, environment.trim_blocks)
    return (
        bucket.key,
        bucket.checksum,
        *syntax,
        *sorted(environment.extensions),
        escapes if isinstance(escapes, bool) else None,
    )


def _share_addresses() -> None:
    """Share the function that makes an address of a rule's parts, which takes a quarter of an application's start."""
    compile_builder: Callable[[Rule, bool], Any] = Rule._compile_builder
    known: dict[tuple[Any, ...], Any] = {}

    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            # Their values become part of the code, in whatever way a converter writes them.
            return compile_builder(rule, append_unknown)
        made_from = (rule.rule, append_unknown, *rule._trace)
        if made_from not in known:
            known[made_from] = compile_builder(rule, append_unknown)
        return known[made_from]

    Rule._compile_builder = compiled  # type: ignore[method-assign, assignment]


class _Statements(LRUCache[Any, Any]):
    """SQL by its statement and by how a dialect is set up, not by which engine's dialect it is."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((_set_up(key[0]), *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__((_set_up(key[0]), *key[1:]), value)


# Names of flags are unique, so that sorting never compares two values.
_TOLD = (str, int, bool, tuple, type(None))


def _set_up(dialect: Dialect) -> tuple[Any, ...]:
    """Return the kind of a dialect, and all that it was told or has found out about its server."""
    told = [(name, value) for name, value in vars(dialect).items() if isinstance(value, _TOLD) or callable(value)]
    return (type(dialect), *sorted(told))


def _share_statements() -> None:
    statements = _Statements(5000)

    def found(engine: Engine) -> _Statements | None:
        known: _Statements | None = vars(engine)["_compiled_cache"]
        return known

    def made(engine: Engine, cache: object) -> None:
        vars(engine)["_compiled_cache"] = None if cache is None else statements

    Engine._compiled_cache = property(found, made)  # type: ignore[assignment]
