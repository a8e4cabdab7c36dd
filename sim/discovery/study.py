"""`sim.discover`: where a policy of a sweep does worse than the baseline, and which policy is least bad everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.discovery.boxes import find_boxes, prim_module
from sim.discovery.cases import Interest, count_cases, interest_of
from sim.discovery.choice import choose, common
from sim.discovery.features import feature_scores
from sim.discovery.result import OF_BOXES, Discovery, box_document, choice_document
from sim.schema.errors import InputError, Phrase
from sim.sweeps.paired import PairedLevels, checked_metric, checked_place, checked_year, paired_levels, state_means
from sim.sweeps.results import Sweep, open_sweep

if TYPE_CHECKING:
    import pandas as pd

F = npt.NDArray[np.float64]
FEWEST_POINTS = 20
"""Fewest points among which boxes are searched."""
FEWEST_STATES = 2
MOST_BOXES = 5
MOST_SUBJECTS = 12
"""Largest number of policies, or scenarios with levers, for which boxes are searched at once."""


class Subject(NamedTuple):
    """A policy, or a scenario at several points of the levers, for which boxes are searched.

    Attributes
    ----------
    name : str
        Name of the policy or the scenario.
    policies : tuple of str
        The policies: with several, the levers are inputs too.
    """

    name: str
    policies: tuple[str, ...]


def discover(
    sweep: str | Path | Sweep,
    *,
    metric: str | None = None,
    year: int | None = None,
    policy: str | None = None,
    place: str | None = None,
    above: float | None = None,
    below: float | None = None,
    level: bool = False,
    boxes: int = 1,
    box: int | None = None,
    seed: int = 0,
) -> Discovery:
    """Compare the policies of a sweep over everything that is not known, and search where they do badly.

    Parameters
    ----------
    sweep : str, Path or Sweep
        A sweep, or its folder. It may be done in part.
    metric : str, optional
        Id of a measure of the sweep; by default acute demand, or the only measure.
    year : int, optional
        The year; by default the last.
    policy : str, optional
        Search boxes for this policy, or scenario with levers, only. Regret is always that among all policies.
    place : str, optional
        Only this place.
    above, below : float, optional
        A point is of interest where the difference is above, or below, this. By default where the policy is worse than
        the baseline.
    level : bool
        Whether the condition is on the level under the policy, and not on its difference from the baseline.
    boxes : int
        Largest number of boxes of a policy; 0 searches none, and needs no further package.
    box : int, optional
        Position of the first box on the path of the search; by default it is chosen.
    seed : int
        Seed of random halves and of trees.

    Returns
    -------
    Discovery

    Raises
    ------
    InputError
        If there is no sweep, a name is unknown, there is one policy only, there are too few points, no point or every
        point is of interest, or the package for boxes is not installed.

    Examples
    --------
    >>> import sim
    >>> result = sim.discover("out/sweep", boxes=0)  # doctest: +SKIP
    >>> result.choice()  # doctest: +SKIP
    """
    opened = sweep if isinstance(sweep, Sweep) else open_sweep(sweep)
    folder = opened.folder
    if not 0 <= boxes <= MOST_BOXES:
        raise InputError("--boxes", None, "", f"a whole number from 0 to {MOST_BOXES}", boxes)
    measure, at = checked_metric(opened, metric), checked_year(opened, year)
    interest = interest_of(folder, measure, above, below, of_level=level)
    paired = paired_levels(opened, measure, [at], place=checked_place(opened, place))
    subjects = _subjects(opened, paired, policy)
    levels = paired.levels[..., 0]
    is_random = opened.plan.design.engine == "agents"
    planned = len(opened.plan.points) * (len(opened.plan.places) if place is None else 1)
    planned *= 1 if paired.is_crossed else len(opened.plan.design.numbers)
    number = len(common(levels)[1])
    _check_states(folder, number, FEWEST_STATES, planned)
    if boxes:
        _check_states(folder, number, FEWEST_POINTS, planned, " for boxes; --boxes 0 makes the other tables")
        _check_subjects(folder, subjects)
        prim_module()
    choice = choose(paired.policies, levels, interest, is_crossed=paired.is_crossed, is_random=is_random)
    document = choice_document(choice, paired, opened, interest, at)
    document["points_planned"], document["boxes"] = planned, []
    if boxes:
        search = _Search(opened, paired, interest, seed)
        document["boxes"] = [search.subject(subject, boxes, box) for subject in subjects]
        document["notes"].insert(-1, OF_BOXES)
        _check_cases(folder, interest, document["boxes"])
    return Discovery(document)


def _check_states(folder: Path, number: int, fewest: int, planned: int, further: str = "") -> None:
    """Refuse too few points at which policies can be compared."""
    if number < fewest:
        wanted = f"at least {fewest} points with finished runs of every policy{further}"
        raise InputError(folder, None, "", wanted, Phrase(f"{number:,} of {planned:,}"))


def _subjects(sweep: Sweep, paired: PairedLevels, name: str | None) -> list[Subject]:
    """The policies for which boxes are searched: a scenario at several points of the levers is one."""
    by_source: dict[str, list[str]] = {}
    present = set(paired.policies[1:])
    for policy in sweep.plan.policies:
        if policy.scenario.name in present:
            is_many = policy.levers is not None
            by_source.setdefault(policy.source if is_many else policy.scenario.name, []).append(policy.scenario.name)
    subjects = [Subject(source, tuple(names)) for source, names in by_source.items()]
    if name is None:
        return subjects
    known = {subject.name: subject for subject in subjects} | {each: Subject(each, (each,)) for each in present}
    if name not in known:
        choices = [*by_source, *(each for each in paired.policies[1:] if each not in by_source)]
        raise InputError(sweep.folder, None, "--policy", "a policy of this sweep with finished runs", name, choices)
    return [known[name]]


def _check_subjects(folder: Path, subjects: list[Subject]) -> None:
    """Refuse a search for more policies than somebody reads."""
    if len(subjects) > MOST_SUBJECTS:
        wanted = f"--policy, as boxes are searched for at most {MOST_SUBJECTS} policies"
        names = [subject.name for subject in subjects]
        raise InputError(folder, None, "--policy", wanted, Phrase(f"{len(names)} policies"), names)


def _check_cases(folder: Path, interest: Interest, searched: list[dict[str, Any]]) -> None:
    """Refuse a condition that no point, or every point, of all policies meets."""
    cases, number = (sum(each[name] for each in searched) for name in ("cases", "points"))
    if 0 < cases < number:
        return
    spans = [f"{each['policy']}: {each['low']:.4g} to {each['high']:.4g}" for each in searched]
    wanted = (
        "another --above or --below, which holds at some points and not at others; --boxes 0 makes the other tables"
    )
    option = "--above" if interest.side == "above" else "--below"
    came = Phrase(f"{'all' if cases else 'none'} of {number:,} points")
    raise InputError(folder, None, option, wanted, came, spans)


class _Search:
    """The search for boxes of some policies."""

    def __init__(self, sweep: Sweep, paired: PairedLevels, interest: Interest, seed: int) -> None:
        self.sweep, self.paired, self.interest, self.seed = sweep, paired, interest, seed

    def subject(self, subject: Subject, boxes: int, box: int | None) -> dict[str, Any]:
        """Boxes and scores of a policy."""
        at = [self.paired.policies.index(name) for name in subject.policies]
        levels = self.paired.levels[..., 0]
        differences = levels[at] - levels[0]
        values = levels[at] if self.interest.of_level else differences
        means = state_means(values).ravel()
        present = np.isfinite(means) & np.isfinite(state_means(differences)).ravel()
        inputs = self._inputs(at)[present].reset_index(drop=True)
        cases = self.interest.holds(means[present])
        is_random = self.sweep.plan.design.engine == "agents"
        flat = values.reshape(-1, values.shape[-1])[present]
        counts = count_cases(flat, self.interest, is_random=is_random)
        located: list[Any] = []
        if 0 < cases.sum() < len(cases):
            located = find_boxes(inputs, cases, boxes=boxes, number=box, seed=self.seed)
        scores = feature_scores(inputs, state_means(differences).ravel()[present], self.seed)
        spans = float(means[present].min()), float(means[present].max())
        return box_document(subject.name, counts, spans, located, scores, self.sweep)

    def _inputs(self, at: list[int]) -> pd.DataFrame:
        """The inputs of each policy and state: parameters, levers if there are several policies, and the place."""
        import pandas as pd

        paired, plan = self.paired, self.sweep.plan
        one_policy = paired.states[list(paired.parameters)].astype(float)
        if paired.states["place"].nunique() > 1:
            one_policy["place"] = paired.states["place"].astype(object)
        parts = []
        levers = {policy.scenario.name: policy.levers for policy in plan.policies}
        for k in at:
            values = levers[paired.policies[k]]
            point = dict(zip(plan.lever_names, values, strict=True)) if values is not None and len(at) > 1 else {}
            parts.append(one_policy.assign(**point))
        out = pd.concat(parts, ignore_index=True)
        return out[[name for name in out.columns if out[name].nunique() > 1]]
