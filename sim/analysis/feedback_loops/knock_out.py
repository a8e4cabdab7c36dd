"""Measures the part of the difference between two policies that is lost when a loop is disabled.

Both the baseline and the scenario run with and without the loop, on the same seeds (the same people and the same chance
events). The result is the difference between the two differences, seed by seed, so that an effect of the cut on the
baseline itself cancels out. Loops interact, so the parts of several loops do not add up to the total difference and can
exceed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.ensemble.compare import compare
from sim.ensemble.run_limits import Runs, one_job
from sim.feedback.loops import BY_NAME, LOOPS
from sim.place.place import Place
from sim.results.comparison import Comparison
from sim.results.metric_types import Metric
from sim.results.metrics import metric
from sim.results.money.verdicts import fieller
from sim.results.summary import summary
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import Progress

F = npt.NDArray[np.float64]
LAST = 5
"""Years at the end of a run over which a difference is averaged, if there are as many."""


@dataclass(frozen=True)
class KnockOutEffect:
    """The difference of a metric between two policies, with a loop and without it. Arrays have shape (seed, year)."""

    names: tuple[str, ...]
    """Names of the loops or mechanisms that are disabled together."""
    with_loop: F
    without_loop: F
    baseline: F
    """The effect of the cut on the baseline itself."""

    @property
    def label(self) -> str:
        """The labels of the disabled loops."""
        loops = [BY_NAME.get(name.casefold()) for name in self.names]
        return " and ".join(name if loop is None else loop.label for name, loop in zip(self.names, loops, strict=True))

    def by_year(self) -> dict[str, dict[str, F]]:
        """Mean, band and interval by year of the difference with the loop, without the loop, and of the part lost."""
        parts = {"whole": self.with_loop, "without": self.without_loop, "goes_away": self.with_loop - self.without_loop}
        return {name: summary(values) for name, values in parts.items()}

    def at_end(self) -> dict[str, float | None]:
        """The part lost at the end of the run, in the unit of the metric and as a share of the difference."""
        with_loop, without_loop = (values[:, -LAST:].mean(axis=1) for values in (self.with_loop, self.without_loop))
        lost = with_loop - without_loop
        summaries = {
            name: summary(v[:, None])
            for name, v in (("whole", with_loop), ("without", without_loop), ("goes_away", lost))
        }
        out = {
            f"{name}{end}": _plain(figures[key][0])
            for name, figures in summaries.items()
            for end, key in (("", "mean"), ("_low", "ci_low"), ("_high", "ci_high"))
        }
        share = lost.mean() / with_loop.mean() if with_loop.mean() != 0.0 else np.nan
        low, high = fieller(lost, with_loop) if np.any(lost) and np.any(with_loop) else (np.nan, np.nan)
        baseline_change = summary(self.baseline[:, -LAST:].mean(axis=1)[:, None])
        return out | {
            "part": _plain(share),
            "part_low": _plain(low),
            "part_high": _plain(high),
            "baseline_moved": _plain(baseline_change["mean"][0]),
            "baseline_moved_low": _plain(baseline_change["ci_low"][0]),
            "baseline_moved_high": _plain(baseline_change["ci_high"][0]),
        }


@dataclass(frozen=True)
class KnockOuts:
    """The part of a policy's difference that is lost without each of some loops."""

    metric: Metric
    comparison: Comparison
    scenario: str
    loops: tuple[KnockOutEffect, ...]


def knock_outs(
    baseline: Scenario,
    scenario: Scenario,
    *,
    cuts: Iterable[Sequence[str]] | None = None,
    measure: str = "acute_demand",
    place: Place | None = None,
    people: int | None = None,
    seeds: int = 20,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> KnockOuts:
    """Compare a scenario with its baseline, with all loops and with loops disabled.

    Parameters
    ----------
    baseline, scenario : Scenario
        The two policies.
    cuts : iterable of sequence of str, optional
        Sets of loops or mechanisms that are disabled together; by default each listed loop alone.
    measure : str
        Name of the metric.
    place : Place, optional
        The place; the baseline's place by default.
    people : int, optional
        Number of people; the place's own number by default.
    seeds, seed : int
        Number of seeds, and the first seed.
    threads : int, optional
        Number of threads.
    progress : Progress, optional
        Called with the number of finished runs, the number of runs and a label.

    Returns
    -------
    KnockOuts
        The effect of disabling each set.

    Raises
    ------
    InputError
        If a name is neither a loop nor a mechanism.
    """
    disabled_sets = [tuple(names) for names in cuts] if cuts is not None else [(loop.name,) for loop in LOOPS]
    compared = metric(measure)
    runs_each = 2 * seeds

    def run(k: int, disabled: tuple[str, ...]) -> Comparison:
        def report(done: int, _total: int, label: str) -> None:
            if progress is not None:
                prefix = f"without {', '.join(disabled)}: " if disabled else ""
                progress(k * runs_each + done, (len(disabled_sets) + 1) * runs_each, prefix + label)

        return compare(
            baseline, scenario, place=place, people=people, seeds=seeds, seed=seed, threads=threads, progress=report,
            disabled=disabled, draws="none",
        )  # fmt: skip

    resolved_place = place if place is not None else Place.load(baseline.place)
    size = people if people is not None else baseline.people
    with one_job(Runs(resolved_place, size, baseline.years, 2, seeds, threads, times=len(disabled_sets) + 1)):
        with_all_loops = run(0, ())
        before, after = (with_all_loops.values(name, compared) for name in (baseline.name, scenario.name))
        out = []
        for k, names in enumerate(disabled_sets, 1):
            without_loops = run(k, names)
            before_without, after_without = (
                without_loops.values(name, compared) for name in (baseline.name, scenario.name)
            )
            effect, effect_without = after - before, after_without - before_without
            out.append(KnockOutEffect(names, effect, effect_without, before_without - before))
    return KnockOuts(compared, with_all_loops, scenario.name, tuple(out))


def _plain(value: float) -> float | None:
    return round(float(value), 9) if np.isfinite(value) else None
