"""A design of a sweep as a model of EMA Workbench: its uncertainties, levers and measures by their own names.

Names of parameters have dots. EMA Workbench passes them on as keys, so nothing is renamed.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.schema.errors import InputError, Phrase
from sim.sweeps import part_files, task
from sim.sweeps.batch import Batch
from sim.sweeps.design import SweepDesign
from sim.sweeps.exchange import EXTRA, MODEL, parameter_ends
from sim.sweeps.factors import Factors
from sim.sweeps.plan import Plan
from sim.sweeps.planning import planned

F = npt.NDArray[np.float64]
POLICY = "policy"
"""Name of the lever by which one of several policies is chosen."""


def ema_model(
    design: str | Path | SweepDesign | Mapping[str, Any], *, year: int | None = None, levels: bool = False
) -> Any:
    """Make a model of EMA Workbench of a design.

    Parameters
    ----------
    design : str, Path, SweepDesign or mapping
        A TOML file, or its content, as for `sweep`. Its uncertainties and levers have ranges, of which EMA Workbench
        makes the points. Its seeds are run at each point.
    year : int, optional
        Only this year, as a scalar outcome; by default a time series of all years.
    levels : bool
        Whether outcomes are levels under the policy, and not differences from the baseline.

    Returns
    -------
    ema_workbench.Model
        With several policies, the lever `policy` chooses one.

    Raises
    ------
    InputError
        If EMA Workbench is not installed, the design is wrong or has several places, or this process has made a model
        with the other choice of `year`, which EMA Workbench refuses.

    Examples
    --------
    >>> import sim
    >>> model = sim.ema_model("design.toml", year=10)  # doctest: +SKIP
    >>> experiments, outcomes = model.perform_experiments(scenarios=100)  # doctest: +SKIP
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EMA Workbench names its optional packages
            import ema_workbench as ema
    except ImportError:
        raise InputError("ema_model", None, "", EXTRA, Phrase("an installation without it")) from None
    function = DesignFunction(_resolved(design), year, levels=levels)
    plan = function.plan
    if year is not None and not 1 <= year <= plan.baseline.years:
        raise InputError("ema_model", None, "year", f"a whole number from 1 to {plan.baseline.years}", year)
    model = ema.Model(MODEL, function=function)
    model.uncertainties = [ema.RealParameter(name, *ends) for name, ends in parameter_ends(plan).items()]
    levers: list[Any] = [ema.RealParameter(name, *ends) for name, ends in _lever_ends(plan).items()]
    if len(function.sources) > 1:
        levers.append(ema.CategoricalParameter(POLICY, list(function.sources)))
    model.levers = levers
    outcome = ema.TimeSeriesOutcome if year is None else ema.ScalarOutcome
    try:
        model.outcomes = [outcome(name) for name in plan.metrics]
    except ValueError:  # its register of outcomes is one for the process
        wanted = "the same choice of year or all years as before: EMA Workbench has one kind of outcome for a name"
        raise InputError("ema_model", None, "year", wanted, Phrase("the other choice")) from None
    return model


class DesignFunction:
    """The outcomes of a policy at a point, by keyword arguments with the names of parameters and levers.

    Parameters
    ----------
    design : SweepDesign
        The design. Points of its own are not used.
    year : int or None
        Only this year.
    levels : bool
        Whether outcomes are levels, and not differences from the baseline.

    Attributes
    ----------
    plan : Plan
        The plan of the design.
    sources : tuple of str
        Names of the scenarios among which the lever `policy` chooses.
    """

    def __init__(self, design: SweepDesign, year: int | None, *, levels: bool) -> None:
        """Check the design."""
        self._year, self._levels = year, levels
        self._design = design.model_copy(update={"filter": [], "by": []})
        self.plan: Plan = planned(self._design)
        if len(self.plan.places) > 1:
            raise InputError("ema_model", None, "places", "a design of one place", Phrase(f"{len(self.plan.places)}"))
        self.sources = tuple(dict.fromkeys(policy.source for policy in self.plan.policies[1:]))
        if not self.sources:
            wanted = "a design of at least two policies, as outcomes are differences between policies"
            raise InputError("ema_model", None, "scenarios", wanted, Phrase("one"))

    def __call__(self, **point: Any) -> dict[str, Any]:
        """Run the baseline and a policy with each seed.

        Parameters
        ----------
        **point : float or str
            Value of each parameter and lever, and `policy`.

        Returns
        -------
        dict of str to ndarray or float
            Means over seeds by measure; NaN if a run fails.
        """
        source = point.pop(POLICY, self.sources[0])
        plan = self._planned(point)
        policy = next(k for k, each in enumerate(plan.policies) if k and each.source == source)
        groups = [group.only({group.runs[0], group.runs[policy]}) for group in plan.groups()]
        answer = task.make(pickle.dumps(plan.setting()))(Batch(tuple(groups)))
        years = plan.baseline.years
        if any(run.status != "done" for run in answer.runs):
            return {name: self._shaped(np.full(years, np.nan)) for name in plan.metrics}
        frame = part_files.decoded(answer.tables["outcomes"]).to_pandas().sort_values("year").set_index("run")
        out = {}
        for name in plan.metrics:
            values = [frame.loc[group.runs[1], name].to_numpy() for group in groups]
            if not self._levels:
                values = [v - frame.loc[g.runs[0], name].to_numpy() for v, g in zip(values, groups, strict=True)]
            out[name] = self._shaped(np.mean(values, axis=0))
        return out

    def _planned(self, point: Mapping[str, float]) -> Plan:
        """The plan of one point of the levers and of the uncertainties."""
        update: dict[str, Any] = {}
        for key in ("levers", "uncertainties"):
            factors: Factors | None = getattr(self._design, key)
            if factors is not None:
                values = {name: float(point[name]) for name in factors.names}
                changes: dict[str, Any] = {"method": "list", "points": [values], "factors": {}, "samples": None}
                update[key] = factors.model_copy(update=changes)
        return planned(self._design.model_copy(update=update))

    def _shaped(self, values: F) -> F | float:
        return values if self._year is None else float(values[self._year - 1])


def _lever_ends(plan: Plan) -> dict[str, tuple[float, float]]:
    """Ends of each lever: of its range or of its values."""
    points = np.array([policy.levers for policy in plan.policies if policy.levers is not None])
    return {name: (float(points[:, k].min()), float(points[:, k].max())) for k, name in enumerate(plan.lever_names)}


def _resolved(design: str | Path | SweepDesign | Mapping[str, Any]) -> SweepDesign:
    """The design, with files that it names relative to its own file."""
    if isinstance(design, SweepDesign):
        return design
    if not isinstance(design, str | Path):
        return SweepDesign.of(design)
    loaded, file = SweepDesign.load(design)

    def path(name: str) -> str:
        is_file = name.endswith(".toml") or "/" in name or "\\" in name
        return str((file.parent / Path(name).expanduser()).resolve()) if is_file else name

    return loaded.model_copy(
        update={
            "scenarios": [path(name) for name in loaded.scenarios],
            "places": [path(name) for name in loaded.places],
        }
    )
