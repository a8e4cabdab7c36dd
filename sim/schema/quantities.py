"""Quantities with their declarations: value, unit, plausible range, source, and status.

Every figure in Upstream is declared once, either as a field of a `Params` class (a parameter of one mechanism, written
in Python next to its equation) or as a `Figure` in a TOML data file (a domain, a service, a place). Checks, tables,
sliders, draws from the range and documents all read the same declaration.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from sim.schema.errors import RequirementError
from sim.schema.prices import in_pounds, to_base, unit_in_base

Status = Literal["measured", "estimated", "assumed"]


class ParameterSpec(NamedTuple):
    """Declaration of a parameter, without its value.

    Attributes
    ----------
    unit : str
        Unit of the value.
    low, high : float
        Plausible range.
    source : str
        Code of the source, or "assumed".
    status : {"measured", "estimated", "assumed"}
        How well the value is known.
    meaning : str
        Description.
    price_year : str or None
        Financial year of the prices of the source, where the unit is of money. Value and range are in base-year pounds.
    quoted : float or None
        The default value in pounds of `price_year`, where the unit is of money.
    """

    unit: str
    low: float
    high: float
    source: str
    status: Status
    meaning: str
    price_year: str | None = None
    quoted: float | None = None


class Params(BaseModel):
    """Parameters of one mechanism: frozen, closed to unknown keys, and convertible to a flat NamedTuple for kernels.

    A subclass declares each parameter as a field with `number` or `share`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=False)

    Compiled: ClassVar[type]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Make the NamedTuple that kernels read, with the same field names."""
        import sys

        name = f"{cls.__name__}Compiled"
        compiled = namedtuple(name, list(cls.model_fields), module=cls.__module__)  # type: ignore[misc]  # its name is known only here
        setattr(sys.modules[cls.__module__], name, compiled)  # importable, so that a compile cache on disk can load it
        cls.Compiled = compiled

    def compiled(self) -> Any:
        """Return the values as a flat NamedTuple of floats, which a compiled kernel can read."""
        return self.Compiled(*(float(getattr(self, name)) for name in type(self).model_fields))

    @classmethod
    def declared(cls) -> Iterator[tuple[str, float, ParameterSpec]]:
        """Iterate over the parameters.

        Yields
        ------
        name : str
            Name of the field.
        default : float
            Default value.
        spec : ParameterSpec
            Declaration.
        """
        for name, field in cls.model_fields.items():
            extra = field.json_schema_extra
            assert isinstance(extra, dict), f"{cls.__name__}.{name} is declared without unit, range and source"
            yield (
                name,
                float(field.default),
                ParameterSpec(
                    unit=str(extra["unit"]),
                    low=float(extra["low"]),  # type: ignore[arg-type]  # our own dictionary, written by `number`
                    high=float(extra["high"]),  # type: ignore[arg-type]  # likewise
                    source=str(extra["source"]),
                    status=extra["status"],  # type: ignore[arg-type]  # likewise
                    meaning=field.description or "",
                    price_year=extra.get("price_year"),  # type: ignore[arg-type]  # likewise
                    quoted=extra.get("quoted"),  # type: ignore[arg-type]  # likewise
                ),
            )


def number(
    default: float,
    *,
    low: float,
    high: float,
    unit: str,
    source: str,
    meaning: str,
    status: Status | None = None,
    price_year: str | None = None,
) -> Any:
    """Declare a parameter with its unit, plausible range and source.

    Parameters
    ----------
    default : float
        Default value, within the range.
    low, high : float
        Plausible range.
    unit : str
        Unit of the value.
    source : str
        Code of the source, or "assumed".
    meaning : str
        Description.
    status : {"measured", "estimated", "assumed"}, optional
        By default "assumed" if the source begins with that word, else "estimated".
    price_year : str, optional
        Financial year of the prices of `default`, `low` and `high`; required where the unit begins with "pounds". They
        are converted to pounds of the base year (sim/schema/prices.py).

    Returns
    -------
    pydantic.fields.FieldInfo

    Raises
    ------
    ValueError
        If the range is empty or turned round, the default lies outside it, the unit, source or meaning is empty, or
        a figure in pounds has no price year or another figure has one.
    """
    if not low < high:
        raise ValueError(f"{meaning}: a range whose low end is below its high end, not {low:g} to {high:g}")
    if not low <= default <= high:
        raise ValueError(f"{meaning}: the default {default} lies outside its own range {low} to {high}")
    for key, text in (("unit", unit), ("source", source), ("meaning", meaning)):
        if not text.strip():
            raise ValueError(f"a parameter declares its {key}; 'assumed' is a valid source")
    if in_pounds(unit) != (price_year is not None):
        wanted = "price_year, the year of its prices" if in_pounds(unit) else "no price_year, as it is not in pounds"
        raise ValueError(f"{meaning}: {wanted}")
    known: Status = status or ("assumed" if source.startswith("assumed") else "estimated")
    extra: dict[str, Any] = {"unit": unit, "low": low, "high": high, "source": source, "status": known}
    if price_year is not None:
        extra |= {"price_year": price_year, "quoted": float(default), "unit": unit_in_base(unit)}
        default, low, high = (to_base(amount, price_year) for amount in (default, low, high))
        extra |= {"low": low, "high": high}
    return Field(float(default), ge=low, le=high, description=meaning, json_schema_extra=extra)


def share(
    default: float, *, source: str, meaning: str, low: float = 0.0, high: float = 1.0, status: Status | None = None
) -> Any:
    """Declare a parameter that is a share, 0 to 1.

    Parameters
    ----------
    default : float
        Default value, within the range.
    source : str
        Code of the source, or "assumed".
    meaning : str
        Description.
    low, high : float
        Plausible range.
    status : {"measured", "estimated", "assumed"}, optional
        By default "assumed" if the source begins with that word, else "estimated".

    Returns
    -------
    pydantic.fields.FieldInfo
    """
    return number(default, low=low, high=high, unit="share", source=source, meaning=meaning, status=status)


class Closed(BaseModel):
    """A part of an input file: closed to unknown keys, strict about types, without infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Number = float
