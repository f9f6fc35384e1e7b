"""The verification of the whole trail: everything that is stored is computed again, and held against checkpoints.

It reads one snapshot from the first event to the last, and keeps of it no more than what a later event may explain.
"""

from collections import deque
from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import Engine

from ..origins import log_of
from ..snapshot import Snapshot, snapshot
from .across import Across
from .continuing import check_rows, is_continued
from .epoch import Advance, Epoch, Tree
from .findings import Finding, Kind
from .held_against import Held, KeptCheckpoint, Queue
from .judging import judge, lost_by, remembers_more
from .report import Report


def verify(engine: Engine, held: Held, advance: Advance = lambda events: None) -> Report:
    """Verify the trail of a database.

    :param held: what to hold it against; made before this is called.
    :param advance: is told how many more events have been read.
    """
    with snapshot(engine) as now:
        return _Verification(now, held).report(advance)


def count_sealed(engine: Engine) -> int:
    """Return about how many events there are to verify, for whoever shows how far it is.

    :raises SchemaMissing: if there is no trail at all.
    """
    with snapshot(engine) as now:
        return now.number("SELECT sum(size - cut) FROM gatehouse_audit_trees")


class _Verification:
    def __init__(self, now: Snapshot, held: Held) -> None:
        self._now = now
        self._held = held
        self._report = Report()
        self._across = Across(now, self._report)
        # The epoch that goes on from a restore of the one that was read last, as a sealed event says.
        self._goes_on: Tree | None = None

    def report(self, advance: Advance) -> Report:
        report, queue = self._report, Queue(self._held.checkpoints(self._now))
        trees = check_rows([Tree(*row) for row in self._now.trees()], report)
        for tree, following in zip(trees, [*trees[1:], None], strict=False):
            self._judge_strays(queue.until(tree.epoch - 1), trees)
            self._verify(tree, following, queue, advance)
        self._judge_strays(queue.rest(), trees)
        self._across.judge(trees)
        report.doubts += self._held.doubts
        report.checkpoints, report.outside = self._held.count, self._held.outside
        report.newest_outside = self._held.newest
        return report

    def _verify(self, tree: Tree, following: Tree | None, queue: Queue, advance: Advance) -> None:
        epoch = Epoch(self._now, tree, self._report)
        for stretch in epoch.stretches(queue, advance):
            self._across.take(stretch)
        is_closed = following is not None and is_continued(self._now, epoch, following)
        self._goes_on = following if is_closed else None
        closed_by = following.epoch if following is not None and is_closed else None
        judge(epoch, self._now, queue.until(tree.epoch), closed_by)
        self._across.leave(epoch)

    def _judge_strays(self, strays: Iterator[KeptCheckpoint], trees: list[Tree]) -> None:
        """Judge checkpoints of epochs that are not there."""
        for epoch, group in groupby(strays, key=lambda one: one.epoch):
            newest = deque(group, maxlen=1)[0]
            if self._goes_on is not None and log_of(newest.origin) == log_of(self._goes_on.origin):
                lost = lost_by(self._goes_on.epoch)
                self._report.notices.append(f"Epoch {epoch}, of {newest.size:,} events, was {lost}")
                continue
            kind = Kind.WRONG_EPOCH
            sentence = f"{newest.source} is of {newest.origin}, and the database knows no such epoch."
            if not trees:
                kind = Kind.TRUNCATED if remembers_more(self._now) or not newest.outside else Kind.ROLLED_BACK
                sentence = f"{newest.source} is of {newest.size:,} events, and the database holds no tree at all."
            self._add(kind, epoch, 0, max(newest.size - 1, 0), sentence)

    def _add(self, kind: Kind, epoch: int, first: int, last: int, sentence: str) -> None:
        self._report.findings.add(Finding(kind, epoch, first, last, sentence))
