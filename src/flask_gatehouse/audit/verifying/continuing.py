"""How one epoch continues another: what the rows of the trees say, and the event with which a restore begins."""

from collections.abc import Sequence
from typing import Any

from ..events import AuditEvent
from ..snapshot import Snapshot, is_hash
from ..tree import HASH_LENGTH, TILE_WIDTH, leaf_hash
from .agreement import Disagreement, UnknownVersion, content_of
from .epoch import Epoch, Tree
from .findings import Finding, Findings, Kind
from .report import Report


def check_rows(trees: Sequence[Tree], report: Report) -> list[Tree]:
    """Report rows that cannot be those of this trail's epochs, and return the trees as far as they can be read.

    :returns: the same, without a cut that could not be one, and with a size that is none below it.
    """
    for expected, tree in enumerate(trees, 1):
        if tree.epoch != expected:
            _add(report.findings, tree, f"Epoch {expected} is missing.")
        elif tree.origin.rpartition("/")[2] != str(tree.epoch):
            _add(report.findings, tree, f"Its tree is that of {tree.origin}.")
        elif _log_of(tree) != _log_of(trees[0]):
            _add(report.findings, tree, f"{tree.origin} is another log than {trees[0].origin}.")
    return [_readable(tree, report) for tree in trees]


def _log_of(tree: Tree) -> str:
    return tree.origin.rpartition("/")[0].rpartition("/")[2]


def _add(findings: Findings, tree: Tree, sentence: str) -> None:
    findings.add(Finding(Kind.WRONG_EPOCH, tree.epoch, 0, max(tree.size - 1, 0), sentence))


def _readable(tree: Tree, report: Report) -> Tree:
    if tree.size < 0 or not is_hash(tree.root) or len(tree.frontier) != tree.size.bit_count() * HASH_LENGTH:
        sentence = "What the tree's row says of itself is not possible: it was altered."
        report.findings.add(Finding(Kind.EDITED, tree.epoch, 0, max(tree.size - 1, 0), sentence))
    if 0 <= tree.cut <= tree.size and tree.cut % TILE_WIDTH == 0:
        return tree
    sentence = "The tree's row says that events have left up to a position where none can be cut."
    report.findings.add(Finding(Kind.EDITED, tree.epoch, 0, max(tree.size - 1, 0), sentence))
    return tree._replace(cut=0)


def is_continued(now: Snapshot, epoch: Epoch, following: Tree) -> bool:
    """Return whether the following epoch holds the restore that ended this one; report it where that is not so."""
    report, tree = epoch.report, epoch.tree
    if following.size == 0:
        report.notices.append(f"Epoch {following.epoch} is not sealed yet, so that nothing says how it began.")
        return False
    if following.cut:
        report.notices.append(f"The beginning of epoch {following.epoch} has left by retention.")
        return True
    expected = {"epoch": tree.epoch, "size": tree.size, "root": None if epoch.root is None else epoch.root.hex()}
    if _restored_from(now, following) == expected:
        return True
    sentence = (
        f"It does not say that it goes on from a restore of epoch {tree.epoch} as it is, with {tree.size:,} events."
    )
    _add(report.findings, following, sentence)
    return False


def _restored_from(now: Snapshot, tree: Tree) -> dict[str, Any] | None:
    """Return what the first restore in a tree says. Events that the backup had not sealed may stand before it."""
    for body, leaf in now.all(
        "SELECT e.body, l.hash FROM gatehouse_audit_leaves l JOIN gatehouse_audit_events e ON e.id = l.event_id"
        " WHERE e.event = ? AND l.epoch = ? ORDER BY l.position LIMIT 1",
        *(AuditEvent.RESTORED.value, tree.epoch),
    ):
        try:
            details = content_of(body)["details"] if leaf_hash(body.encode()) == leaf else {}
        except (Disagreement, UnknownVersion):
            return None
        return {name: details.get(name) for name in ("epoch", "size", "root")}
    return None
