"""What is measured of each run: a measure, of all or of a group, as a mean over some years.

Acute demand is in pounds per person per year at fixed unit costs here, as are measures in its points. `scale` makes an
index of differences: 100 is the mean over draws of the baseline's first year, so every draw has the same factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.measurement import index_scale, values_by_step
from sim.results.metric_types import Metric
from sim.results.metrics import AXIS_NAMES, HEADLINE, metrics
from sim.results.records import Record
from sim.services.catalogue import load_catalogue
from sim.state.codes import SILOS

F = npt.NDArray[np.float64]
HOLDER = "silo"
"""Axis of spending by budget holder."""


@lru_cache(maxsize=1)
def measures() -> dict[str, Metric]:
    """Every measure by its id: a search looks up the same ones for each run."""
    return {measure.name: measure for measure in metrics()}


class Quantity(NamedTuple):
    """A measure of a run.

    Attributes
    ----------
    metric : str
        Id of the measure.
    first, last : int
        First and last year.
    axis, group : str
        Axis and group, or "" for all.
    """

    metric: str
    first: int
    last: int
    axis: str = ""
    group: str = ""

    @property
    def column(self) -> str:
        """Name of its column in tables."""
        of_group = f" of {self.axis} {self.group}" if self.axis else ""
        years = f"year {self.first}" if self.first == self.last else f"years {self.first} to {self.last}"
        return f"{self.metric}{of_group}, {years}"


def base_of_index() -> Quantity:
    """The quantity of the baseline that is 100: acute demand of its first year."""
    return Quantity(HEADLINE, 1, 1)


def measured(record: Record, quantities: Sequence[Quantity]) -> F:
    """Measure a run.

    Parameters
    ----------
    record : Record
        The run.
    quantities : sequence of Quantity
        What is measured.

    Returns
    -------
    ndarray of float64, shape (quantities,)
        NaN for a measure that does not exist, or not by the axis.
    """
    by_axis: dict[tuple[str, str], F] = {}
    out = np.full(len(quantities), np.nan)
    for k, quantity in enumerate(quantities):
        key = (quantity.metric, quantity.axis)
        if key not in by_axis:
            by_axis[key] = yearly(record, *key)
        names = group_names(quantity.axis)
        values = by_axis[key]
        if len(values) == len(names):
            out[k] = values[names.index(quantity.group), quantity.first - 1 : quantity.last].mean()
    return out


def yearly(record: Record, name: str, axis: str) -> F:
    """A measure by group of an axis and year."""
    if axis != HOLDER:
        values: F = values_by_step(record, measures()[name], axis or None)[1]
        return values
    by_service = values_by_step(record, measures()[name], "service")[1]
    return by_holder(by_service)


def by_holder(of_services: F) -> F:
    """Sum values of all services by budget holder. Shape (services, …) to (budget holders, …)."""
    holders = [service.silo for service in load_catalogue()]
    chosen = [[k for k, name in enumerate(holders) if name == holder] for holder in SILOS]
    return np.stack([of_services[services].sum(axis=0) for services in chosen])


def group_names(axis: str) -> tuple[str, ...]:
    """Names of the groups of an axis; ("",) for none."""
    return ("",) if not axis else AXIS_NAMES[axis]()


def scales(quantities: Sequence[Quantity], baseline: F) -> F:
    """The factor of each quantity from its stored values to the unit of its measure.

    Parameters
    ----------
    quantities : sequence of Quantity
        The quantities.
    baseline : ndarray of float64, shape (draws, quantities)
        Stored values of the baseline.

    Returns
    -------
    ndarray of float64, shape (quantities,)
    """
    of_index = index_scale(baseline[:, list(quantities).index(base_of_index())])
    return np.array([1.0 if measures()[q.metric].index_of is None else of_index for q in quantities])
