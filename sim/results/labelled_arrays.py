"""Results of a comparison as labelled arrays (xarray)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.results.metric_series import MetricSeries
from sim.results.metrics import AXIS_NAMES, metrics
from sim.results.records import RECORDED, RECORDED_BY_YEAR

if TYPE_CHECKING:
    import xarray as xr

    from sim.results.comparison import Comparison

SPREADS = {"luck_sd": "chance events", "parameter_sd": "parameters"}


def labelled_arrays(comparison: Comparison) -> xr.Dataset:
    """Labelled arrays of every count and every metric.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    xarray.Dataset
        Counts have the axes scenario, seed, month or year, and service, domain, level, quintile, age or
        neighbourhood where they have them; each metric has scenario, seed and year. `luck_sd` and `parameter_sd`, the
        standard deviations between seeds by chance events and by parameters, have the axes metric, scenario and year;
        so have `difference_luck_sd` and `difference_parameter_sd`, for differences from the baseline. Every variable
        has the attributes `long_name` and `units`.
    """
    import xarray as xr

    names = comparison.names
    labels: dict[str, Any] = {"scenario": list(names), "seed": list(comparison.seeds), "month": comparison.months}
    labels["year"] = list(range(1, comparison.scenarios[0].years + 1))
    arrays: dict[str, Any] = {}
    for name, recorded in (RECORDED | RECORDED_BY_YEAR).items():
        step, period = ("month", "monthly") if name in RECORDED else ("year", "yearly")
        stacked = np.stack(
            [np.stack([getattr(r, period)[name] for r in comparison.records[s]]) for s in comparison.names]
        )
        column = recorded.description()
        about = {"long_name": column.meaning, "units": column.unit}
        arrays[name] = (("scenario", "seed", step, *recorded.axes), stacked, about)
        for axis in recorded.axes:
            if axis == "neighbourhood":
                labels[axis] = list(comparison.neighbourhoods)
            elif axis == "level":
                labels[axis] = [0, 1, 2, 3]
            else:
                labels[axis] = list(AXIS_NAMES[axis]())
    for measure in metrics():
        if measure.against is None:
            values = np.stack([comparison.grouped(name, measure, "year", None)[:, 0] for name in names])
            name = measure.name if measure.name not in arrays else f"{measure.name}_per_year"
            about = {"long_name": measure.label, "units": measure.unit}
            about |= {"comment": measure.meaning} if measure.meaning else {}
            arrays[name] = (("scenario", "seed", "year"), values, about)
    levels = [measure for measure in metrics() if measure.against is None]
    labels["metric"] = [measure.name for measure in levels]
    for change, before in ((False, ""), (True, "difference_")):
        figures = [
            [MetricSeries(comparison, measure).figures(name, "year", None, change=change) for name in names]
            for measure in levels
        ]
        for sd, cause in SPREADS.items():
            values = np.stack([[of_name[sd][0] for of_name in of_measure] for of_measure in figures])
            about = {"long_name": f"standard deviation between seeds by {cause}", "units": "that of the metric"}
            arrays[f"{before}{sd}"] = (("metric", "scenario", "year"), values, about)
    origin = {
        "upstream": comparison.origin.versions["upstream"],
        "place": comparison.place.name,
        "people": comparison.people,
        "engine": comparison.engine,
    }
    origin["draws"] = comparison.draws
    origin |= {f"extension_{name}": sha256 for name, sha256 in comparison.origin.extensions.items()}
    return xr.Dataset(arrays, coords=labels, attrs=origin)
