"""All small histories: at most eight presses, judged by the judge and by counting, which has to give the same numbers.

The counting knows nothing of the judge's ways: it looks at each press and each row by their number alone.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

T0 = 30_000.0


class Made(NamedTuple):
    """One press of a small history.

    Args:
        unit: keypad 1 or 2.
        value: key.
        reboot: its keypad starts anew before it.
        acked: it is acknowledged two seconds later.
        rows: for each of its rows, whether the clerk in it is right.
        late: its rows are stored only after the acknowledgement.
    """

    unit: int
    value: int
    reboot: bool
    acked: bool
    rows: tuple[bool, ...]
    late: bool


PRESSES = st.lists(
    st.builds(
        Made,
        st.integers(1, 2),
        st.integers(1, 5),
        st.booleans(),
        st.booleans(),
        st.lists(st.booleans(), max_size=2).map(tuple),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


class Counted(NamedTuple):
    """What counting gives."""

    loss: int
    duplication: int
    attribution: int
    phantom: int
    ghosts: int
    acknowledge: int


def history(kit: Any, presses: list[Made], strangers: int) -> tuple[list[Any], list[Any], Counted]:
    """The records, the rows, and the numbers that counting gives."""
    records: list[Any] = [(T0 - 10, "dev", "boot", {"device": f"keypad-{unit}", "epoch": 1}) for unit in (1, 2)]
    rows: list[Any] = []
    epoch, seq = {1: 1, 2: 1}, {1: 0, 2: 0}
    boots: dict[int, list[float]] = {1: [], 2: []}
    keys: list[tuple[int, int]] = []
    for place, made in enumerate(presses):
        t = T0 + 1000 * place
        if made.reboot:
            epoch[made.unit] += 1
            seq[made.unit] = 0
            boots[made.unit].append(t - 5)
            facts = {"device": f"keypad-{made.unit}", "epoch": epoch[made.unit]}
            records.append((t - 5, "dev", "boot", facts))
        key = epoch[made.unit], seq[made.unit]
        seq[made.unit] += 1
        keys.append(key)
        press = kit.press(t, key[1], made.value, device=f"keypad-{made.unit}", epoch=key[0])
        records.append(press)
        if made.acked:
            freed = 8  # everything that waits there, and this one last of all
            records.append(kit.ack(t + 2, key[1], device=f"keypad-{made.unit}", epoch=key[0], freed=freed))
        stored = kit.EPOCH_S + t + (2.25 if made.late else 1.75)
        for right in made.rows:
            clerk = made.unit if right else 7
            rows.append(kit.row(press, len(rows) + 1, clerk=clerk, stored_at=stored))
    stranger = kit.press(T0, 900)
    rows += [kit.row(stranger, len(rows) + n + 1, seq=900 + n, stored_at=kit.EPOCH_S + T0) for n in range(strangers)]
    return records, rows, count(presses, keys, boots, strangers)


def count(presses: list[Made], keys: list[tuple[int, int]], boots: dict[int, list[float]], strangers: int) -> Counted:
    """Each press by itself."""
    number: Counter[str] = Counter(phantom=strangers)
    for place, made in enumerate(presses):
        t = T0 + 1000 * place
        later = [
            T0 + 1000 * n for n, other in enumerate(presses) if n >= place and other.unit == made.unit and other.acked
        ]
        acked = later[0] + 2 if later else None
        stored = t + (2.25 if made.late else 1.75)
        if not made.rows:
            number["loss"] += 1
            older = [
                n
                for n in range(place)
                if presses[n].unit == made.unit
                and keys[n][1] == keys[place][1]
                and keys[n][0] != keys[place][0]
                and presses[n].rows
            ]
            number["ghosts"] += bool(older and acked is not None)
            continue
        number["duplication"] += len(made.rows) - 1
        number["ghosts"] += (len(made.rows) - 1) * any(t < boot <= stored for boot in boots[made.unit])
        number["attribution"] += not any(made.rows)
        number["acknowledge"] += acked is not None and stored > acked
    return Counted(*(number[name] for name in Counted._fields))


@settings(max_examples=150, deadline=None)
@given(presses=PRESSES, strangers=st.integers(0, 2))
def test_the_judge_counts_as_one_counts_by_hand(kit: Any, presses: list[Made], strangers: int) -> None:
    """Losses, duplicates, wrong clerks, phantoms, ghosts and early acknowledgements of every small history."""
    records, rows, expected = history(kit, presses, strangers)
    verdict = kit.judge(records, rows)
    assert Counted(*(verdict.findings[name].violations for name in Counted._fields)) == expected
    broken = any(expected)
    assert (verdict.word == "VIOLATED") is broken
    assert all((finding.verdict == "VIOLATED") == bool(finding.violations) for finding in verdict.findings.values())


@settings(max_examples=60, deadline=None)
@given(presses=PRESSES, place=st.integers(0, 10_000))
def test_no_damaged_history_is_good(kit: Any, presses: list[Made], place: int) -> None:
    """A history that is cut anywhere, or in which one character is another one, never HOLDS."""
    from bench.judge.history import History
    from bench.judge.verdict import judge

    good = [made._replace(rows=(True,), late=False, acked=True) for made in presses]
    records, rows, _ = history(kit, good, 0)
    data = kit.data([*records, kit.end()], kit.header())
    assert judge(History.of_bytes(data), rows).word == "HOLDS"
    cut = data[: place % len(data)]
    assert judge(History.of_bytes(cut), rows).word != "HOLDS"
    at = place % (len(data) - 1)
    other = data[:at] + (b"0" if data[at : at + 1] != b"0" else b"1") + data[at + 1 :]
    assert judge(History.of_bytes(other), rows).word != "HOLDS"
