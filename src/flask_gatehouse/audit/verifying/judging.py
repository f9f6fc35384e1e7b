"""What the reading of an epoch means: which kind of finding, and from where to where."""

from collections.abc import Iterator

from ..snapshot import Snapshot
from ..tree import TILE_WIDTH, hashes_in, join
from .epoch import Epoch
from .evidence import infer_kind
from .findings import Kind
from .held_against import KeptCheckpoint


def judge(epoch: Epoch, snapshot: Snapshot, later: Iterator[KeptCheckpoint], closed_by: int | None) -> None:
    """Report whatever is wrong with an epoch that has been read.

    :param later: the checkpoints of sizes that its tree has not.
    :param closed_by: the epoch with which a restore ended it, where a sealed event says at which size.
    """
    _judge_strangers(epoch)
    if epoch.report.findings.count == epoch.findings_before:
        _judge_tree(epoch, snapshot)
    if epoch.misfit is not None:
        _judge_misfit(epoch, snapshot, epoch.misfit)
    _judge_later(epoch, snapshot, list(later), closed_by)


def _judge_strangers(epoch: Epoch) -> None:
    sealed = {leaf for _, leaf, _ in epoch.strangers}
    for position, _, found in epoch.strangers:
        if found in sealed:
            sentence = "The event that stands here was sealed at another position."
            epoch.add(Kind.REORDERED, position, position, sentence)
        else:
            sentence = "The event that stands here is not the one that was sealed."
            epoch.add(Kind.EDITED, position, position, sentence)


def _judge_tree(epoch: Epoch, snapshot: Snapshot) -> None:
    """Hold the tree that has grown from the leaves against its row and its tiles, where each event fits its leaf."""
    tree, grown, root = epoch.tree, epoch.grown, epoch.root
    if root is None or epoch.rest is None:
        epoch.add(Kind.DELETED, 0, max(tree.cut - 1, 0), "Tiles are gone that stood for what left by retention.")
        return
    frontier = grown.subtrees(epoch.rest)
    if root == tree.root and b"".join(frontier) == tree.frontier:
        for index in grown.altered:
            sentence = (
                "The events are those that were sealed, and the tile that stands for them was altered or deleted."
            )
            epoch.add(Kind.EDITED, index * TILE_WIDTH, (index + 1) * TILE_WIDTH - 1, sentence)
        for first, last in grown.altered_above:
            epoch.add(Kind.EDITED, first, last, "The higher tile that stands for these events was altered or deleted.")
        return
    first, last = _suspected(epoch, frontier)
    if root == tree.root or (not grown.altered and join(hashes_in(tree.frontier)) == root):
        epoch.add(Kind.EDITED, first, last, "The events are those that were sealed, and the tree's row was altered.")
        return
    evidence = infer_kind(snapshot, tree.epoch, first, last)
    epoch.add(evidence.kind, first, last, f"The leaves are not those of the tree that is stored: {evidence.sentence}.")


def _suspected(epoch: Epoch, frontier: tuple[bytes, ...]) -> tuple[int, int]:
    """Return the positions below the tiles and subtrees that are not the stored ones."""
    whole, last = epoch.end // TILE_WIDTH * TILE_WIDTH, max(epoch.end - 1, 0)
    altered = epoch.grown.altered
    rest = len(epoch.rest or ())
    if altered and (not rest or hashes_in(epoch.tree.frontier)[-rest:] == list(frontier[-rest:])):
        return altered[0] * TILE_WIDTH, (altered[-1] + 1) * TILE_WIDTH - 1
    return (altered[0] * TILE_WIDTH if altered else min(whole, last)), last


def _judge_misfit(epoch: Epoch, snapshot: Snapshot, misfit: KeptCheckpoint) -> None:
    first, last = epoch.range.vouched, misfit.size - 1
    evidence = infer_kind(snapshot, epoch.tree.epoch, first, last)
    fitting = f"the one of {first:,} events is the last that does" if first else "none before it does"
    epoch.add(
        *(evidence.kind, first, last),
        f"{misfit.source}, of {misfit.size:,} events, does not fit, and {fitting}. That something was changed between"
        f" the two is certain; of what kind it is, is inferred: {evidence.sentence}.",
    )


def _judge_later(epoch: Epoch, snapshot: Snapshot, later: list[KeptCheckpoint], closed_by: int | None) -> None:
    """Judge checkpoints of more events than there are."""
    if not later:
        return
    newest, number = later[-1], epoch.tree.epoch
    if newest.origin != epoch.tree.origin:
        sentence = f"{newest.source} is of {newest.origin}, and this is {epoch.tree.origin}."
        epoch.add(Kind.WRONG_EPOCH, 0, max(epoch.end - 1, 0), sentence)
    elif closed_by is not None:
        epoch.report.notices.append(
            f"Events {epoch.end:,} to {newest.size - 1:,} of epoch {number} were {lost_by(closed_by)}"
        )
    elif epoch.tree.size <= epoch.end:
        remembers = any(not one.outside for one in later) or remembers_more(snapshot)
        kind = Kind.TRUNCATED if remembers else Kind.ROLLED_BACK
        memory = (
            "and the database remembers that there was more" if remembers else "of which the database knows nothing"
        )
        epoch.add(kind, epoch.end, newest.size - 1, f"{newest.source} is of {newest.size:,} events, {memory}.")


def lost_by(epoch: int) -> str:
    """Return the end of a sentence about what is not there any more since the restore with which an epoch began."""
    return (
        f"lost by the restore that was recorded at the beginning of epoch {epoch}. If nobody restored a backup then,"
        " somebody put an older copy in the place of the database."
    )


def remembers_more(snapshot: Snapshot) -> bool:
    """Return whether the database has given out ids, or passed them, that no event bears."""
    highest = snapshot.number("SELECT max(id) FROM gatehouse_audit_events")
    passed = snapshot.number("SELECT max(watermark) FROM gatehouse_audit_trees")
    return max(snapshot.highest_id_given(), passed) > highest
