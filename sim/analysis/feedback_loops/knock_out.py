"""How much of the difference between two policies goes away without a loop: the same people, the same luck, no loop.

Both the baseline and the scenario run with the loop cut and with it whole, on the same seeds. What is told is the
difference of the two differences, seed by seed: where a cut moves the baseline itself, that drops out. Loops act
through one another, so that what goes away with each need not add up to the whole, and may be more than it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.ensemble.compare import compare
from sim.feedback.loops import BY_NAME, LOOPS
from sim.place.place import Place
from sim.results.comparison import Comparison, summary
from sim.results.metrics import Metric, metric
from sim.results.outcomes import fieller
from sim.scenario.scenario import Scenario
from sim.simulation.simulate import Progress

F = npt.NDArray[np.float64]
LAST = 5
"""Years at the end of a run over which a difference is averaged, if there are as many."""


@dataclass(frozen=True)
class KnockOutEffect:
    """What a measure's difference is with a loop whole and with it cut. Arrays have shape (seed, year)."""

    names: tuple[str, ...]
    """What was cut, together."""
    whole: F
    cut: F
    baseline: F
    """How far the cut moves the baseline itself."""

    @property
    def label(self) -> str:
        """What was cut, in words."""
        loops = [BY_NAME.get(name.casefold()) for name in self.names]
        return " and ".join(name if loop is None else loop.label for name, loop in zip(self.names, loops, strict=True))

    def by_year(self) -> dict[str, dict[str, F]]:
        """Mean, band and interval by year of the difference with the loop, without it, and of what goes away."""
        parts = {"whole": self.whole, "without": self.cut, "goes_away": self.whole - self.cut}
        return {name: summary(values) for name, values in parts.items()}

    def at_end(self) -> dict[str, float | None]:
        """What goes away at the end of the run, in the measure's unit and as a part of the difference."""
        whole, cut = (values[:, -LAST:].mean(axis=1) for values in (self.whole, self.cut))
        gone = whole - cut
        told = {name: summary(v[:, None]) for name, v in (("whole", whole), ("without", cut), ("goes_away", gone))}
        out = {
            f"{name}{end}": _plain(figures[key][0])
            for name, figures in told.items()
            for end, key in (("", "mean"), ("_low", "ci_low"), ("_high", "ci_high"))
        }
        part = gone.mean() / whole.mean() if whole.mean() != 0.0 else np.nan
        low, high = fieller(gone, whole) if np.any(gone) and np.any(whole) else (np.nan, np.nan)
        moved = summary(self.baseline[:, -LAST:].mean(axis=1)[:, None])
        return out | {
            "part": _plain(part),
            "part_low": _plain(low),
            "part_high": _plain(high),
            "baseline_moved": _plain(moved["mean"][0]),
            "baseline_moved_low": _plain(moved["ci_low"][0]),
            "baseline_moved_high": _plain(moved["ci_high"][0]),
        }


@dataclass(frozen=True)
class KnockOuts:
    """What goes away without each of some loops."""

    metric: Metric
    whole: Comparison
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
    """Run a scenario and its baseline whole, and once for each of some cuts: names of loops or mechanisms that are
    left out together; every listed loop by itself, if none are given."""
    chosen = [tuple(names) for names in cuts] if cuts is not None else [(loop.name,) for loop in LOOPS]
    of = metric(measure)
    many = 2 * seeds

    def run(turn: int, disabled: tuple[str, ...]) -> Comparison:
        def on(done: int, _total: int, what: str) -> None:
            if progress is not None:
                cut = f"without {', '.join(disabled)}: " if disabled else ""
                progress(turn * many + done, (len(chosen) + 1) * many, cut + what)

        return compare(
            baseline, scenario, place=place, people=people, seeds=seeds, seed=seed, threads=threads, progress=on,
            disabled=disabled,
        )  # fmt: skip

    whole = run(0, ())
    before, after = (whole.values(name, of) for name in (baseline.name, scenario.name))
    out = []
    for turn, names in enumerate(chosen, 1):
        cut = run(turn, names)
        cut_before, cut_after = (cut.values(name, of) for name in (baseline.name, scenario.name))
        out.append(KnockOutEffect(names, after - before, cut_after - cut_before, cut_before - before))
    return KnockOuts(of, whole, scenario.name, tuple(out))


def _plain(value: float) -> float | None:
    return round(float(value), 9) if np.isfinite(value) else None
