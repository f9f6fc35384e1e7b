"""Bars for what takes long, where somebody is watching; nothing where a program is."""

import sys
from types import TracebackType

import click


def bar(label: str, length: int) -> "click._termui_impl.ProgressBar[int]":
    """Return one bar, on the error stream, so that the output can be read by a program.

    :param length: how many steps there are.
    """
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())


class Steps:
    """One bar after the other, where what is done comes in parts."""

    def __init__(self) -> None:
        self._label = ""
        self._bar: click._termui_impl.ProgressBar[int] | None = None

    def __enter__(self) -> "Steps":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._finish()

    def tell(self, label: str, done: int, total: int) -> None:
        """Show how far something is."""
        if not sys.stderr.isatty():
            return
        if label != self._label:
            self._finish()
            self._label = label
            self._bar = bar(label, max(total, 1))
            self._bar.render_progress()
        if self._bar is not None:
            self._bar.length = max(total, 1)
            self._bar.update(done - self._bar.pos)

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.update(max(0, (self._bar.length or 0) - self._bar.pos))
            self._bar.render_finish()
        self._label, self._bar = "", None
