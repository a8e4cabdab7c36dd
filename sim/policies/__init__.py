"""Policy levers: one file each. A new file here is a new lever, slider, sweep range and row in the tables.

A lever's file declares a `LEVER` and registers one kernel `(world, path, clock)`; `path[month, column]` is the value of
the lever over time. The lever's `axis` determines the columns:

| axis | columns |
| --- | --- |
| place | one |
| neighbourhood | one for each neighbourhood, by its index |
| service | one for each service, by its index |
| prevention | one for policies without `prevention`, then one for each kind of prevention (`PREVENTION_KINDS`) |

Where policies are for some people only (`where`, `who`), a path by service has as many columns again for each further
group of people: `path[month, group * services + service]`; group 0 is everybody else (see `sim.state.aim_groups`).
A budget lever passes its path to `sim.state.updates.fund`, which keeps the share of each group.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from sim.schema.declarations import declared_modules, import_declaration, line_of
from sim.schema.errors import NOTHING, InputError
from sim.schema.prices import base_year, in_pounds
from sim.schema.quantities import Params, number
from sim.state.codes import Tier

Aim = Literal["service", "prevention", "where", "who"]
Axis = Literal["place", "neighbourhood", "service", "prevention"]
ServiceTrait = Literal["responsive", "not acute", "staffed", "funded", "helps by name"]
"""What a lever requires of a service: it is responsive; it is not acute; it has paid staff; it has a budget at baseline
(an alternative to another service has none); or it helps people by name, up to a number of places."""
Acts = Literal["every month", "year end", "when due", "with others"]
"""When a lever acts: in every month; in the last month of each year, when accounts are settled; when its values since
the start add up to one more event; or only in months in which another lever makes a change that it responds to."""
Pays = Literal["multiple", "pounds per head", "share", "workers per 10,000", "workers per 100,000"]
"""How the value of a lever pays for workers: as a multiple of budgets, pounds for each resident a year, a share of
budgets that is moved, or workers for so many residents."""
Section = Literal["Money", "Who gets in", "How staff work", "Who decides", "Community", "Outside services", "Shocks"]
"""Where a reader looks for a lever, in this order; 'Shocks' happen to a place rather than being decided."""


LEVER_GROUP = "levers"
"""The group of parameters that are baselines of levers."""


class OtherLever(BaseModel):
    """A change of another lever to which a lever responds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lever: str
    side: Literal["below", "above"]
    """The side of its baseline on which the other lever is."""
    tiers: tuple[Tier, ...] = ()
    """Tiers of the services that the change must concern; none for all."""


