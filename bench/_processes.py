"""What the processes of a server have used, as Linux itself counts."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Used:
    """One process.

    :param busy: seconds of processor time since it began.
    :param own: megabytes that it shares with nobody.
    """

    pid: int
    busy: float
    own: float


def processes_of(session: int) -> Iterator[Used]:
    """Yield the processes of a session: a server that was started apart, and its workers."""
    for folder in Path("/proc").iterdir():
        try:
            # After the name in parentheses, which may hold anything: state, parent, group, session, …
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if not folder.name.isdigit() or int(fields[3]) != session:
                continue
            held = re.findall(r"Private_[A-Za-z]+: +([0-9]+)", (folder / "smaps_rollup").read_text())
        except (OSError, ValueError, IndexError):
            # It has ended meanwhile.
            continue
        yield Used(int(folder.name), (int(fields[11]) + int(fields[12])) / _TICK, sum(map(int, held)) / 1000)


def busy(session: int) -> float:
    """Return the seconds of processor time that all processes of a session have taken."""
    return sum(process.busy for process in processes_of(session))
