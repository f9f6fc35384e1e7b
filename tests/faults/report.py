"""What the run of ``tests/faults`` has shown, as a table at its end: which fault, what held, how long it took.

A plugin and no ``conftest``: where several processes share a run, the one that prints collects no folder.
"""

from collections.abc import Callable

import pytest
from _pytest.terminal import TerminalReporter

SHOWN = "gatehouse_fault"
Shows = Callable[[str, str], None]


@pytest.fixture
def shows(record_property: Callable[[str, object], None]) -> Shows:
    """Tell which fault a test makes and what it has seen to hold; said at its end, since a failure says nothing."""

    def tell(fault: str, held: str) -> None:
        record_property(SHOWN, (fault, held))

    return tell


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    rows = [
        (*row, f"{report.duration:.1f} s")
        for report in terminalreporter.stats.get("passed", [])
        for name, row in report.user_properties
        if name == SHOWN
    ]
    if not rows:
        return
    terminalreporter.section("faults")
    table = [("fault", "what held", "time"), *sorted(rows)]
    widths = [max(len(row[column]) for row in table) for column in range(2)]
    for fault, held, time in table:
        terminalreporter.write_line(f"{fault:{widths[0]}}  {held:{widths[1]}}  {time:>7}")