class Lever(BaseModel):
    """A setting that a policy can change, checked when its file is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """The name of its file."""
    label: str = Field(min_length=2, max_length=80)
    section: Section
    unit: str = Field(min_length=1)
    low: float
    high: float
    baseline: float
    """Its value where no policy moves it."""
    baseline_range: tuple[float, float] | None = None
    """Plausible range of the baseline, where the baseline has an effect of its own. The baseline is then a parameter,
    `levers.NAME`."""
    baseline_source: str = ""
    """Source of the baseline and its range; by default that of the lever."""
    step: float = Field(gt=0.0)
    """Step of its slider, in its unit."""
    source: str = Field(min_length=3)
    """Source of its range; "assumed" where there is none."""
    meaning: str = Field(min_length=10)
    kind: Literal["value", "shift"] = "value"
    """A 'shift' lever is 0 at baseline and takes only `shift`; a 'value' lever takes `value` or `shift`."""
    aims: tuple[Aim, ...] = ()
    """What a policy may aim it at: some services, one kind of prevention, some neighbourhoods, some ages. A lever that
    can be aimed at services can also be aimed at those of a kind of prevention."""
    axis: Axis = "service"
    """What the columns of its path are."""
    needs: tuple[Aim, ...] = ()
    """What a policy must aim it at."""
    acts_on: tuple[ServiceTrait, ...] = ()
    """What a service must be for the lever to change anything there; a policy aimed at another service is refused."""
    acts: Acts = "every month"
    """When it acts by itself; a policy that is over before is refused."""
    acts_with: tuple[OtherLever, ...] = ()
    """Changes of other levers in whose months it acts too."""
    pays: Pays | None = None
    """How it pays for workers, if it does."""
    price_year: str | None = None
    """Financial year of the pounds of its values, where its unit is of money: the base year, in which policies are
    written."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"a range whose low end, {self.low:g}, is below its high end, {self.high:g}")
        if not self.low <= self.baseline <= self.high:
            raise ValueError(f"a baseline inside the range {self.low:g} to {self.high:g}, not {self.baseline:g}")
        if self.baseline_range is not None:
            low, high = self.baseline_range
            if not self.low <= low <= self.baseline <= high <= self.high or low == high:
                raise ValueError(
                    f"a range around the baseline {self.baseline:g} within the lever's, not {low:g} to {high:g}"
                )
        if self.step > self.high - self.low:
            raise ValueError(f"a step no larger than the range, {self.high - self.low:g}, not {self.step:g}")
        if self.kind == "shift" and self.baseline != 0.0:
            raise ValueError(f"a baseline of 0 for a lever of kind 'shift', not {self.baseline:g}")
        if not set(self.needs) <= set(self.aims):
            raise ValueError(f"needs among its aims {list(self.aims)}, not {list(self.needs)}")
        if self.acts_on and "service" not in self.aims:
            raise ValueError(f"'service' among the aims of a lever that acts on some services, not {list(self.aims)}")
        if self.acts == "with others" and not self.acts_with:
            raise ValueError("acts_with for a lever that acts with others")
        if self.price_year != (base_year() if in_pounds(self.unit) else None):
            year = f"'{base_year()}', the year of all pounds of policies" if in_pounds(self.unit) else "none"
            raise ValueError(f"a price_year of {year}, not {self.price_year}")
        if self.axis == "place" and self.aims:
            raise ValueError(f"no aims for a lever of the whole place (axis 'place'), not {list(self.aims)}")
        if (self.axis == "prevention") != ("prevention" in self.aims):
            raise ValueError(f"the aim 'prevention' and the axis 'prevention' together, not {self.axis} {self.aims}")
        return self

    @property
    def shock(self) -> bool:
        """Whether it is something that happens to a place rather than something that is decided."""
        return self.section == "Shocks"

    @property
    def by_prevention(self) -> bool:
        """Whether a policy may aim it at a kind of prevention."""
        return self.by_service or self.axis == "prevention"

    @property
    def by_service(self) -> bool:
        """Whether a policy may aim it at some services."""
        return "service" in self.aims


@cache
def levers() -> tuple[Lever, ...]:
    """Every lever, in order of name.

    Raises
    ------
    InputError
        If the file of a lever declares something that is not allowed.
    """
    return tuple(sorted(map(_declared_in, declared_modules(sys.modules[__name__])), key=lambda lever: lever.name))


@cache
def lever_baselines() -> type[Params]:
    """Make the parameter class `LeverBaselines`: the baselines that have an effect where no policy moves the lever."""
    fields: dict[str, Any] = {
        lever.name: (
            float,
            number(
                lever.baseline,
                low=lever.baseline_range[0],
                high=lever.baseline_range[1],
                unit=lever.unit,
                source=lever.baseline_source or lever.source,
                meaning=f"{lever.label}, where no policy moves it",
                price_year=lever.price_year,
            ),
        )
        for lever in levers()
        if lever.baseline_range is not None
    }
    return create_model("LeverBaselines", __base__=Params, __module__=__name__, **fields)


def _declared_in(name: str) -> Lever:
    module = import_declaration(name)
    file, stem = Path(str(module.__file__)), name.rsplit(".", 1)[-1]
    lever = getattr(module, "LEVER", None)
    if not isinstance(lever, Lever):
        raise InputError(file, None, "LEVER", "a Lever", NOTHING if lever is None else lever)
    if lever.name != stem:
        raise InputError(file, line_of(file, r"^\s+name="), "Lever.name", "the name of its file", lever.name, (stem,))
    return lever


def lever_sections() -> tuple[str, ...]:
    """The sections that levers stand in, in the order a reader meets them."""
    return get_args(Section)
