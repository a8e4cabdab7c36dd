"""What a policy can pull: one lever a file. A new file here is a new lever, slider, sweep range and row in the tables.

A lever's file declares a `LEVER` and enters one kernel `(world, path, clock)` in the book; `path` is the lever's value
over time, `path[month, column]`. What a column is follows from the lever's `axis`:

| axis | columns |
| --- | --- |
| place | one |
| neighbourhood | one for each neighbourhood, by its index |
| service | one for each service, by its index |

Where policies are for some people only (`where`, `who`), a path by service has as many columns again for each further
group of people: `path[month, group * services + service]`, group 0 being everybody else (see `sim.state.tables.Aims`). A
budget lever hands its path to `sim.state.updates.fund`, which keeps each group its own part of the
places.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

Aim = Literal["service", "where", "who"]
Axis = Literal["place", "neighbourhood", "service"]
Section = Literal["Money", "Who gets in", "How staff work", "Who decides", "Community", "Outside services", "Shocks"]
"""Where a reader looks for a lever, in this order; 'Shocks' happen to a place rather than being decided."""


@dataclass(frozen=True)
class Lever:
    """A thing a policy can change."""

    name: str
    label: str
    section: Section
    unit: str
    low: float
    high: float
    baseline: float
    step: float
    source: str
    meaning: str
    kind: Literal["value", "shift"] = "value"
    """A 'shift' lever is 0 at baseline and takes only `shift`; a 'value' lever takes `value` or `shift`."""
    aims: tuple[Aim, ...] = ()
    """What a policy may aim it at: some services, some neighbourhoods, some ages."""
    axis: Axis = "service"
    """What the columns of its path are."""
    needs: tuple[Aim, ...] = ()
    """What a policy must say it is aimed at."""

    @property
    def shock(self) -> bool:
        """Whether it is something that happens to a place rather than something that is decided."""
        return self.section == "Shocks"

    @property
    def by_service(self) -> bool:
        """Whether a policy may aim it at some services."""
        return "service" in self.aims


@cache
def levers() -> tuple[Lever, ...]:
    """Every lever, in order of name."""
    found = [importlib.import_module(f"{__name__}.{info.name}").LEVER for info in pkgutil.iter_modules(__path__)]
    return tuple(sorted(found, key=lambda lever: lever.name))


def lever_sections() -> tuple[str, ...]:
    """The sections that levers stand in, in the order a reader meets them."""
    return get_args(Section)
