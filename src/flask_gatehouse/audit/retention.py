"""Letting old events leave by whole tiles of the tree, so that the rest still verifies.

What stays of them are the tiles, and an event that says which range has left, over which subtrees, into which file.
Tiles have 256 leaves: the last ones of an epoch that has ended stay, as there is no tile above them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, exists, func, select
from sqlalchemy.orm import Session

from ..kernel.context import SYSTEM
from .agreement import Row
from .erasure import take_turn
from .errors import CutNotAllowed
from .events import AuditEvent, Upkeep
from .exporting.sections import Section, sections
from .models import AuditEventRow, AuditLeaf, AuditTree
from .note_keys import VerifierKey
from .notes import Checkpoint
from .service import record
from .snapshot import STRETCH, Snapshot
from .stored import stored_tree
from .tree import TILE_WIDTH
from .understanding import understood
from .verifying.stretch import read_stretch, subjects_of, unknown_before
from .verifying.unknown import Unknown

# So many leave at once: on SQLite they take the one write lock for a tenth of a second.
MOST = STRETCH

_IN_RANGE = (
    AuditLeaf.epoch == bindparam("of_epoch"),
    AuditLeaf.position >= bindparam("first"),
    AuditLeaf.position < bindparam("to"),
)
_EVENTS = select(AuditLeaf.event_id).where(*_IN_RANGE)


class Leaving(NamedTuple):
    """A range of events that can leave: the first ones that are there, up to and without ``to``.

    :param erasures: the newest erasure that whoever archives the range has seen.
    """

    section: Section
    to: int
    erasures: int


def find_leaving(
    trail: Snapshot, keys: Sequence[VerifierKey], outside: Sequence[Checkpoint], before: str
) -> Leaving | None:
    """Return the oldest events that are old enough, as many as leave at once; None if there are no 256 of them.

    :param keys: that sign checkpoints. With any, no event leaves that a checkpoint does not hold.
    :param outside: checkpoints that are kept elsewhere. What they have not reached stays: whoever signs the next one
        has to show that it continues them.
    :param before: the moment, as the trail writes moments.
    :raises CutNotAllowed: if there are any, and the database would let nobody of our role delete them.
    """
    erasures = trail.number("SELECT max(id) FROM gatehouse_audit_events WHERE event = ?", _ERASED)
    for section, is_newest in _in_order(trail, keys):
        limit = min([section.size, *(one.size for one in outside if one.origin == section.origin)])
        if section.first >= section.end // TILE_WIDTH * TILE_WIDTH:
            continue
        if is_newest and keys and section.note is None:
            return None
        to = _old_enough(trail, section, limit, before)
        if to > section.first and not _may_delete(trail):
            raise CutNotAllowed
        # In their order: what a later epoch says may be the explanation of something in this one.
        return Leaving(section, to, erasures) if to > section.first else None
    return None


def cut(db: Session, leaving: Leaving, *, file: str, sha256: str) -> bool:
    """Let a range leave that is archived, and record that; return whether it could still leave as it was archived.

    :param file: the name of the archive.
    :param sha256: of the archive, in hexadecimal.
    """
    section, to = leaving.section, leaving.to
    # An erasure that is under way would be missing in the archive.
    take_turn(db)
    tree = db.scalars(select(AuditTree).where(AuditTree.epoch == section.epoch).with_for_update()).one()
    newest_erasure = select(func.max(AuditEventRow.id)).where(AuditEventRow.event == _ERASED)
    if tree.cut != section.first or (db.scalar(newest_erasure) or 0) != leaving.erasures:
        return False
    said_again = [
        *_cuts_to_repeat(db, leaving),
        *_erasures_to_repeat(db, leaving),
        *_restores_to_repeat(db, leaving),
    ]
    frontier = [node.hex() for node in stored_tree(db, tree.epoch, tree.size).subtrees(to)]
    # First the row of the tree: the database lets nothing leave that this does not say has left.
    tree.cut = to
    db.flush()
    place = {"of_epoch": tree.epoch, "first": section.first, "to": to}
    unsynchronised = {"synchronize_session": False}
    db.execute(delete(AuditEventRow).where(AuditEventRow.id.in_(_EVENTS)), place, execution_options=unsynchronised)
    db.execute(delete(AuditLeaf).where(*_IN_RANGE), place, execution_options=unsynchronised)
    details = {"epoch": tree.epoch, "first": section.first, "to": to, "frontier": frontier}
    record(AuditEvent.CUT, details=details | {"file": file, "sha256": sha256}, session=db, actor=SYSTEM)
    for event, earlier in said_again:
        record(event, details=earlier, reason=Upkeep.REPEATED, session=db, actor=SYSTEM)
    return True


_ERASED = AuditEvent.PERSONAL_DATA_ERASED.value


def is_named(db: Session, file: str) -> bool:
    """Return whether a cut has let events leave into an archive of this name, which may be all that is left of them."""
    named = AuditEventRow.body.contains(file, autoescape=True)
    return db.scalar(select(exists().where(AuditEventRow.event == AuditEvent.CUT.value, named))) is True


def _may_delete(trail: Snapshot) -> bool:
    if trail.dialect == "sqlite":
        return True
    return bool(trail.number("SELECT CAST(has_table_privilege('gatehouse_audit_events', 'DELETE') AS integer)"))


def _in_order(trail: Snapshot, keys: Sequence[VerifierKey]) -> Iterator[tuple[Section, bool]]:
    """Yield each epoch, and whether it is the newest; one that has ended without a last checkpoint as it is."""
    pairs = list(zip(sections(trail, keys), sections(trail, ()), strict=True))
    for number, (section, unsigned) in enumerate(pairs, 1):
        is_newest = number == len(pairs)
        has_left = section.first >= section.size // TILE_WIDTH * TILE_WIDTH
        yield (unsigned if has_left and not is_newest else section), is_newest


def _old_enough(trail: Snapshot, section: Section, limit: int, before: str) -> int:
    """Return the position up to which whole tiles hold nothing that is newer."""
    to = section.first
    while to + TILE_WIDTH <= limit and to - section.first < MOST:
        rows = [Row._make(row) for row in trail.rows(section.epoch, to, to + TILE_WIDTH)]
        # What somebody has deleted is for verification to find, and not to be taken for what has left.
        if len(rows) < TILE_WIDTH or any(row.body is None or row.at >= before for row in rows):
            break
        to += TILE_WIDTH
    return to


def _said_in_range(db: Session, leaving: Leaving, event: AuditEvent) -> list[dict[str, Any]]:
    """Return the details of all events of a name that leave."""
    place = {"of_epoch": leaving.section.epoch, "first": leaving.section.first, "to": leaving.to}
    statement = select(AuditEventRow.body).where(AuditEventRow.id.in_(_EVENTS), AuditEventRow.event == event.value)
    found = [understood(body) for body in db.scalars(statement.order_by(AuditEventRow.id), place)]
    return [content["details"] for content in found if content is not None]


def _with_numbers(said: Sequence[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Return those details that say these numbers: of whoever may add events, one may say anything."""
    return [details for details in said if all(type(details.get(name)) is int for name in names)]


