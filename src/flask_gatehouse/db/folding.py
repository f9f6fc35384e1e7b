"""Addresses in a statement, compared as they are everywhere else."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class case_folded(FunctionElement[str]):  # noqa: N801 - reads as the SQL function it is
    """A column's addresses in the form in which they are compared: see ``kernel.text.case_folded_address``."""

    type = String()
    inherit_cache = True


@compiles(case_folded)
def _in_byte_order(element: case_folded, compiler: SQLCompiler, **kw: Any) -> str:
    # In the collation of most databases lower() takes every letter along, and finds an address that is another.
    return f'lower({compiler.process(element.clauses, **kw)} COLLATE "C")'


@compiles(case_folded, "sqlite")
def _of_ascii(element: case_folded, compiler: SQLCompiler, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"
