"""The engine against published and exact results, at 4 sigma; fixed seeds. The full sizes are a gate."""

from __future__ import annotations

import pytest

import planning_proofs as proofs


def must_hold(row: proofs.Against, widest: float) -> None:
    """The mean lies within 4 sigma of the reference, and sigma is small enough for that to say something."""
    assert row.sigmas < 4, row
    assert row.error < widest * row.reference, row


def test_erlang_c_is_the_textbook_s() -> None:
    """The formula used as a reference gives the numbers printed elsewhere: 42 servers at rho 0.9, County Hospital."""
    assert proofs.erlang_c(42, 37.8) == pytest.approx(0.401203, abs=1e-6)
    assert proofs.erlang_c(1, 2 / 3) == pytest.approx(2 / 3)
    assert proofs.erlang_c(2, 2 / 3) == pytest.approx(1 / 6)


def test_m_m_c() -> None:
    """P(wait) and Wq of M/M/42 (rho 0.9), M/M/1 and M/M/2 (Hillier and Lieberman's County Hospital)."""
    for row in (
        *proofs.mmc(42, 37.8, 1.0, 12_000, 6),
        *proofs.mmc(1, 2, 3, 10_000, 8),
        *proofs.mmc(2, 2, 3, 10_000, 8),
    ):
        must_hold(row, 0.2)


def test_m_g_1() -> None:
    """Wq of M/G/1 with a lognormal service is Pollaczek and Khinchine's."""
    must_hold(proofs.mg1(0.8, 0.8, 12_000, 8), 0.05)


def test_a_hall_without_waiting_has_as_many_people_as_theory_says() -> None:
    """M(t)/G/infinity at 8 h, where the rate has just dropped (Eick, Massey and Whitt)."""
    must_hold(proofs.infinite_servers(8.0, 40), 0.05)


def test_the_call_centre_of_ssj() -> None:
    """Arrivals by the hour, staff by the hour, patience: W, service level and lost calls as published."""
    for row in proofs.call_centre(60):
        must_hold(row, 0.08)


@pytest.mark.gate
@pytest.mark.timeout(3600)
def test_the_whole_suite_at_full_size() -> None:
    """Every row of the table in docs/proof.md, at the size stated there."""
    for row in proofs.full():
        must_hold(row, 0.02)
