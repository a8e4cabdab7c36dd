"""Derive `english_authorities.npz` from the two published tables: `python -m sim.place.derive_authorities`.

The script takes about three minutes, most of it to recover the authority of each neighbourhood (authority_recovery.py).
It refuses to write unless every authority is recovered and every sum agrees.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.place.authority_recovery import recover
from sim.place.authority_table import AUTHORITIES_FILE, Authority, read_authorities
from sim.place.english_authorities import FILE
from sim.place.neighbourhood_table import Neighbourhoods, read_neighbourhoods
from sim.schema.errors import InputError, Phrase

NEIGHBOURHOODS_FILE = "lsoa_imd2019_pop2020.csv"
LARGEST_FILE = 300_000
Arrays = dict[str, NDArray[np.generic]]


def derived_arrays(
    table: Neighbourhoods, authorities: Mapping[str, Authority], rows_by_code: Mapping[str, list[int]]
) -> Arrays:
    """Compute the arrays of the derived file.

    Parameters
    ----------
    table : Neighbourhoods
        The table of neighbourhoods.
    authorities : mapping of str to Authority
        The authorities by code.
    rows_by_code : mapping of str to list of int
        The rows of each authority.

    Returns
    -------
    dict of str to array

    Raises
    ------
    InputError
        If a row is in no authority or in two, or the people of an authority do not agree with its rows.
    """
    codes = sorted(authorities)
    owner = np.full(len(table.codes), -1, np.int64)
    for k, code in enumerate(codes):
        rows = rows_by_code.get(code, [])
        people = int(table.ages[rows].sum())
        if tuple(table.ages[rows].sum(axis=0).tolist()) != authorities[code].ages:
            wanted = f"the {authorities[code].people:,} people of {authorities[code].name}"
            raise InputError(NEIGHBOURHOODS_FILE, None, code, wanted, Phrase(f"{people:,} in {len(rows)} rows"))
        owner[rows] = k
    if (owner < 0).any() or sum(map(len, rows_by_code.values())) != len(table.codes):
        raise InputError(NEIGHBOURHOODS_FILE, None, "", "each neighbourhood in one authority", Phrase("another number"))
    counts = np.zeros((len(codes), 10), np.int64)
    ages = np.zeros((len(codes), 10, 8), np.int64)
    np.add.at(counts, (owner, table.deciles - 1), 1)
    np.add.at(ages, (owner, table.deciles - 1), table.ages)
    chosen = [authorities[code] for code in codes]
    younger = [[round(row.younger[0] * row.ages[1] * 6 / 5), round(row.younger[1] * row.ages[2])] for row in chosen]
    return {
        "codes": np.array(codes),
        "names": np.array([row.name for row in chosen]),
        "households": np.array([row.households for row in chosen], np.int32),
        "younger": np.array(younger, np.int32),
        "neighbourhoods": counts.astype(np.int16),
        "ages": ages.astype(np.int32),
        "lsoa_number": np.array([int(code[3:]) for code in table.codes], np.uint16),
        "lsoa_authority": owner.astype(np.uint16),
        "lsoa_decile": table.deciles.astype(np.uint8),
    }


def main(folder: Path) -> None:
    """Derive the file from the two tables in a folder, and print its sums."""
    table, authorities = read_neighbourhoods(folder / NEIGHBOURHOODS_FILE), read_authorities(folder / AUTHORITIES_FILE)
    arrays = derived_arrays(table, authorities, recover(table, authorities))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # its stub has a keyword of type bool
    size = buffer.getbuffer().nbytes
    if size > LARGEST_FILE:
        raise InputError(FILE, None, "", f"a file of at most {LARGEST_FILE:,} bytes", size)
    FILE.write_bytes(buffer.getvalue())
    people, rows = int(table.ages.sum()), len(table.codes)
    print(f"{FILE}: {len(authorities)} authorities, {rows:,} neighbourhoods, {people:,} people, {size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(
            f"usage: python -m sim.place.derive_authorities FOLDER (with {NEIGHBOURHOODS_FILE}, {AUTHORITIES_FILE})"
        )
    main(Path(sys.argv[1]))
