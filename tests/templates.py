"""Templates that are compiled once in a process, not once in each of a thousand applications of tests."""

from types import CodeType
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache


class _Compiled(BytecodeCache):
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


def compile_once() -> None:
    """Let all applications of this process have what one of them has compiled."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Compiled()}
