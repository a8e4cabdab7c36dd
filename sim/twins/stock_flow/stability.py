"""Stability of the twin's baseline: eigenvalues of the map from one year to the next.

`python -m sim.twins.stock_flow.stability` prints the largest eigenvalues in two variants. With the reserve, a small
overspend stays inside the reserve. The account keeps it (an uninformative factor of 1) and passes nothing on, so
accounts are fixed at 0. Without a reserve, every overspend takes from prevention, every saving adds to it, and accounts
are empty after each settlement. This variant shows the joint gain of all loops, including those of money.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import LinearOperator, eigs

from sim.scenario.scenario import Scenario
from sim.twins.stock_flow.tape import run_tape, tape_of
from sim.twins.stock_flow.twin import Twin

PERTURBATION = 1e-5
"""Size of the perturbation of the baseline, over the size of its stocks."""


def yearly_factors(twin: Twin, count: int = 4, *, accounts: bool = True) -> npt.NDArray[np.complex128]:
    """The factors by which the slowest perturbations shrink (or grow) in a year, largest first.

    Parameters
    ----------
    twin
        The twin.
    count
        Number of factors.
    accounts
        Whether the balances of silos may change. Otherwise they stay at 0.

    Returns
    -------
    numpy.ndarray
        Eigenvalues of the map from one year to the next. Shape (count,).
    """
    e = twin.equations
    tape = tape_of(e)
    start = tape.initial
    # Each stock is scaled by its size, so that pounds and shares have the same weight. Stocks at 0 have fixed sizes.
    money = np.array([s.unit in ("pence", "pence a month", "pounds a year") for s in e.stocks.values()])
    frozen = np.array([not accounts and key.startswith("money.carried") for key in e.stocks])
    size = np.where(np.abs(start) > 1e-6, np.abs(start), np.where(money, 1e6, 0.1))

    def year(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        after: npt.NDArray[np.float64] = run_tape(tape, start=x, series=tape.series[:12])[1][-1]
        return after

    def response(direction: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        length = float(np.linalg.norm(direction))
        if length == 0.0:
            return direction
        perturbation = np.where(frozen, 0.0, PERTURBATION * size * direction.ravel() / length)
        out: npt.NDArray[np.float64] = (
            (year(start + perturbation) - year(start - perturbation)) / (2.0 * PERTURBATION) * length / size
        )
        return np.where(frozen, 0.0, out)

    operator = LinearOperator((start.size, start.size), matvec=response, dtype=float)
    rng = np.random.default_rng(1)
    eigenvalues = eigs(
        operator, k=count, which="LM", v0=rng.standard_normal(start.size), return_eigenvectors=False, tol=1e-4
    )
    order = np.argsort(-np.abs(eigenvalues))
    out: npt.NDArray[np.complex128] = eigenvalues[order]
    return out


def without_reserve() -> Scenario:
    """The baseline without a reserve, so that every overspend is passed on to prevention."""
    baseline = Scenario.load("baseline")
    return baseline.model_copy(
        update={"parameters": {"overspend_recovery.reserve": 0.0}, "calibrate": "none", "years": 2}
    )


def main() -> None:
    """Print the largest factors and their rates per year."""
    baseline = Scenario.load("baseline").with_settings(years=2)
    for name, scenario, accounts in (
        ("with the reserve", baseline, False),
        ("without a reserve", without_reserve(), True),
    ):
        print(name)
        for factor in yearly_factors(Twin(scenario), accounts=accounts):
            rate = np.log(np.abs(factor))
            print(f"  |factor| {abs(factor):.4f} a year, {rate:+.4f} per year ({factor:.4f})", flush=True)


if __name__ == "__main__":
    main()
