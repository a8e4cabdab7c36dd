"""How fast a small push dies away at the twin's baseline: eigenvalues of the map from one year to the next.

`python -m sim.twins.stock_flow.stability` prints the largest, twice. As it is, a small overspend stays inside the reserve: the
account keeps it (a factor of 1, which says nothing) and passes nothing on, so accounts are held still. Settled whole,
without a reserve, every overspend takes from prevention and every saving adds to it, and accounts are empty after each
settlement: the joint gain of all loops, those of money among them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import LinearOperator, eigs

from sim.scenario.scenario import Scenario
from sim.twins.stock_flow.equations import compiled
from sim.twins.stock_flow.twin import Twin

PUSH = 1e-5
"""How far the baseline is pushed, over the size of its stocks."""


def yearly_factors(twin: Twin, many: int = 4, *, accounts: bool = True) -> npt.NDArray[np.complex128]:
    """The factors by which the slowest pushes shrink (or grow) in a year, largest first. Without `accounts`, what silos
    have left or owe is held at nothing."""
    e = twin.equations
    step = compiled(e)
    values = {name: series.tolist() for name, series in e.values.items()}
    start = np.array([s.initial for s in e.stocks.values()])
    # Each stock is measured by its own size, so that pounds and shares count alike; one that is 0 by what is usual.
    money = np.array([s.unit in ("pence", "pence a month", "pounds a year") for s in e.stocks.values()])
    still = np.array([not accounts and key.startswith("money.carried") for key in e.stocks])
    size = np.where(np.abs(start) > 1e-6, np.abs(start), np.where(money, 1e6, 0.1))

    def year(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        now = x.tolist()
        for m in range(12):
            now, _ = step(now, m, values)
        return np.array(now)

    def pushed(direction: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        length = float(np.linalg.norm(direction))
        if length == 0.0:
            return direction
        push = np.where(still, 0.0, PUSH * size * direction.ravel() / length)
        out: npt.NDArray[np.float64] = (year(start + push) - year(start - push)) / (2.0 * PUSH) * length / size
        return np.where(still, 0.0, out)

    operator = LinearOperator((start.size, start.size), matvec=pushed, dtype=float)
    dice = np.random.default_rng(1)
    found = eigs(operator, k=many, which="LM", v0=dice.standard_normal(start.size), return_eigenvectors=False, tol=1e-4)
    order = np.argsort(-np.abs(found))
    out: npt.NDArray[np.complex128] = found[order]
    return out


def settled_whole() -> Scenario:
    """The baseline, with no reserve between an overspend and what it takes from prevention."""
    usual = Scenario.load("baseline")
    return usual.model_copy(
        update={"parameters": {"overspend_recovery.reserve": 0.0}, "recalibrate": False, "years": 2}
    )


def main() -> None:
    """Print the largest factors, and what they mean."""
    usual = Scenario.load("baseline").with_settings(years=2)
    for name, scenario, accounts in (("as it is", usual, False), ("accounts settled whole", settled_whole(), True)):
        print(name)
        for factor in yearly_factors(Twin(scenario), accounts=accounts):
            rate = np.log(np.abs(factor))
            print(f"  |factor| {abs(factor):.4f} a year, {rate:+.4f} per year ({factor:.4f})", flush=True)


if __name__ == "__main__":
    main()
