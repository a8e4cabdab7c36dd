"""Quantities with their declarations: value, unit, plausible range, source, and status.

Every figure in Upstream is declared once, either as a field of a `Params` class (a parameter of one mechanism, written
in Python next to its equation) or as a `Figure` in a TOML data file (a domain, a service, a place). Checks, tables,
sliders, draws from the range and documents all read the same declaration.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    """

    unit: str
    low: float
    high: float
    source: str
    status: Status
    meaning: str


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
                ),
            )


def number(
    default: float, *, low: float, high: float, unit: str, source: str, meaning: str, status: Status | None = None
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

    Returns
    -------
    pydantic.fields.FieldInfo

    Raises
    ------
    ValueError
        If the range is empty or turned round, the default lies outside it, or the unit, source or meaning is empty.
    """
    if not low < high:
        raise ValueError(f"{meaning}: a range whose low end is below its high end, not {low:g} to {high:g}")
    if not low <= default <= high:
        raise ValueError(f"{meaning}: the default {default} lies outside its own range {low} to {high}")
    for key, text in (("unit", unit), ("source", source), ("meaning", meaning)):
        if not text.strip():
            raise ValueError(f"a parameter declares its {key}; 'assumed' is a valid source")
    known: Status = status or ("assumed" if source.startswith("assumed") else "estimated")
    return Field(
        float(default),
        ge=low,
        le=high,
        description=meaning,
        json_schema_extra={"unit": unit, "low": low, "high": high, "source": source, "status": known},
    )


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
