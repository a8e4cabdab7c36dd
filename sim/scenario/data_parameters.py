"""The figures of the data files as parameters: each has a dotted name, and can be set within its range.

| name | meaning |
| --- | --- |
| `services.gp.activity.mean_months` | a figure of a service's file |
| `domains.care.recovery.serious_per_year` | a figure of a domain's file |
| `domains.care.crisis.england_total.65-109` | a published total, by the ages that it covers |
| `domains.care.prevalence.serious.scale` | a table by age and fifth as a multiple of its published values |
| `domains.care.crisis.mean_months.scale` | months of a crisis after its first, as a multiple of those in the file |
| `place.ties.close_ties` | a figure of the place that is simulated |

A scenario sets them under `[parameters]`, together with the parameters of mechanisms. A world with other figures is
calibrated separately (sim/calibration/calibrate.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from sim.people.domains import ByAgeAndQuintile, Crisis, Domain, EnglandTotal, load_domains
from sim.place.place import Place
from sim.schema.quantities import Figure, ParameterSpec, Price
from sim.services.catalogue import Service, load_catalogue

M = TypeVar("M", bound=BaseModel)
Key = tuple[str | int, ...]
KINDS = ("services", "domains", "place")
MONTHS = "mean_months"
"""The key of the table of the lengths of crises."""


class DataParameter(NamedTuple):
    """A figure of a data file as a parameter.

    Attributes
    ----------
    value : float
        Value in the file.
    spec : ParameterSpec
        Unit, range, source, status and meaning.
    key : tuple of str or int
        Path of the figure in the model of its file.
    """

    value: float
    spec: ParameterSpec
    key: Key


def is_figure(name: str) -> bool:
    """Test whether a parameter is a figure of a data file rather than a parameter of a mechanism.

    Parameters
    ----------
    name : str
        Dotted name of the parameter.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_figure("services.gp.activity.mean_months"), is_figure("resilience.scar")
    (True, False)
    """
    return name.split(".", 1)[0] in KINDS


@lru_cache
def of_england() -> dict[str, DataParameter]:
    """Collect every figure of the services and domains, by dotted name."""
    parameters: dict[str, DataParameter] = {}
    for kind, models in (("services", load_catalogue()), ("domains", load_domains())):
        for model in models:
            for name, known in _within(model, ()):
                parameters[f"{kind}.{model.id}.{name}"] = _labelled(known, model.label, name)
    return parameters


def fixed(place: Place) -> dict[str, float]:
    """Collect the figures whose range is a single value: they are no parameters.

    Parameters
    ----------
    place : Place
        The place whose own figures are included.

    Returns
    -------
    dict of str to float
        Values by dotted name.
    """
    parts = [("services", s.id, s) for s in load_catalogue()] + [("domains", d.id, d) for d in load_domains()]
    values = {f"{kind}.{name}.{key}": value for kind, name, part in parts for key, value in _fixed_within(part)}
    return values | {f"place.{key}": value for key, value in _fixed_within(place)}


def _fixed_within(part: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Iterate over the fixed figures inside a part of a data file."""
    if isinstance(part, Figure):
        if part.low == part.high:
            yield name, part.value
        return
    inside = part.items() if isinstance(part, dict) else part if isinstance(part, BaseModel) else ()
    for field, value in inside:
        yield from _fixed_within(value, f"{name}.{field}" if name else str(field))


def of_place(place: Place) -> dict[str, DataParameter]:
    """Collect every figure of a place.

    Parameters
    ----------
    place : Place
        The place.

    Returns
    -------
    dict of str to DataParameter
        By dotted name, which begins with ``place.``.
    """
    return {f"place.{name}": _labelled(known, place.label, name) for name, known in _within(place, ())}


def set_in_england(values: Mapping[str, float]) -> tuple[tuple[Domain, ...], tuple[Service, ...]]:
    """Set figures of the domains and services.

    Parameters
    ----------
    values : mapping of str to float
        Values by dotted name. Names of other parameters are ignored.

    Returns
    -------
    domains : tuple of Domain
        The domains, with these values.
    services : tuple of Service
        The services, with these values.
    """
    return _set_in_england(tuple(sorted((n, v) for n, v in values.items() if n in of_england())))


