"""The table of authorities: ages, households and deprivation of each, against which sums are checked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.place.age_bands import SPLIT_BANDS
from sim.place.neighbourhood_table import count_of
from sim.place.table_formats import read_table_file
from sim.schema.errors import InputError, Phrase

AUTHORITIES_FILE = "la_population_imd.csv"
ENGLAND = "E92000001"
"""The code of England."""
AUTHORITY_BANDS: tuple[tuple[str, ...], ...] = (
    ("age_0_4",),
    ("age_5_10", "age_11_15"),
    ("age_16_17", "age_18_24"),
    ("age_25_34", "age_35_44"),
    ("age_45_54", "age_55_64"),
    ("age_65_74",),
    ("age_75_84",),
    ("age_85_plus",),
)
"""The columns that make up each published band."""
CODE, NAME, HOUSEHOLDS = "ltla21_code", "ltla21_name", "households_2021"
MOST_DEPRIVED_10PC = "imd2019_prop_lsoa_most_deprived_10pc"


class Authority(NamedTuple):
    """One row of the authority table.

    Attributes
    ----------
    code, name : str
        Code and name.
    ages : tuple of int, length 8
        People in the published bands.
    younger : tuple of float, length 2
        Share of the people aged 5-15 who are 5-9, and of those aged 16-24 who are 16-17.
    households : int
        Number of households; 0 if it is not known.
    most_deprived : float or None
        Share of the neighbourhoods that are in the most deprived tenth.
    """

    code: str
    name: str
    ages: tuple[int, ...]
    younger: tuple[float, float]
    households: int
    most_deprived: float | None

    @property
    def people(self) -> int:
        """Number of people."""
        return sum(self.ages)


def read_authorities(path: Path) -> dict[str, Authority]:
    """Read the table of authorities.

    Parameters
    ----------
    path : Path
        CSV file or workbook.

    Returns
    -------
    dict of str to Authority
        By code.

    Raises
    ------
    InputError
        If the table has a mistake.
    """
    path = Path(path)
    rows = read_table_file(path).sheets[0].rows
    bands = [band for parts in AUTHORITY_BANDS for band in parts]
    needed = (CODE, NAME, *bands, HOUSEHOLDS)
    at = next((k for k, (_, cells) in enumerate(rows) if CODE in cells), 0)
    header_line, header = rows[at]
    absent = [column for column in needed if column not in header]
    if absent:
        wanted = "a column of this name" if len(absent) == 1 else "a column of each of these names"
        raise InputError(path, header_line, ", ".join(absent), wanted, Phrase("none"), header)
    for column in header:
        if column and header.count(column) > 1:
            raise InputError(path, header_line, column, "each column once", Phrase(f"{header.count(column)} of them"))
    if not rows[at + 1 :]:
        raise InputError(path, header_line + 1, "", "rows below the header", Phrase("none"))
    authorities: dict[str, Authority] = {}
    for line, cells in rows[at + 1 :]:
        if len(cells) != len(header):
            raise InputError(path, line, "", f"{len(header)} values, as in the header", Phrase(f"{len(cells)}"))
        row = dict(zip(header, cells, strict=True))
        code = row[CODE].strip().upper()
        if not code or code in authorities:
            raise InputError(path, line, CODE, "a code that comes once", code or Phrase("nothing"))
        n = {band: count_of(path, line, band, row[band]) for band in bands}
        # The published band 5-10 has six years of age; the model's band 5-9 has five of them.
        school, youth = n["age_5_10"] + n["age_11_15"], n["age_16_17"] + n["age_18_24"]
        younger = (n["age_5_10"] * 5 / 6 / max(school, 1), n["age_16_17"] / max(youth, 1))
        deprived = row.get(MOST_DEPRIVED_10PC, "").strip()
        try:
            most_deprived = float(deprived) if deprived else None
        except ValueError:
            raise InputError(path, line, MOST_DEPRIVED_10PC, "a share", deprived) from None
        ages = tuple(sum(n[band] for band in parts) for parts in AUTHORITY_BANDS)
        households = count_of(path, line, HOUSEHOLDS, row[HOUSEHOLDS], blank=0)
        authorities[code] = Authority(code, row[NAME].strip(), ages, younger, households, most_deprived)
    return authorities


def combined(authorities: Iterable[Authority], code: str = ENGLAND, name: str = "England") -> Authority:
    """Combine authorities to one area, such as England.

    Parameters
    ----------
    authorities : iterable of Authority
        The authorities.
    code, name : str
        Code and name of the area.

    Returns
    -------
    Authority
    """
    rows = list(authorities)
    ages = np.array([row.ages for row in rows])
    schooled, young = (
        float(np.average([row.younger[k] for row in rows], weights=ages[:, band])) for k, band in enumerate(SPLIT_BANDS)
    )
    households = sum(row.households for row in rows) if all(row.households for row in rows) else 0
    return Authority(code, name, tuple(ages.sum(axis=0).tolist()), (schooled, young), households, None)
