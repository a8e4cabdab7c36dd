"""What an authority's run of a year counted, in whole numbers of simulated people, episodes and pence.

A row is a year of an authority under the baseline or its policy, with one seed. Columns by deprivation fifth end in
``_1`` (most deprived) to ``_5``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from sim.results.metrics import episode_costs
from sim.results.records import Record
from sim.results.service_groups import counted_services, names_of, services_of
from sim.schema.quantities import QUINTILES
from sim.services.catalogue import load_catalogue
from sim.state.codes import ACUTE, COMMUNITY, PREVENTIVE, RESPONSIVE

SERIOUS = 2
"""Least level of serious need."""
BY_FIFTH = ("people", "months", "need", "deaths")
"""Counts by fifth: people at the end of the year, person-months, months of serious need over all domains, deaths."""
ACCOUNTS = ("bailed_out", "clawed_back")


class NationColumn(NamedTuple):
    """A column with its type, unit and meaning."""

    name: str
    kind: pa.DataType
    unit: str
    meaning: str


ABOUT = (
    NationColumn("unit", pa.string(), "", "identity of the run up to this year: a digest of all that determines it"),
    NationColumn("code", pa.string(), "", "code of the authority"),
    NationColumn("seed", pa.int64(), "", "seed; with draws also the draw, the same for all authorities"),
    NationColumn("side", pa.string(), "", "baseline or policy"),
    NationColumn("scenario", pa.string(), "", "name of the scenario"),
    NationColumn("year", pa.int16(), "", "year, from 1"),
    NationColumn("population", pa.int64(), "people", "people of the authority"),
    NationColumn("simulated", pa.int64(), "people", "people in the model at the start of year 1"),
    NationColumn("budget", pa.int64(), "pence a year", "budget of the simulated people without policies and formula"),
    NationColumn("multiple", pa.float64(), "", "multiple of this budget in the year, by design and formula"),
)


@lru_cache(maxsize=1)
def acute_services() -> tuple[str, ...]:
    """Ids of the acute services."""
    return names_of(services_of(ACUTE))


@lru_cache(maxsize=1)
def unit_costs() -> dict[str, float]:
    """Pounds per episode of the services that count as acute demand."""
    services = counted_services()
    return dict(zip(names_of(services), episode_costs(services).tolist(), strict=True))


@lru_cache(maxsize=1)
def services_by_tier() -> dict[str, tuple[str, ...]]:
    """Ids of the services of each tier."""
    tiers = {"acute": ACUTE, "responsive": RESPONSIVE, "preventive": PREVENTIVE, "community": COMMUNITY}
    return {name: names_of(services_of(tier)) for name, tier in tiers.items()}


def fifths(name: str) -> list[str]:
    """Names of the columns of a count by fifth."""
    return [f"{name}_{q + 1}" for q in range(QUINTILES)]


@lru_cache(maxsize=1)
def columns() -> tuple[NationColumn, ...]:
    """Every column of a row."""
    meanings = {
        "people": ("people", "people at the end of the year"),
        "months": ("person-months", "months lived in the year"),
        "need": ("months", "months of serious need or crisis, over all people and domains"),
        "deaths": ("deaths", "deaths in the year"),
    }
    counted = [
        NationColumn(column, pa.int64(), meanings[name][0], f"{meanings[name][1]}, of fifth {column[-1]}")
        for name in BY_FIFTH
        for column in fifths(name)
    ]
    counted += [
        NationColumn(column, pa.int64(), "episodes", f"episodes of {service}, of fifth {column[-1]}")
        for service in acute_services()
        for column in fifths(f"episodes_{service}")
    ]
    counted += [
        NationColumn(f"spent_{service.id}", pa.int64(), "pence", f"spent on {service.id} in the year")
        for service in load_catalogue()
    ]
    counted += [NationColumn(name, pa.int64(), "pence", f"{name.replace('_', ' ')} by the centre") for name in ACCOUNTS]
    return (*ABOUT, *counted)


def schema() -> pa.Schema:
    """The schema of rows, with unit and meaning of each column."""
    return pa.schema(
        [pa.field(c.name, c.kind, False, {b"unit": c.unit.encode(), b"label": c.meaning.encode()}) for c in columns()]
    )


def counts(record: Record) -> dict[str, int]:
    """Count a year of a run.

    Parameters
    ----------
    record : Record
        The record of 12 months.

    Returns
    -------
    dict of str to int
        By column.
    """
    monthly = record.monthly
    by_fifth = {
        "people": monthly["people"][-1].sum(axis=1),
        "months": monthly["people"].sum(axis=(0, 2)),
        "need": monthly["census"][:, :, SERIOUS:].sum(axis=(0, 1, 2, 4)),
        "deaths": monthly["died"].sum(axis=(0, 2)),
    }
    opened = monthly["opened"].sum(axis=(0, 3))
    by_fifth |= {
        f"episodes_{service}": opened[k] for service, k in zip(acute_services(), services_of(ACUTE), strict=True)
    }
    out = {
        column: int(value)
        for name, values in by_fifth.items()
        for column, value in zip(fifths(name), values, strict=True)
    }
    spent = np.asarray(monthly["spent"]).sum(axis=0)
    out |= {f"spent_{service.id}": int(spent[k]) for k, service in enumerate(load_catalogue())}
    return out | {name: int(monthly[name].sum()) for name in ACCOUNTS}


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as a table."""
    return pa.Table.from_pylist(rows, schema=schema())