def _cuts_to_repeat(db: Session, leaving: Leaving) -> Iterator[tuple[AuditEvent, dict[str, Any]]]:
    """Yield what the newest cuts of other epochs say, if it leaves: those ranges have to stay explained."""
    reached = {row.epoch: row.cut for row in db.execute(select(AuditTree.epoch, AuditTree.cut))}
    said = _with_numbers(_said_in_range(db, leaving, AuditEvent.CUT), "epoch", "to")
    for epoch, details in {details["epoch"]: details for details in said}.items():
        if epoch != leaving.section.epoch and reached.get(epoch) == details["to"]:
            yield AuditEvent.CUT, details


def _erasures_to_repeat(db: Session, leaving: Leaving) -> Iterator[tuple[AuditEvent, dict[str, Any]]]:
    """Yield whose values are gone from what stays of earlier epochs, if the event that says so leaves."""
    said = _said_in_range(db, leaving, AuditEvent.PERSONAL_DATA_ERASED)
    if not said:
        return
    erased: set[str] = set().union(*map(subjects_of, said))
    before = max(map(unknown_before, said))
    missing: set[str] = set()
    unknown, now = Unknown(), Snapshot(db.connection())
    for tree in db.scalars(select(AuditTree).where(AuditTree.epoch < leaving.section.epoch)):
        stretch = read_stretch(now, tree.epoch, tree.cut, tree.size)
        missing |= stretch.absent.keys() & erased
        unknown.add_all(stretch.unknown)
    explained = {"unknown_before": f"{before}Z"} if unknown.explain(before) else {}
    if missing or explained:
        yield AuditEvent.PERSONAL_DATA_ERASED, {"subjects": sorted(missing), "values": 0, **explained}


def _restores_to_repeat(db: Session, leaving: Leaving) -> Iterator[tuple[AuditEvent, dict[str, Any]]]:
    """Yield what the restores say that leave and explain why a number of an epoch is missing."""
    said = _with_numbers(_said_in_range(db, leaving, AuditEvent.RESTORED), "begins", "epoch")
    for begins, details in {details["begins"]: details for details in said}.items():
        if begins > details["epoch"] + 1:
            yield AuditEvent.RESTORED, details
