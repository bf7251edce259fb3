"""The evidence of a test's hall: a history that can be judged while the hall goes on, and what is kept of it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.judge.history import History, SealedWriter
from bench.testing.build import SetupError
from bench.testing.rows import Records, rows_of

if TYPE_CHECKING:
    from bench.judge.verdict import Verdict
    from bench.testing.face import Hall

__all__ = ["history_of", "judge_now", "save"]


def history_of(hall: Hall, *, changes: Mapping[str, Any]) -> tuple[History, bytes]:
    """The history up to now as a whole one, although the hall goes on.

    Args:
        hall: whose.
        changes: facts of the header that are to be other ones.
    """
    world = hall.world

    def so_far() -> bytes:
        if not world.history_sha256:
            world.wire.flush()
            world.history.flush()
        return hall.recorded.getvalue()

    header, *records = hall.drive.do(so_far).splitlines()
    if world.history_sha256:
        records.pop()  # the hall is closed: its own footer is made anew, under the changed header
    sealed = io.BytesIO()
    writer = SealedWriter(sealed, {**json.loads(header), **changes})
    for line in records:
        writer.line(line.decode("utf-8"))
    end = {"i": len(records) + 1, "t": hall.now_ns, "src": "run", "k": "run_end", "why": "the test asked"}
    if not world.history_sha256:
        writer.line(json.dumps(end, separators=(",", ":")))
    writer.close()
    return History.of_bytes(sealed.getvalue(), "the history of this test"), sealed.getvalue()


def judge_now(
    hall: Hall, records: Records, *, settle: float | None, must_exercise: Sequence[str] | None
) -> tuple[Verdict, Any, bytes]:
    """Judge what has happened up to now.

    Args:
        hall: whose history.
        records: what the program stored; None takes the house's rows where the house runs every line.
        settle: seconds; a press that is younger may still wait in its keypad. None: 0 without people, else 30.
        must_exercise: invariants on which the verdict rests; None: the scenario's with people, else all that were
            exercised.

    Returns:
        The verdict, the rows that were judged (None if there are none), and the bytes of the history.

    Raises:
        SetupError: an invariant that does not exist.
    """
    from bench.judge.invariants import INVARIANTS
    from bench.judge.verdict import judge

    names = [invariant.name for invariant in INVARIANTS]
    wrong = [name for name in must_exercise or () if name not in names]
    if wrong:
        raise SetupError(f"there is no invariant {wrong[0]!r}; there are: {', '.join(names)}")
    changes: dict[str, Any] = {}
    people = hall.plan.people
    if settle is not None or not people:
        changes["settle_ns"] = round((settle or 0) * 1e9)
    if must_exercise is not None or not people:
        changes["must_exercise"] = list(must_exercise or ())
    with hall.drive.outside():  # a database's driver reads the clock: that is no poll of the program's
        if records is None and not hall.plan.outside:
            rows: Any = hall.rows.ratings
            why = ""
        else:
            rows, why = rows_of(records, hall.scenario.records)
        history, data = history_of(hall, changes=changes)
        return judge(history, rows, no_rows=why), rows, data


def save(hall: Hall, directory: str | Path, records: Records) -> Path:
    """Keep the evidence as `hallbench judge` reads it: history, judged rows, verdict."""
    from bench.judge.evidence import write_rows, write_verdict

    path = Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    verdict, rows, data = judge_now(hall, records, settle=None, must_exercise=None)
    (path / "history.ndjson").write_bytes(data)
    write_rows(path, rows, no_rows="" if rows is not None else "the test gave no records")
    write_verdict(path, verdict)
    return path
