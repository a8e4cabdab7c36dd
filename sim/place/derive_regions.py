"""Derive `english_regions.csv` from two published tables: `python -m sim.place.derive_regions FOLDER`.

The table of children looked after states the region of each council with social services: unitary and metropolitan
authorities and London boroughs. It has counties and not their districts. The table of authorities is in the order of
the ONS: region by region, and in each region unitary authorities first. So a district lies in the region of the
nearest council above it in that table whose region is stated. The script refuses to write if a region is not one
unbroken run of rows that begins with a council whose region is stated.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.place.authority_table import AUTHORITIES_FILE, read_authorities
from sim.place.english_regions import FILE
from sim.place.place_file import write_atomically
from sim.schema.errors import InputError, Phrase

REGIONS_FILE = "children_looked_after_by_la.csv"
LONDON = "London"
DISTRICT = "E07"
"""Start of the code of a district, whose county has social services."""


def stated_regions(path: Path) -> dict[str, str]:
    """Read the region of each council with social services, by its code. Inner and Outer London are one region."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["new_la_code"] and row["region_name"]]
    return {row["new_la_code"]: LONDON if LONDON in row["region_name"] else row["region_name"] for row in rows}


def derived_regions(codes: Sequence[str], stated: Mapping[str, str]) -> dict[str, list[str]]:
    """Group the authorities by region.

    Parameters
    ----------
    codes : sequence of str
        Codes in the order of the table of authorities.
    stated : mapping of str to str
        Regions that are published, by code.

    Returns
    -------
    dict of str to list of str
        Codes by region, both in the order of the table.

    Raises
    ------
    InputError
        If a council that is no district has no region, or a region is in two parts of the table.
    """
    regions: dict[str, list[str]] = {}
    present = ""
    for code in codes:
        region = stated.get(code, "")
        if not region and not code.startswith(DISTRICT):
            raise InputError(REGIONS_FILE, None, code, "a region", Phrase("none"))
        if region and region != present:
            if region in regions:
                raise InputError(AUTHORITIES_FILE, None, code, "regions one after another", Phrase(f"{region} again"))
            present = region
        if not present:
            raise InputError(AUTHORITIES_FILE, None, code, "a first row with a region", Phrase("none"))
        regions.setdefault(present, []).append(code)
    return regions


def main(folder: Path) -> None:
    """Derive the file from the two tables in a folder, and print the number of authorities of each region."""
    regions = derived_regions(list(read_authorities(folder / AUTHORITIES_FILE)), stated_regions(folder / REGIONS_FILE))
    lines = ["region,authorities", *(f"{region},{' '.join(codes)}" for region, codes in regions.items())]
    write_atomically(FILE, "\n".join(lines) + "\n")
    print(", ".join(f"{region} {len(codes)}" for region, codes in regions.items()))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m sim.place.derive_regions FOLDER (with {AUTHORITIES_FILE}, {REGIONS_FILE})")
    main(Path(sys.argv[1]))
