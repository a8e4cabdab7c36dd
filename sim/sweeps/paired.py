"""Levels of a measure in a sweep, arranged so that differences between policies are paired.

A state is what nobody knows: a place with a point of the uncertainties and, if seeds draw parameters, with the draw of
a seed. Its repeats are runs that differ by chance events only: the seeds without draws, the replicates with draws. All
policies of a state and repeat have the same people, parameters and chance events.

Acute demand, and measures in its points, are stored as indices of each run: 100 is the first year of the baseline with
the same seed. Here all repeats of a state have one index, whose 100 is the mean of the baseline's first year over the
repeats, as in `sim.compare`. It needs the stored pounds of acute demand; without them the index of each run stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.results.metric_types import Metric
from sim.results.metrics import HEADLINE, metric
from sim.schema.errors import InputError, Phrase
from sim.sweeps.outcomes import POUNDS
from sim.sweeps.store import DONE, OUTCOMES, RUNS

if TYPE_CHECKING:
    import pandas as pd

    from sim.sweeps.results import Sweep

F = npt.NDArray[np.float64]
STATE = ["place", "point"]
"""Columns that name a state without draws."""


class PairedLevels(NamedTuple):
    """Levels of a measure by policy, state, repeat and year.

    Attributes
    ----------
    metric : Metric
        The measure.
    policies : tuple of str
        Names of the policies, the baseline first.
    states : pandas.DataFrame
        A row for each state: `place`, `point`, with draws `seed`, and a column for each uncertain parameter.
    parameters : tuple of str
        The columns of parameters.
    levels : ndarray of float64, shape (policies, states, repeats, years)
        NaN where a run is not done or has no value.
    is_crossed : bool
        Whether the repeats of all states have the same chance events, so that these cancel between states.
    """

    metric: Metric
    policies: tuple[str, ...]
    states: pd.DataFrame
    parameters: tuple[str, ...]
    levels: F
    is_crossed: bool

    @property
    def differences(self) -> F:
        """Differences of each policy but the baseline, shape (policies - 1, states, repeats, years)."""
        out: F = self.levels[1:] - self.levels[:1]
        return out


def checked_metric(sweep: Sweep, name: str | None) -> Metric:
    """Choose a measure of a sweep: by default acute demand, or the only one.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    name : str or None
        Id of the measure.

    Returns
    -------
    Metric

    Raises
    ------
    InputError
        If it is not stored.
    """
    stored = sweep.plan.metrics
    if name is None and len(stored) == 1:
        return metric(stored[0])
    if name is None and HEADLINE not in stored:
        raise InputError(sweep.folder, None, "--metric", "a measure of this sweep", Phrase("none"), stored)
    if name is not None and name not in stored:
        raise InputError(sweep.folder, None, "--metric", "a measure of this sweep", name, stored)
    return metric(name or HEADLINE)


def checked_year(sweep: Sweep, year: int | None) -> int:
    """Choose a year of a sweep, by default the last. Raises InputError for a year beyond it."""
    years = sweep.plan.baseline.years
    if year is not None and not 1 <= year <= years:
        raise InputError(sweep.folder, None, "--year", f"a whole number from 1 to {years}", year)
    return year or years


def checked_place(sweep: Sweep, place: str | None) -> str | None:
    """Choose a place of a sweep; None for all. Raises InputError for another place."""
    names = [each.name for each in sweep.plan.places]
    if place is not None and place not in names:
        raise InputError(sweep.folder, None, "--place", "a place of this sweep", place, names)
    return place


def paired_levels(
    sweep: Sweep, measure: Metric, years: Sequence[int], *, by_draw: bool = True, place: str | None = None
) -> PairedLevels:
    """Read the levels of a measure.

    Parameters
    ----------
    sweep : Sweep
        The sweep, which may be done in part.
    measure : Metric
        The measure.
    years : sequence of int
        The years.
    by_draw : bool
        Whether each draw of a seed is a state; else draws count as repeats of their point.
    place : str or None
        Only this place.

    Returns
    -------
    PairedLevels
        Policies and states of which some run is done.

    Raises
    ------
    InputError
        If no run is done, or none of the baseline, or no policy besides the baseline.
    """
    plan = sweep.plan
    is_drawn = plan.design.draws != "none" and by_draw
    keys = [*STATE, "seed"] if is_drawn else STATE
    runs = _runs(sweep)
    if place is not None:
        runs = runs[runs["place"] == place]
    order = {policy.scenario.name: k for k, policy in enumerate(plan.policies)}
    names = sorted(runs["policy"].unique(), key=order.__getitem__)
    if not names:
        raise InputError(sweep.folder, None, "", "a sweep with finished runs", Phrase("none is done"))
    if names[0] != plan.baseline.name:
        wanted = f"a sweep with finished runs of the baseline {plan.baseline.name}, to which differences refer"
        raise InputError(sweep.folder, None, "", wanted, Phrase(f"runs of {', '.join(names[:5])}"))
    if len(names) < 2:
        wanted = "a sweep of at least two policies, as differences between policies are analysed"
        raise InputError(sweep.folder, None, "", wanted, Phrase(f"finished runs of {names[0]} only"))
    values, pounds = _values(sweep, measure, years)
    runs = runs[runs["run"].isin(values.index)]
    towns = {each.name: k for k, each in enumerate(plan.places)}
    about = runs.assign(place=runs["place"].map(towns))
    states = about[keys].drop_duplicates().sort_values(keys, ignore_index=True)
    repeat_keys = ["replicate"] if is_drawn else ["seed", "replicate"]
    repeats = about[repeat_keys].drop_duplicates().sort_values(repeat_keys, ignore_index=True)
    at = (
        about["policy"].map({name: k for k, name in enumerate(names)}).to_numpy(int),
        _positions(states, about, keys),
        _positions(repeats, about, repeat_keys),
    )
    levels = np.full((len(names), len(states), len(repeats), len(years)), np.nan)
    levels[at] = values.loc[about["run"], list(years)].to_numpy()
    if pounds is not None:
        first = np.full(levels.shape[:3], np.nan)
        first[at] = pounds.loc[about["run"]].to_numpy()
        count = np.isfinite(first[0]).sum(axis=1, keepdims=True)
        mean = np.nansum(first[0], axis=1, keepdims=True) / np.where(count > 0, count, np.nan)
        levels *= (first[0] / mean)[None, :, :, None]
    frame, parameters = _with_parameters(sweep, states, is_drawn)
    return PairedLevels(measure, tuple(names), frame, parameters, levels, not is_drawn)


def state_means(values: F) -> F:
    """Mean over the repeats of each state, on the last axis.

    Parameters
    ----------
    values : ndarray of float64, shape (..., repeats)
        NaN where a run is missing.

    Returns
    -------
    ndarray of float64, shape (...)
        NaN for a state without any.
    """
    count = np.isfinite(values).sum(axis=-1)
    out: F = np.nansum(values, axis=-1) / np.where(count > 0, count, np.nan)
    return out


def _runs(sweep: Sweep) -> pd.DataFrame:
    """The runs that are done: identity, policy, place, point, seed and replicate."""
    import pandas as pd

    columns = ["run", "policy", "place", "point", "seed", "replicate"]
    parts = []
    for table in sweep.tables(RUNS):
        frame: pd.DataFrame = table.select([*columns, "status"]).to_pandas()
        parts.append(frame[frame["status"] == DONE][columns])
    done = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    points = sweep.plan.points
    if len(np.unique(points, axis=0)) < len(points):  # two points with one run
        rows = sweep.rows()[columns]
        return rows[rows["run"].isin(done["run"])].reset_index(drop=True)
    return done


def _values(sweep: Sweep, measure: Metric, years: Sequence[int]) -> tuple[pd.DataFrame, pd.Series[float] | None]:
    """Values by run and year and, for an index, the pounds of acute demand in the first year by run."""
    import pandas as pd

    is_index = measure.index_of is not None and HEADLINE in sweep.plan.metrics
    columns = list(dict.fromkeys(["run", "year", measure.name, *([POUNDS] if is_index else [])]))
    wanted = {*years, 1} if is_index else set(years)
    parts = []
    for table in sweep.tables(OUTCOMES):
        frame: pd.DataFrame = table.select(columns).to_pandas()
        parts.append(frame[frame["year"].isin(wanted)])
    outcomes = pd.concat(parts, ignore_index=True)
    values = outcomes.pivot(index="run", columns="year", values=measure.name)
    if not is_index:
        return values, None
    first = outcomes[outcomes["year"] == 1]
    return values, first.set_index("run")[POUNDS]


def _positions(frame: pd.DataFrame, about: pd.DataFrame, keys: list[str]) -> npt.NDArray[np.intp]:
    """Row of a frame of different keys for each row of another frame."""
    import pandas as pd

    return pd.MultiIndex.from_frame(frame[keys]).get_indexer(pd.MultiIndex.from_frame(about[keys]))


def _with_parameters(sweep: Sweep, states: pd.DataFrame, is_drawn: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The states with names of places and a column for each parameter, and the names of these columns."""
    import pandas as pd

    plan = sweep.plan
    town = [plan.places[k].name for k in states["place"]]
    points = pd.DataFrame(plan.points[states["point"].to_numpy(int)], columns=list(plan.parameter_names))
    parts: list[Any] = [states.assign(place=town), points]
    if is_drawn:
        drawn = sweep.draws.set_index(["place", "seed"])
        keys = pd.MultiIndex.from_arrays([town, states["seed"]])
        parts.append(drawn.reindex(keys).reset_index(drop=True))
    out = pd.concat(parts, axis=1)
    return out, tuple(column for part in parts[1:] for column in part.columns)
