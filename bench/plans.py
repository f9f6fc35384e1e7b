"""How does what is asked of the database grow with what is in it? Prints the indexes and the work of each question.

    python bench/plans.py [--count 1000000] [--only SQLite] [--details "users: two letters"]

The work is what the database itself counts: on PostgreSQL the rows that were looked at, on SQLite the steps of its
machine. No time is measured, so that two runs say the same, whatever else the machine does. The goal is set at
1,000,000; fewer are made unless told.
"""

import sys
from pathlib import Path

# The seeder stands beside the tests, which ask the same of fewer rows.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._databases import arguments, places, verdict

from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from tests.grown import GROWING, grow
from tests.hot_questions import QUESTIONS
from tests.watched import Work, watching

SMALL = 1000
# What is bounded reaches its bounds in a large table only: a stretch of a thousand entries, seven thousand ids to sort.
SPREAD = 4


def _work(url: str, count: int) -> list[Work]:
    engine = make_engine(url)
    database = Database(lambda: engine)
    done = []
    with watching(engine) as watch:
        for question in QUESTIONS:
            # What a first connection asks is no part of it.
            with database.reading():
                watch.take()
            question.ask(database, count)
            done.append(watch.take())
    engine.dispose()
    return done


def _report(kind: str, few: list[Work], many: list[Work], count: int, details: str) -> bool:
    reached = True
    unit = "steps" if kind == "SQLite" else "rows"
    print(f"\n{kind}: {unit}\n{'':42}{SMALL:>12,}{count:>12,}  read by, at {count:,}")
    for question, small, large in zip(QUESTIONS, few, many, strict=True):
        whole = sorted((GROWING & set(large.whole)) - question.walks)
        missed = bool(whole) or large.amount > SPREAD * (
            question.most_steps if kind == "SQLite" else question.most_rows
        )
        reached = reached and not missed
        by = ", ".join(name.replace("gatehouse_", "") for name in large.indexes)
        print(
            f"{question.title:42}{small.amount:12,}{large.amount:12,}  {by}"
            f"{' WHOLE: ' + ', '.join(whole) if whole else ''}{'  MISSED' if missed else ''}"
        )
        if question.title == details:
            print("\n".join(large.plans))
    return reached


def main() -> int:
    options = arguments(__doc__, count=20_000, details="")
    counts, reached = (SMALL, options.count), True
    with places(options.only) as found:
        for place in found:
            few, many = map(_work, place.filled(grow, *counts), counts)
            reached = _report(place.kind, few, many, options.count, options.details) and reached
    return verdict("\nNothing that grows is read as a whole", reached)


if __name__ == "__main__":
    sys.exit(main())
