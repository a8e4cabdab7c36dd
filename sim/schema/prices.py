"""The price base: each sum in pounds names the year of its prices, and a dated deflator brings it to one year.

The deflator is a data file (deflators.toml) with its source and date. A figure in pounds is written as its source has
it, with the year of its prices; it is converted once, when it is read. Inside the model all pounds are of the base
year.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.schema.errors import RequirementError
from sim.schema.toml_files import load

DEFLATORS = Path(__file__).parent / "deflators.toml"
FIRST_YEAR_WEIGHT = 0.75
"""Share of a financial year, April to March, in the calendar year in which it begins."""

Year = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
Level = Annotated[float, Field(gt=0.0)]
Levels = dict[str, Level]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CalendarYears(_File):
    """Index of calendar years, for financial years before the first of the main index."""

    source: str = Field(min_length=10)
    stored_copy: str = Field(min_length=10)
    linked: tuple[Year, ...]
    """Financial years that are linked to the main index."""
    joined_at: Year
    """The financial year at which both indices are equal."""
    index: Levels

    def level(self, year: str) -> float:
        """Level of a financial year: a weighted mean of the two calendar years in which it lies."""
        first = int(year[:4])
        return FIRST_YEAR_WEIGHT * self.index[str(first)] + (1.0 - FIRST_YEAR_WEIGHT) * self.index[str(first + 1)]


class Deflators(_File):
    """The deflator file: base year, index by financial year, source and dates."""

    base_year: Year
    label: str = Field(min_length=10)
    source: str = Field(min_length=10)
    stored_copy: str = Field(min_length=10)
    published: datetime.date
    expires: datetime.date
    """Date from which a later edition of the index should replace this one."""
    index: Levels
    calendar: CalendarYears

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for key, year in (("base_year", self.base_year), ("calendar", self.calendar.joined_at)):
            if year not in self.index:
                raise RequirementError("a year of the index", year, tuple(self.index), below=(key,))
        for year in (*self.calendar.linked, self.calendar.joined_at):
            for part in (year[:4], str(int(year[:4]) + 1)):
                if part not in self.calendar.index:
                    wanted = f"the calendar year {part}, from which {year} is computed"
                    raise RequirementError(wanted, list(self.calendar.index), below=("calendar", "index"))
        return self

    def levels(self) -> Mapping[str, float]:
        """Level of each financial year, in order, the linked ones included."""
        calendar = self.calendar
        scale = self.index[calendar.joined_at] / calendar.level(calendar.joined_at)
        linked = {year: calendar.level(year) * scale for year in calendar.linked}
        return dict(sorted((linked | self.index).items()))


@lru_cache
def deflators(path: Path = DEFLATORS) -> Deflators:
    """Read the deflator file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Deflators

    Raises
    ------
    InputError
        If the file is wrong or incomplete.
    """
    return load(path, Deflators)


def base_year() -> str:
    """The financial year of whose prices all pounds of the model are.

    Examples
    --------
    >>> base_year()
    '2023-24'
    """
    return deflators().base_year


def to_base(amount: float, price_year: str) -> float:
    """Convert a sum to pounds of the base year.

    Parameters
    ----------
    amount
        Sum in pounds of `price_year`.
    price_year
        Financial year of the prices, such as ``2021-22``.

    Returns
    -------
    float
        The sum times the deflator of the base year over that of `price_year`. A sum of the base year is unchanged.

    Raises
    ------
    RequirementError
        If the deflator has no such year.

    Examples
    --------
    >>> to_base(250.0, "2023-24")
    250.0
    >>> round(to_base(250.0, "2021-22"), 2)
    281.62
    """
    levels = _levels()
    if price_year not in levels:
        raise RequirementError("a financial year of the deflator file", price_year, tuple(levels))
    return amount if price_year == base_year() else amount * (levels[base_year()] / levels[price_year])


@lru_cache
def _levels() -> Mapping[str, float]:
    return deflators().levels()


def in_pounds(unit: str) -> bool:
    """Test whether a unit is of money, so that figures in it need the year of their prices.

    Parameters
    ----------
    unit
        The unit.

    Returns
    -------
    bool

    Examples
    --------
    >>> in_pounds("pounds a month per person helped"), in_pounds("log hazard per pound")
    (True, False)
    """
    return unit.split(" ", 1)[0] == "pounds"


def unit_in_base(unit: str) -> str:
    """Name the base year in a unit of money.

    Parameters
    ----------
    unit
        Unit that begins with "pounds".

    Returns
    -------
    str

    Examples
    --------
    >>> unit_in_base("pounds a month per person helped")
    'pounds of 2023-24 a month per person helped'
    """
    return unit.replace("pounds", f"pounds of {base_year()}", 1)
