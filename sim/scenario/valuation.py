"""How later years and years of life count in money: choices of the analyst, which are set, never drawn.

Values, sources and dates are in `valuation.toml`. A QALY has several stated values, as no single one is agreed: NHS
bodies judge a QALY by what other NHS spending would buy, the Treasury by what people would pay.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from sim.schema.prices import base_year
from sim.schema.quantities import Closed, Figure, Params, number
from sim.schema.toml_files import load

VALUATION = "valuation"
"""The group of these parameters."""
FILE = Path(__file__).with_suffix(".toml")
DATE = r"^\d{4}(-\d{2}){0,2}$"


class DatedFigure(Figure):
    """A figure with its dates."""

    meaning: str = Field(min_length=3)
    published: str = Field(pattern=DATE)
    review: str = Field(pattern=DATE)
    """Date from which the figure must be looked up again."""


class ValueOfQaly(DatedFigure):
    """A value of a quality-adjusted life year, as its owner states it."""

    label: str = Field(min_length=3)
    """Its name in tables."""
    price_year: str
    """Financial year of its pounds."""


class ExpiredValue(Closed):
    """A value that is out of date, for the record."""

    value: float
    unit: str = Field(min_length=1)
    valid_until: str = Field(pattern=DATE)
    source: str = Field(min_length=3)


class RateStep(Closed):
    """Discount rates from a year on."""

    first: int = Field(ge=0)
    """Year from which the rates hold, counted from 0 for the first year of a run."""
    money: float
    health: float


class ValuationFile(Closed):
    """The content of `valuation.toml`."""

    rates: dict[str, DatedFigure]
    qaly_values: dict[str, ValueOfQaly]
    expired: dict[str, ExpiredValue]
    steps: list[RateStep] = Field(min_length=1)


@lru_cache
def valuation_file() -> ValuationFile:
    """Read `valuation.toml`.

    Returns
    -------
    ValuationFile
        Rates, values of a QALY, values that are out of date, and the steps of discount rates.
    """
    return load(FILE, ValuationFile)


def _rate(name: str) -> Any:
    return _declared(valuation_file().rates[name])


def _qaly(name: str) -> Any:
    value = valuation_file().qaly_values[name]
    return _declared(value, value.price_year)


def _declared(figure: DatedFigure, price_year: str | None = None) -> Any:
    return number(
        figure.value,
        low=figure.low,
        high=figure.high,
        unit=figure.unit,
        source=figure.source,
        status=figure.status,
        meaning=figure.meaning,
        price_year=price_year,
    )


class QalyValue(NamedTuple):
    """A stated value of a quality-adjusted life year.

    Attributes
    ----------
    name, label : str
        Name of its parameter, and label for tables.
    pounds : float
        The value in prices of the model.
    """

    name: str
    label: str
    pounds: float


class Valuation(Params):
    """Discount rates, optimism bias, and values of a QALY. The first year counts in full."""

    discount_money: float = _rate("discount_money")
    discount_health: float = _rate("discount_health")
    optimism_bias: float = _rate("optimism_bias")
    optimism_test: float = _rate("optimism_test")
    nhs_margin: float = _qaly("nhs_margin")
    dhsc: float = _qaly("dhsc")
    nice_low: float = _qaly("nice_low")
    nice_high: float = _qaly("nice_high")
    green_book: float = _qaly("green_book")

    @property
    def qaly_values(self) -> tuple[QalyValue, ...]:
        """The stated values of a QALY, smallest first as in the file; the Green Book's is the last."""
        rows = valuation_file().qaly_values
        return tuple(QalyValue(name, self._label(name, row), float(getattr(self, name))) for name, row in rows.items())

    def _label(self, name: str, row: ValueOfQaly) -> str:
        """The name of a value of a QALY, with what its owner states where prices have risen since."""
        if getattr(self, name) != type(self).model_fields[name].default or row.price_year == base_year():
            return row.label
        return f"{row.label}, £{row.value:,.0f} in {row.price_year} prices"
