"""Pounds by budget holder and month of every run of a scenario: what is spent, and who pays for it.

A bail-out is no spending of its own: it pays for spending that a budget holder has made already. Nothing is counted
twice, and the ledger balances to the penny, month by month, for every budget holder:

    spending = budget + bailed out - clawed back + from other budget holders + from reserves

Savings that are reinvested stay in the reserve until they are spent, so they are listed beside the ledger, not in it.
New money outside services (`outlay`) comes from outside and is spent in the same month.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sim.results.money.health import qalys_with_deaths
from sim.results.records import Record
from sim.services.catalogue import load_catalogue
from sim.state.codes import SILOS, Tier

A = npt.NDArray[np.float64] | npt.NDArray[np.int64]
F = npt.NDArray[np.float64]
OUTSIDE = "outside"
SPENDERS = (*SILOS, OUTSIDE)
"""Who spends: each budget holder, and programmes outside services."""
SILO_LABELS = {
    "nhs": "NHS",
    "adult_care": "Adult social care",
    "children": "Children's services",
    "housing_welfare": "Housing and welfare",
    "police": "Police and probation",
    OUTSIDE: "Programmes outside services",
}
TIERS: tuple[Tier, ...] = ("preventive", "responsive", "acute", "community")
SOURCES = ("budget", "bailed_out", "clawed_back", "pooled", "reserves")
"""What pays for the spending of a budget holder; what is clawed back counts negatively."""
FLOWS = ("spending", *SOURCES, "reinvested")


def silo_of_service() -> npt.NDArray[np.intp]:
    """List the budget holder of each service, as an index of `SILOS`."""
    return np.array([SILOS.index(service.silo) for service in load_catalogue()], dtype=np.intp)


def services_in_tier(tier: Tier) -> npt.NDArray[np.bool_]:
    """Mark the services of a tier, in the order of the catalogue."""
    return np.array([service.tier == tier for service in load_catalogue()])


@dataclass(frozen=True)
class Ledger:
    """Pence by run and month. Whole numbers, except those of the stock-flow twin.

    Attributes
    ----------
    spent, funding : ndarray, shape (runs, months, services)
        Spending on each service, and its budget.
    outlay : ndarray, shape (runs, months, purposes)
        New money for programmes outside services.
    bailed_out, clawed_back, reinvested, pooled, carried : ndarray, shape (runs, months, silos)
        Paid in by the centre; taken by the centre; savings kept for prevention; from other budget holders; balance at
        the end of the month.
    opened : ndarray, shape (runs, months, services)
        Acute episodes.
    qalys : ndarray of float64, shape (runs, months)
        QALYs that count deaths.
    """

    spent: A
    funding: A
    outlay: A
    bailed_out: A
    clawed_back: A
    reinvested: A
    pooled: A
    carried: A
    opened: A
    qalys: F

    @classmethod
    def of(cls, records: Iterable[Record]) -> Ledger:
        """Make the ledger of some runs.

        Parameters
        ----------
        records : iterable of Record
            Records of single runs.

        Returns
        -------
        Ledger
        """
        columns: dict[str, list[A]] = {name: [] for name in cls.__dataclass_fields__}
        for record in records:
            for name, arrays in columns.items():
                if name == "qalys":
                    arrays.append(qalys_with_deaths(record))
                elif name == "opened":
                    arrays.append(record.monthly[name].sum(axis=(2, 3)))
                else:
                    arrays.append(record.monthly[name])
        return cls(**{name: np.stack(arrays) for name, arrays in columns.items()})  # type: ignore[arg-type]  # arrays of one type each

    @cached_property
    def reserves(self) -> A:
        """What each silo takes from its reserve (or its debt grows by), by run, month and silo; pence."""
        before = np.zeros_like(self.carried)
        before[:, 1:] = self.carried[:, :-1]
        taken: A = before - self.carried
        return taken

    def of_silos(self, services: A) -> A:
        """Sum an array over services to budget holders.

        Parameters
        ----------
        services : ndarray, shape (runs, months, services)

        Returns
        -------
        ndarray, shape (runs, months, silos)
        """
        silo = silo_of_service()
        return np.stack([services[..., silo == k].sum(axis=-1) for k in range(len(SILOS))], axis=-1)

    @cached_property
    def flows(self) -> dict[str, A]:
        """Each flow of `FLOWS` by run, month and spender; pence."""
        outlay = self.outlay.sum(axis=-1, keepdims=True)
        nothing = np.zeros_like(outlay)
        flows = {
            "spending": (self.of_silos(self.spent), outlay),
            "budget": (self.of_silos(self.funding), outlay),
            **{
                name: (getattr(self, name), nothing)
                for name in ("bailed_out", "clawed_back", "pooled", "reserves", "reinvested")
            },
        }
        return {name: np.concatenate(parts, axis=-1) for name, parts in flows.items()}

    def by_tier(self, tier: Tier) -> A:
        """Spending on the services of a tier, by run, month and silo; pence."""
        return self.of_silos(self.spent * services_in_tier(tier))

    def imbalance(self) -> A:
        """What is spent less all that pays for it, by run, month and spender; pence. 0 in a ledger that balances."""
        flows = self.flows
        paid = flows["budget"] + flows["bailed_out"] - flows["clawed_back"] + flows["pooled"] + flows["reserves"]
        out: A = flows["spending"] - paid
        return out


def by_year(monthly: A) -> F:
    """Sum months to years.

    Parameters
    ----------
    monthly : ndarray, shape (runs, months, …)

    Returns
    -------
    ndarray of float64, shape (runs, years, …)
    """
    out: F = monthly.reshape(monthly.shape[0], -1, 12, *monthly.shape[2:]).sum(axis=2).astype(float)
    return out
