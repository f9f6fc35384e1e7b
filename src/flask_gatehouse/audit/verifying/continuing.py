"""How one epoch continues another: what the rows of the trees say, and the event with which a restore begins."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..content import Disagreement, UnknownVersion, content_of
from ..events import AuditEvent
from ..origins import log_of, origin_of
from ..snapshot import Snapshot, is_hash
from ..tree import HASH_LENGTH, TILE_WIDTH, leaf_hash
from .epoch import Epoch, Tree
from .findings import Finding, Findings, Kind
from .report import Report

_NOTHING = Tree(0, "", 0, b"", b"", 0, 0)


def check_rows(trees: Sequence[Tree], report: Report) -> list[Tree]:
    """Report rows that cannot be those of this trail's epochs, and return the trees as far as they can be read.

    :returns: the same, without a cut that could not be one, and with a size that is none below it.
    """
    trees = [_typed(tree, report) for tree in trees]
    for number, tree in enumerate(trees):
        # Numbers between two others may be those of epochs that a restore has left behind, which its event tells.
        if number == 0 and tree.epoch != 1:
            _add(report.findings, tree, "Epoch 1 is missing.")
        elif tree.origin != origin_of(log_of(tree.origin), tree.epoch):
            _add(report.findings, tree, f"Its tree is that of {tree.origin}.")
        elif _name_of(tree) != _name_of(trees[0]):
            _add(report.findings, tree, f"{tree.origin} is another log than {trees[0].origin}.")
    return [_readable(tree, report) for tree in trees]


def _typed(tree: Tree, report: Report) -> Tree:
    """Return a row whose columns hold what they are for: SQLite would hold anything, and reading it would break off."""
    pairs = zip(tree, _NOTHING, strict=True)
    readable = Tree._make(value if isinstance(value, type(nothing)) else nothing for value, nothing in pairs)
    if readable != tree:
        _add_impossible(readable, report)
    return readable


def _add_impossible(tree: Tree, report: Report) -> None:
    sentence = "What the tree's row says of itself is not possible: it was altered."
    report.findings.add(Finding(Kind.EDITED, tree.epoch, 0, max(tree.size - 1, 0), sentence))


def _name_of(tree: Tree) -> str:
    """Return what a log is called whichever host it was made at: an application may move."""
    return log_of(tree.origin).rpartition("/")[2]


def _add(findings: Findings, tree: Tree, sentence: str) -> None:
    findings.add(Finding(Kind.WRONG_EPOCH, tree.epoch, 0, max(tree.size - 1, 0), sentence))


def _readable(tree: Tree, report: Report) -> Tree:
    if tree.size < 0 or not is_hash(tree.root) or len(tree.frontier) != tree.size.bit_count() * HASH_LENGTH:
        _add_impossible(tree, report)
    if 0 <= tree.cut <= tree.size and tree.cut % TILE_WIDTH == 0:
        return tree
    sentence = "The tree's row says that events have left up to a position where none can be cut."
    report.findings.add(Finding(Kind.EDITED, tree.epoch, 0, max(tree.size - 1, 0), sentence))
    return tree._replace(cut=0)


def is_continued(now: Snapshot, epoch: Epoch, following: Tree) -> bool:
    """Return whether the following epoch holds the restore that ended this one; report it where that is not so."""
    report, tree = epoch.report, epoch.tree
    is_next = following.epoch == tree.epoch + 1
    if following.size == 0 and is_next:
        report.notices.append(f"Epoch {following.epoch} is not sealed yet, so that nothing says how it began.")
        return False
    if following.cut and is_next:
        report.notices.append(f"The beginning of epoch {following.epoch} has left by retention.")
        return True
    root = None if epoch.root is None else epoch.root.hex()
    expected = {"epoch": tree.epoch, "size": tree.size, "root": root, "begins": following.epoch}
    if expected in _restores(now, following):
        return True
    sentence = (
        f"It does not say that it goes on from a restore of epoch {tree.epoch} as it is, with {tree.size:,} events."
    )
    _add(report.findings, following, sentence)
    return False


def _restores(now: Snapshot, tree: Tree) -> Iterator[dict[str, Any]]:
    """Yield what the first restore in a tree says. Events that the backup had not sealed may stand before it.

    Of a tree whose beginning has left by retention, it is what was said again of restores since then.
    """
    event, epoch = AuditEvent.RESTORED.value, tree.epoch
    for body, leaf in now.all(_SAID_AGAIN, event, epoch) if tree.cut else now.all(_FIRST, event, epoch):
        try:
            details = content_of(body)["details"] if leaf_hash(body.encode()) == leaf else {}
        except (AttributeError, Disagreement, UnicodeEncodeError, UnknownVersion):
            # Where SQLite holds what is no text, the stretch tells of it.
            continue
        said = {name: details.get(name) for name in ("epoch", "size", "root")}
        # The first restores did not say it, and there were none that passed over a number.
        yield said | {"begins": details.get("begins", tree.epoch)}


_SAID_AGAIN = (
    "SELECT e.body, l.hash FROM gatehouse_audit_leaves l JOIN gatehouse_audit_events e ON e.id = l.event_id"
    " WHERE e.event = ? AND l.epoch >= ? ORDER BY l.epoch, l.position"
)
_FIRST = f"{_SAID_AGAIN.replace('>=', '=')} LIMIT 1"
