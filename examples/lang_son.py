"""A province in one sweep: 212 halls planned on the same number of days, on this machine or by a cluster.

Reported of Lạng Sơn: 200 communes, 11 districts and city, one provincial centre, over 700,000 files a year; of Bình Gia
district with its communes 60,503 in 2022, 242 a day of 250. The sizes of the halls are derived from that and assumed:
communes of 5 to 21 visitors a day, districts of 120 to 220, a centre of 400. Services and hours are those of `tan_hoi`.

    python examples/lang_son.py [DAYS] [tcp://SCHEDULER:8786]
"""

import sys
import time

from bench.planning.days import Asked
from bench.planning.designs import with_counters
from bench.planning.lines import with_devices
from bench.planning.pooled import percentiles
from bench.planning.statistics import Precision, estimate
from bench.planning.study import run
from bench.scenario.load import load

HALLS = (
    [(f"commune {n}", 5 + n % 17, 2) for n in range(1, 201)]
    + [(f"district {n}", 110 + 10 * n, 4 + n // 4) for n in range(1, 12)]
    + [("provincial centre", 400, 14)]
)


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    source = None
    if len(sys.argv) > 2:
        from bench.planning.cluster import days_by

        source = days_by(sys.argv[2])
    base = load("tan_hoi")
    begun = time.perf_counter()
    everybody, late = [], []
    for name, visitors, counters in HALLS:
        hall = base.model_copy(update={"arrivals": base.arrivals.model_copy(update={"visitors": float(visitors)})})
        design = with_counters(hall, counters)
        study = run(hall, [design], with_devices, seed=1, asked=Asked(), measure=lambda day: day.wait_mean,
                    precision=Precision(), days=days, source=source)  # fmt: skip
        figures = study.days[0]
        everybody += [day.bins for day in figures]
        found = estimate([day.percentiles[90] for day in figures])
        if found is not None and found.mean > 15 * 60:
            late.append(f"{name}: {visitors} visitors a day at {counters} counters, p90 {found.mean / 60:.0f} min")
    whole = percentiles(everybody, (50, 90), 1)
    print(f"{len(HALLS)} halls, {days} days each, {time.perf_counter() - begun:.1f} s")
    for level, told in whole.items():
        if told is not None and told.low is not None and told.high is not None:
            print(f"p{level:g} of all waits {told.mean / 60:.1f} min [{told.low / 60:.1f}, {told.high / 60:.1f}]")
    print(f"{len(late)} halls in which one in ten waits more than 15 minutes")
    print("\n".join(late))


if __name__ == "__main__":
    main()