@lru_cache(maxsize=64)
def _set_in_england(values: tuple[tuple[str, float], ...]) -> tuple[tuple[Domain, ...], tuple[Service, ...]]:
    changed: dict[str, Any] = {f"services.{s.id}": s for s in load_catalogue()}
    changed |= {f"domains.{d.id}": d for d in load_domains()}
    for name, value in values:
        owner = ".".join(name.split(".", 2)[:2])
        changed[owner] = _with(changed[owner], of_england()[name].key, value)
    domains = tuple(changed[f"domains.{d.id}"] for d in load_domains())
    return domains, tuple(changed[f"services.{s.id}"] for s in load_catalogue())


def set_in_place(place: Place, values: Mapping[str, float]) -> Place:
    """Set figures of a place.

    Parameters
    ----------
    place : Place
        The place.
    values : mapping of str to float
        Values by dotted name. Names of other parameters are ignored.

    Returns
    -------
    Place
        The place, with these values.
    """
    known = of_place(place)
    for name, value in values.items():
        if name in known:
            place = _with(place, known[name].key, value)
    return place


def _within(part: object, key: Key, name: str = "") -> Iterator[tuple[str, DataParameter]]:
    """Iterate over the figures inside a part of a data file, with their names relative to the part."""
    if isinstance(part, Figure) and part.low == part.high:
        return  # fixed: there is nothing to set
    if isinstance(part, Figure):
        spec = ParameterSpec(part.unit, part.low, part.high, part.source, part.status, "")
        if isinstance(part, Price):
            spec = spec._replace(price_year=part.price_year, quoted=part.quoted)
        yield name, DataParameter(part.value, spec, key)
        return
    if isinstance(part, ByAgeAndQuintile) and not isinstance(part, Crisis):  # crises are scaled to their totals
        low, high = 1.0 - part.spread, 1.0 + part.spread
        spec = ParameterSpec("times the table", low, high, part.source, part.status, "")
        yield f"{name}.scale", DataParameter(1.0, spec, (*key, "scale"))
    if isinstance(part, Crisis) and max(part.mean_months.values()) > 1.0:  # else no crisis outlasts its first month
        spec = ParameterSpec(
            "times the months after the first", 1.0 - part.spread, 1.0 + part.spread, "assumed", "assumed", ""
        )
        yield f"{name}.{MONTHS}.scale", DataParameter(1.0, spec, (*key, MONTHS, "scale"))
    inside: list[tuple[str | int, str, object]] = []
    if isinstance(part, BaseModel):
        inside = [(field, field, getattr(part, field)) for field in type(part).model_fields]
    elif isinstance(part, dict):
        inside = [(field, str(field), value) for field, value in part.items()]
    elif isinstance(part, tuple):
        for k, total in enumerate(part):
            if isinstance(total, EnglandTotal):
                ages = f"{name}.{total.ages[0]}-{total.ages[1]}"
                yield from _within(total.value, (*key, k, "value"), ages)
    for step, field, value in inside:
        yield from _within(value, (*key, step), f"{name}.{field}" if name else field)


def _labelled(known: DataParameter, label: str, name: str) -> DataParameter:
    words = name.replace(".", ", ").replace("_", " ")
    return known._replace(spec=known.spec._replace(meaning=f"{label}: {words}"))


def _with(part: M, key: Key, value: float) -> M:
    """Copy the part with another value at the key."""
    changed: M = _changed(part, key, value)
    return changed


def _changed(part: Any, key: Key, value: float) -> Any:
    if isinstance(part, Figure) and not key:
        return part.model_copy(update={"value": value})
    if isinstance(part, ByAgeAndQuintile) and key == ("scale",):
        return part.model_copy(
            update={
                "by_age": part.by_age and {band: x * value for band, x in part.by_age.items()},
                "by_age_and_quintile": part.by_age_and_quintile
                and {band: tuple(x * value for x in row) for band, row in part.by_age_and_quintile.items()},
            }
        )
    if isinstance(part, Crisis) and key == (MONTHS, "scale"):
        return part.model_copy(update={MONTHS: {b: 1.0 + (x - 1.0) * value for b, x in part.mean_months.items()}})
    step, rest = key[0], key[1:]
    if isinstance(part, BaseModel):
        return part.model_copy(update={str(step): _changed(getattr(part, str(step)), rest, value)})
    if isinstance(part, dict):
        return part | {step: _changed(part[step], rest, value)}
    return tuple(_changed(item, rest, value) if k == step else item for k, item in enumerate(part))
