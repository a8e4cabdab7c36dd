"""The region of each English authority of April 2021, and its fifth by deprivation.

Source    `english_regions.csv` is derived by `python -m sim.place.derive_regions` from the order of ONS's table of
          authorities and the regions of DfE's table of children looked after. Deprivation: the mean tenth of an
          authority's neighbourhoods by the Indices of Deprivation 2019, weighted by people.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np

from sim.place.english_authorities import authority_data

FILE = Path(__file__).with_name("english_regions.csv")
TIERS = 5


@lru_cache(maxsize=1)
def regions() -> dict[str, str]:
    """List the region of each authority, by code, in the order of the published table: region by region."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {code: row["region"] for row in rows for code in row["authorities"].split()}


@lru_cache(maxsize=1)
def mean_tenths() -> dict[str, float]:
    """Mean deprivation tenth of the people of each authority, by code; 1 is the most deprived."""
    tenths = np.arange(1, 11)
    return {code: float((ages.sum(axis=1) * tenths).sum() / ages.sum()) for code, ages in authority_data().ages.items()}


@lru_cache(maxsize=1)
def tiers() -> dict[str, int]:
    """Fifth of each authority by deprivation, by code: 1 for the most deprived 62, 5 for the least deprived.

    Examples
    --------
    >>> tiers()["E06000009"], tiers()["E07000089"]
    (1, 5)
    """
    means = mean_tenths()
    ordered = sorted(means, key=lambda code: (means[code], code))
    return {code: 1 + TIERS * k // len(ordered) for k, code in enumerate(ordered)}
