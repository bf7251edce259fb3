"""A province in one sweep: the 212 halls of `lang_son` planned on the same number of days, here or by a cluster.

What `hallbench plan lang_son` does, as a program: whoever has other halls writes a province file of a few lines.

    python examples/lang_son.py [DAYS] [tcp://SCHEDULER:8786]
"""

import sys
import time

from bench.planning.province_plan import plan_province
from bench.scenario.province import load_province


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    source = None
    if len(sys.argv) > 2:
        from bench.planning.cluster import days_by

        source = days_by(sys.argv[2])
    begun = time.perf_counter()
    told = plan_province(load_province("lang_son"), days=days, source=source)
    whole = told["sum"]
    print(f"{whole['halls']} halls, {days} days each, {time.perf_counter() - begun:.1f} s")
    for level in (50, 90):
        low, high = whole[f"wait_p{level}_ci"]
        print(f"p{level} of all waits {whole[f'wait_p{level}'] / 60:.1f} min [{low / 60:.1f}, {high / 60:.1f}]")
    print(f"{told['late']} halls in which one in ten waits more than 15 minutes; the worst:")
    for row in told["halls"]:
        if row["name"] in told["worst"]:
            print(f"{row['name']}: {row['visitors']:.0f} visitors a day, p90 {row['wait_p90'] / 60:.0f} min")


if __name__ == "__main__":
    main()
