"""A real peak day foretold from four ordinary ones: the Bielany office in Warsaw, 30 December 2019.

Services are fitted to 7 to 10 January 2020; of the peak day only who took a ticket when, and how many counters were at
work, is used. `python examples/foretell_peak_day.py` prints recorded and foretold waits.
"""

from bench.planning.predict import SHARED, foretell, services, warsaw

ordinary, peak = warsaw()
known = services(list(ordinary.values()))
print(f"{'queue':8}{'tickets':>8}{'recorded mean, p90':>22}{'foretold mean, p90 (min)':>28}")
for row in foretell(known, peak, replications=20, seed=1, together=SHARED):
    then, now = f"{row.recorded_mean:.1f}, {row.recorded_p90:.1f}", f"{row.mean.mean:.1f}, {row.p90.mean:.1f}"
    print(f"{row.name:8}{row.tickets:8}{then:>22}{now:>28}")
print("\nEach ordinary day from the other three (mean wait of the hall, min):")
for date, day in ordinary.items():
    others = services([other for name, other in ordinary.items() if name != date])
    whole = foretell(others, day, replications=20, seed=1, together=SHARED)[0]
    print(f"{date}  recorded {whole.recorded_mean:.1f}, foretold {whole.mean.mean:.1f}")
