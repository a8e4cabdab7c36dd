"""Whole totals of authorities and of all of them, and the check of every sum.

The rows of the nation are added up from the rows of authorities while these are made. `checked` then reads the runs
again and compares every sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.national.allocation import pot
from sim.national.outcomes import ACCOUNTS, BY_FIFTH, acute_services, fifths, services_by_tier
from sim.national.planning import SIDES, NationPlan
from sim.national.store import NationStore
from sim.national.weights import Weight
from sim.place.authority_table import ENGLAND
from sim.place.english_authorities import authority_data
from sim.services.catalogue import load_catalogue

NATION = "NATION"
"""Code of the sum of some authorities; that of all is England's."""


class Check(NamedTuple):
    """A check of sums.

    Attributes
    ----------
    name : str
        What is compared.
    compared : int
        Number of sums.
    failed : int
        Number of sums that differ.
    """

    name: str
    compared: int
    failed: int


def measures() -> list[str]:
    """Columns of whole numbers in the table of totals."""
    return [
        *(column for name in BY_FIFTH for column in fifths(name)), *BY_FIFTH,
        *(column for service in acute_services() for column in fifths(f"episodes_{service}")),
        *(f"episodes_{service}" for service in acute_services()), "episodes",
        *(f"spent_{service.id}" for service in load_catalogue()),
        *(f"spent_{tier}" for tier in services_by_tier()), "spent", *ACCOUNTS, "own_budget", "allocated",
    ]  # fmt: skip


def whole_counts(row: dict[str, Any]) -> dict[str, int]:
    """Scale the counts of a row to the people of the authority, in whole numbers that add up within the row."""
    weight = Weight(int(row["population"]), int(row["simulated"]))
    out: dict[str, int] = {}

    def put(names: Sequence[str]) -> int:
        scaled = weight.of(np.array([row[name] for name in names], np.int64)).tolist()
        out.update(zip(names, scaled, strict=True))
        return sum(scaled)

    for name in BY_FIFTH:
        out[name] = put(fifths(name))
    cells = [column for service in acute_services() for column in fifths(f"episodes_{service}")]
    out["episodes"] = put(cells)
    for service in acute_services():
        out[f"episodes_{service}"] = sum(out[column] for column in fifths(f"episodes_{service}"))
    out["spent"] = put([f"spent_{service.id}" for service in load_catalogue()])
    for tier, services in services_by_tier().items():
        out[f"spent_{tier}"] = sum(out[f"spent_{service}"] for service in services)
    for name in ACCOUNTS:
        put([name])
    out["own_budget"] = int(weight.of(np.array([row["budget"]], np.int64))[0])
    out["allocated"] = round(out["own_budget"] * row["multiple"])
    return out


def total_rows(rows: pa.Table, nation_code: str) -> pd.DataFrame:
    """The table of totals: authorities, and their sums."""
    of_authorities: list[dict[str, Any]] = []
    sums: dict[tuple[int, str, int], dict[str, Any]] = {}
    names = measures()
    for row in sorted(rows.to_pylist(), key=lambda row: (row["seed"], row["side"], row["year"], row["code"])):
        whole_row = whole_counts(row)
        about = {"seed": row["seed"], "side": row["side"], "year": row["year"]}
        of_authorities.append({**about, "code": row["code"], "scenario": row["scenario"], **whole_row})
        key = (row["seed"], row["side"], row["year"])
        total = sums.setdefault(key, {**about, "code": nation_code, "scenario": "", **dict.fromkeys(names, 0)})
        for name in names:
            total[name] += whole_row[name]
    table = pd.DataFrame([*of_authorities, *sums.values()])
    return table[["seed", "side", "year", "code", "scenario", *names]]


