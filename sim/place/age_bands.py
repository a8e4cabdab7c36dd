"""Age bands of published tables: the eight bands of a place, and columns of ages that add up to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

PUBLISHED_BANDS: tuple[str, ...] = ("0-4", "5-15", "16-24", "25-44", "45-64", "65-74", "75-84", "85+")
"""Age bands of neighbourhood tables; the ten bands of the model divide two of them."""
OLDEST = 999
"""End of an open band such as 85+."""
BAND_AGES: tuple[tuple[int, int], ...] = (
    (0, 4),
    (5, 15),
    (16, 24),
    (25, 44),
    (45, 64),
    (65, 74),
    (75, 84),
    (85, OLDEST),
)
NEIGHBOURHOOD_BANDS = (
    "age_0_4",
    "age_5_15",
    "age_16_24",
    "age_25_44",
    "age_45_64",
    "age_65_74",
    "age_75_84",
    "age_85_plus",
)
"""Names of the columns of these bands."""
SPLIT_BANDS = 1, 2
"""Positions of the bands that a place divides: 5-15 after 9, and 16-24 after 17."""
YOUNGER_AGES = (5, 9), (16, 17)
"""The younger part of each of these bands."""
MALE, FEMALE, PERSONS = "males", "females", "persons"
LAST_SINGLE_YEAR = 85
"""A table of single years that ends at this age or later has everybody older in its last column."""

_AGE = re.compile(
    r"(?:(?P<sex>males?|females?|persons?|people|m|f)[ :]*)?"
    r"(?P<word>(?:aged?|ages)(?: group)?[ :]*)?"
    r"(?P<low>\d{1,3})"
    r"(?: to (?P<high>\d{1,3})| (?P<high_after_dash>\d{1,3}))?"
    r"(?: ?(?:years?(?: old)?|yrs?|year olds))?"
    r"(?P<open> ?\+| ?plus| and over| and above| and older| or over| or older| or more| over)?"
    r"(?: ?(?:years?(?: old)?|yrs?))?"
    r"(?:[ ,:]+(?P<sex_after>males?|females?|persons?|m|f))?"
)
_SEXES = {"m": MALE, "f": FEMALE, "p": PERSONS}


class AgeColumn(NamedTuple):
    """A column of people of some ages.

    Attributes
    ----------
    position : int
        Position of the column.
    sex : str
        ``males``, ``females`` or ``persons``.
    low, high : int
        First and last age; `OLDEST` for an open band.
    """

    position: int
    sex: str
    low: int
    high: int


def age_column(position: int, name: str) -> AgeColumn | None:
    """Recognise a column of ages by its name.

    Parameters
    ----------
    position : int
        Position of the column.
    name : str
        Name of the column.

    Returns
    -------
    AgeColumn or None

    Examples
    --------
    >>> age_column(0, "age_5_15"), age_column(1, "M90+")
    (AgeColumn(position=0, sex='persons', low=5, high=15), AgeColumn(position=1, sex='males', low=90, high=999))
    """
    plain_name = re.sub(r"[\s_\-\u2010-\u2015]+", " ", name.casefold()).strip()
    if plain_name in ("under 1", "less than 1", "<1", "age under 1", "aged under 1"):
        return AgeColumn(position, PERSONS, 0, 0)
    match = _AGE.fullmatch(re.sub(r"\.0$", "", plain_name))
    if match is None:
        return None
    last = match["high"] or match["high_after_dash"]
    if (match["open"] and last) or (match["word"] and last and not match["word"].endswith((" ", ":"))):
        return None
    low = int(match["low"])
    high = OLDEST if match["open"] else int(last or low)
    sex = _SEXES.get((match["sex"] or match["sex_after"] or "p")[0], PERSONS)
    return AgeColumn(position, sex, low, high) if low <= min(high, 130) else None


class BandColumns(NamedTuple):
    """The columns that add up to each band.

    Attributes
    ----------
    bands : tuple of tuple of int, length 8
        Positions of the columns of each published band.
    younger : tuple of tuple of int, length 0 or 2
        Positions of the columns of the ages 5-9 and 16-17, if the table has them.
    missing : tuple of str
        Names of the bands that no columns add up to.
    """

    bands: tuple[tuple[int, ...], ...]
    younger: tuple[tuple[int, ...], ...]
    missing: tuple[str, ...]


def band_columns(columns: Sequence[AgeColumn]) -> BandColumns:
    """Choose the columns that add up to the published bands: those of persons, else those of both sexes.

    Parameters
    ----------
    columns : sequence of AgeColumn
        The columns of ages of a table.

    Returns
    -------
    BandColumns
    """
    persons = _of_sex(columns, PERSONS)
    if not persons.missing:
        return persons
    males, females = _of_sex(columns, MALE), _of_sex(columns, FEMALE)
    if males.missing or females.missing:
        return persons
    bands = tuple(a + b for a, b in zip(males.bands, females.bands, strict=True))
    return BandColumns(bands, tuple(a + b for a, b in zip(males.younger, females.younger, strict=False)), ())


def _of_sex(columns: Sequence[AgeColumn], sex: str) -> BandColumns:
    chosen = [column for column in columns if column.sex == sex]
    oldest = max((column.low for column in chosen), default=0)
    if oldest >= LAST_SINGLE_YEAR and all(column.high != OLDEST for column in chosen):
        chosen = [column._replace(high=OLDEST) if column.low == oldest else column for column in chosen]
    bands = [_tiles(chosen, low, high) for low, high in BAND_AGES]
    younger = [_tiles(chosen, low, high) for low, high in YOUNGER_AGES]
    missing = tuple(name for name, tiles in zip(NEIGHBOURHOOD_BANDS, bands, strict=True) if tiles is None)
    split = tuple(tiles for tiles in younger if tiles is not None)
    return BandColumns(tuple(tiles or () for tiles in bands), split if len(split) == len(younger) else (), missing)


def _tiles(columns: Sequence[AgeColumn], low: int, high: int) -> tuple[int, ...] | None:
    """Columns that cover the ages from `low` to `high` exactly once, the widest first; None if there are none."""
    positions: list[int] = []
    age = low
    while age <= high:
        starting = [column for column in columns if column.low == age and column.high <= high]
        if not starting:
            return None
        widest = max(starting, key=lambda column: column.high)
        positions.append(widest.position)
        age = widest.high + 1
    return tuple(positions)
