"""The figures of the data files as parameters: every one has a dotted name, and can be set within its range.

| name | what it sets |
| --- | --- |
| `services.gp.activity.mean_months` | a figure of a service's file |
| `domains.care.recovery.serious_per_year` | a figure of a domain's file |
| `domains.care.crisis.england_total.65-109` | a published total, by the ages it is for |
| `domains.care.prevalence.serious.scale` | a whole table by age and fifth, relative to what it is |
| `place.ties.close_ties` | a figure of whichever place is simulated |

A scenario sets them under `[parameters]`, beside the parameters of mechanisms. What they change is known to be another
world: it is calibrated for itself (sim/calibration/calibrate.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from sim.people.domains import ByAgeAndQuintile, Crisis, Domain, EnglandTotal, load_domains
from sim.place.place import Place
from sim.schema.quantities import Figure, ParameterSpec
from sim.services.catalogue import Service, load_catalogue

M = TypeVar("M", bound=BaseModel)
Key = tuple[str | int, ...]
KINDS = ("services", "domains", "place")


class DataParameter(NamedTuple):
    """A figure as it stands in its file, and where it stands."""

    value: float
    spec: ParameterSpec
    key: Key


def is_figure(name: str) -> bool:
    """Whether a parameter's name is that of a data file's figure rather than of a mechanism's parameter."""
    return name.split(".", 1)[0] in KINDS


@lru_cache
def of_england() -> dict[str, DataParameter]:
    """Every figure of the services and domains, by its name."""
    found: dict[str, DataParameter] = {}
    for kind, models in (("services", load_catalogue()), ("domains", load_domains())):
        for model in models:
            for name, known in _within(model, ()):
                found[f"{kind}.{model.id}.{name}"] = _labelled(known, model.label, name)
    return found


def of_place(place: Place) -> dict[str, DataParameter]:
    """Every figure of a place, by its name."""
    return {f"place.{name}": _labelled(known, place.label, name) for name, known in _within(place, ())}


def set_in_england(values: Mapping[str, float]) -> tuple[tuple[Domain, ...], tuple[Service, ...]]:
    """The domains and services with these figures in place of their own. Other names are left aside."""
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
    """The place with these figures in place of its own. Other names are left aside."""
    known = of_place(place)
    for name, value in values.items():
        if name in known:
            place = _with(place, known[name].key, value)
    return place


def _within(part: object, key: Key, name: str = "") -> Iterator[tuple[str, DataParameter]]:
    """Each figure inside a part of a data file, with its name from here on."""
    if isinstance(part, Figure) and part.low == part.high:
        return  # fixed: there is nothing to set
    if isinstance(part, Figure):
        yield (
            name,
            DataParameter(part.value, ParameterSpec(part.unit, part.low, part.high, part.source, part.status, ""), key),
        )
        return
    if isinstance(part, ByAgeAndQuintile) and not isinstance(part, Crisis):  # crises are scaled to their totals
        low, high = 1.0 - part.spread, 1.0 + part.spread
        spec = ParameterSpec("times the table", low, high, part.source, part.status, "")
        yield f"{name}.scale", DataParameter(1.0, spec, (*key, "scale"))
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
    """The part with another value where the key leads."""
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
    step, rest = key[0], key[1:]
    if isinstance(part, BaseModel):
        return part.model_copy(update={str(step): _changed(getattr(part, str(step)), rest, value)})
    if isinstance(part, dict):
        return part | {step: _changed(part[step], rest, value)}
    return tuple(_changed(item, rest, value) if k == step else item for k, item in enumerate(part))