"""A number in an input file: pydantic's strict mode accepts TOML's 20 as 20.0, and refuses true and \"20\"."""


class Figure(Closed):
    """One published or assumed figure in a data file, with its unit, range and source.

    Attributes
    ----------
    value : float
        The value, within the range.
    unit : str
        Unit of the value.
    low, high : float
        Plausible range.
    source : str
        Code of the source, or "assumed".
    status : {"measured", "estimated", "assumed"}
        How well the value is known.

    Examples
    --------
    >>> rate = Figure(value=2.4, unit="persons", low=2.0, high=3.0, source="A07 [DS2]", status="measured")
    >>> rate.value
    2.4
    """

    value: Number
    unit: str = Field(min_length=1)
    low: Number
    high: Number
    source: str = Field(min_length=3)
    status: Status

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"a range whose low end is below its high end, not {self.low:g} to {self.high:g}")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"the value {self.value} lies outside its own range {self.low} to {self.high}")
        return self


class PriceAddend(Closed):
    """An amount that belongs to a price and that its source states in prices of another year.

    Attributes
    ----------
    value : float
        Pounds of `price_year`.
    price_year : str
        Financial year of its prices.
    """

    value: Number
    price_year: str


class Price(Figure):
    """A figure in pounds. The file has the source's own figure and the year of its prices.

    When a file is read, value and range become pounds of the base year, and the unit says so (sim/schema/prices.py).

    Attributes
    ----------
    price_year : str
        Financial year of the prices in the file.
    plus : tuple of PriceAddend
        Amounts in prices of other years that are added to the value. The range is that of the sum.

    Examples
    --------
    >>> about = {"unit": "pounds a month", "source": "D11", "status": "measured", "price_year": "2021-22"}
    >>> price = Price.model_validate({"value": 100.0, "low": 80.0, "high": 120.0} | about)
    >>> round(price.value, 2), price.quoted, price.unit
    (112.65, 100.0, 'pounds of 2023-24 a month')
    """

    price_year: str
    plus: Annotated[tuple[PriceAddend, ...], Field(strict=False)] = ()
    _quoted: float = PrivateAttr(0.0)

    @property
    def quoted(self) -> float:
        """The value in the file, in pounds of `price_year` and without `plus`."""
        return self._quoted

    @model_validator(mode="wrap")
    @classmethod
    def _converted(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Convert value and range, and keep the figure of the file."""
        if not _states_prices(data):
            return handler(data)  # refused there, key by key
        if not in_pounds(data["unit"]):
            raise RequirementError('a unit that begins with "pounds"', data["unit"], below=("unit",))
        year = data["price_year"]
        base = {key: to_base(data[key], year) for key in ("value", "low", "high")}
        base["value"] += sum(to_base(addend["value"], addend["price_year"]) for addend in data.get("plus", ()))
        price = handler({**data, **base, "unit": unit_in_base(data["unit"])})
        price._quoted = float(data["value"])
        return price


def _states_prices(data: object) -> TypeGuard[dict[str, Any]]:
    """Test whether a table of a file has everything that a conversion reads, each of the right type."""
    if not isinstance(data, dict):
        return False
    amounts = [data, *data["plus"]] if isinstance(data.get("plus"), list | tuple) else [data]
    return (
        all(isinstance(part, dict) and type(part.get("value")) in (int, float) for part in amounts)
        and all(isinstance(part.get("price_year"), str) for part in amounts)
        and all(type(data.get(key)) in (int, float) for key in ("low", "high"))
        and isinstance(data.get("unit"), str)
    )


AGE_BANDS: tuple[tuple[int, int], ...] = (
    (0, 4),
    (5, 9),
    (10, 15),
    (16, 17),
    (18, 24),
    (25, 44),
    (45, 64),
    (65, 74),
    (75, 84),
    (85, 109),
)
"""Age bands, first and last year of age of each: the bands ONS publishes for neighbourhoods, cut where a service's
eligibility begins (10: criminal responsibility; 16 and 18: children's services end)."""

AGE_BAND_NAMES: tuple[str, ...] = tuple(f"{a}-{b}" if b < 109 else f"{a}+" for a, b in AGE_BANDS)
QUINTILES = 5
"""Deprivation fifths of neighbourhoods, 1 = most deprived, as the Index of Multiple Deprivation counts."""