def checked(plan: NationPlan, store: NationStore, totals: pd.DataFrame, seeds: Sequence[int]) -> tuple[Check, ...]:
    """Compare every sum, from the runs that are stored: each file is read again, by another way of adding up.

    Parameters
    ----------
    plan : NationPlan
        The plan.
    store : NationStore
        The runs.
    totals : DataFrame
        The table of totals.
    seeds : sequence of int
        The seeds.

    Returns
    -------
    tuple of Check
    """
    nation_code = code_of(plan)
    nation = totals[totals["code"] == nation_code].set_index(["seed", "side", "year"])
    parts = totals[totals["code"] != nation_code]
    names = measures()
    added = parts.groupby(["seed", "side", "year"])[names].sum()
    wrong = int((added != nation.loc[added.index, names]).to_numpy().sum())
    wanted = len(seeds) * len(SIDES) * plan.years
    out = [Check("authorities add up to the nation", len(added) * len(names), wrong)]
    rows = wanted * len(plan.authorities)
    different = len(parts.drop_duplicates(["seed", "side", "year", "code"]))
    out.append(Check("every authority, year, side and seed once", rows, abs(different - rows) + len(parts) - different))
    at_start = sum(a.weight.exact * a.weight.simulated for a in plan.authorities)
    out.append(Check("simulated people times their weights are the population", 1, int(at_start != plan.population)))
    within = 0
    for whole_name, cells in _within():
        within += int((totals[cells].sum(axis=1) != totals[whole_name]).sum())
    out.append(Check("fifths, services and tiers add up to their totals", len(totals) * len(_within()), within))
    far = 0
    rounded = {(row["seed"], row["side"], row["year"]): row for row in nation.reset_index().to_dict(orient="records")}
    for key, sums in _exact_sums(store, seeds).items():
        bound = Fraction(len(plan.authorities), 2)
        far += sum(abs(value - int(rounded[key][name])) > bound for name, value in sums.items())
    out.append(Check("totals are within half a unit for each authority of the exact fractions", wanted * 3, far))
    if plan.design.allocation is not None:
        pots = 0
        for seed in seeds:
            for side in SIDES:
                multiples = {a.code: a.budget if side == "policy" else 1.0 for a in plan.authorities}
                first = parts[(parts["seed"] == seed) & (parts["side"] == side) & (parts["year"] == 1)]
                base = np.rint(first["own_budget"] * first["code"].map(multiples)).astype(np.int64).to_numpy()
                pots += sum(
                    int(rounded[seed, side, year]["allocated"]) != pot(plan.design.allocation, year - 1, base)
                    for year in range(2, plan.years + 1)
                )
        out.append(Check("allocations add up to the pot", len(seeds) * len(SIDES) * (plan.years - 1), pots))
    return tuple(out)


def _exact_sums(store: NationStore, seeds: Sequence[int]) -> dict[tuple[int, str, int], dict[str, Fraction]]:
    """Sums of people, episodes and pence as fractions, seed by seed, without rounding."""
    groups = {
        "people": fifths("people"),
        "episodes": [column for service in acute_services() for column in fifths(f"episodes_{service}")],
        "spent": [f"spent_{service.id}" for service in load_catalogue()],
    }
    out: dict[tuple[int, str, int], dict[str, Fraction]] = {}
    for seed, year in product(seeds, range(1, store.plan.years + 1)):
        for row in store.rows(seed, year=year).to_pylist():
            key = (seed, row["side"], row["year"])
            sums = out.setdefault(key, dict.fromkeys(groups, Fraction(0)))
            for name, cells in groups.items():
                sums[name] += Fraction(sum(row[c] for c in cells) * row["population"], row["simulated"])
    return out


def _within() -> list[tuple[str, list[str]]]:
    """Totals and the cells of which they are the sums, within a row."""
    services = list(acute_services())
    return [
        *((name, fifths(name)) for name in BY_FIFTH),
        *((f"episodes_{service}", fifths(f"episodes_{service}")) for service in services),
        ("episodes", [f"episodes_{service}" for service in services]),
        *((f"spent_{tier}", [f"spent_{service}" for service in some]) for tier, some in services_by_tier().items()),
        ("spent", [f"spent_{tier}" for tier in services_by_tier()]),
    ]


def code_of(plan: NationPlan) -> str:
    """Code of the sum of all authorities of a plan."""
    return ENGLAND if len(plan.authorities) == len(authority_data().authorities) else NATION
