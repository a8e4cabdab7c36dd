"""Counts the crises that a policy prevents and causes among the same people, and selects some life histories to show.

After the first difference between the two lives of a person, the same random numbers meet different circumstances.
Some people are therefore spared a crisis, and some are not, by chance alone: the effect of the policy is the difference
between the two counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sim.analysis.life_histories import PairedPopulations, PersonHistory, follow_pair
from sim.ensemble.compare import burned_in_world
from sim.ensemble.paired_runs import side_by_side
from sim.ensemble.precompile import warm_up
from sim.ensemble.run_limits import Runs, check_limits
from sim.place.place import Place
from sim.results.summary import AT_LEAST_ZERO, summary
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BAND_NAMES, QUINTILES
from sim.simulation.simulate import Progress

F = npt.NDArray[np.float64]
COUNTS = (
    "people",
    "spared",
    "not_spared",
    "both",
    "episodes_fewer",
    "episodes_more",
    "episodes_here_only_before",
    "episodes_here_only_after",
)
"""Counted for each group: people who live in both runs; those with a crisis under the baseline only (spared), under the
scenario only (not spared), under both; fewer and more crises under the scenario, of people in both runs; crises of
people who live in one run only."""


def crisis_counts(pair: PairedPopulations) -> npt.NDArray[np.int64]:
    """`COUNTS` by deprivation fifth and age band at the first observation. Shape (count, quintile, band).

    The last four counts (more less fewer, and the two counts of people in one run only) add up exactly to the
    difference in crises between the runs.
    """
    out = np.zeros((len(COUNTS), QUINTILES, len(AGE_BAND_NAMES)), np.int64)
    for person, other in pair.both():
        a, b = person.crises, other.crises
        cell = out[:, person.quintile, person.band]
        cell[0] += 1
        cell[1] += a > 0 and b == 0
        cell[2] += b > 0 and a == 0
        cell[3] += a > 0 and b > 0
        cell[4] += max(0, a - b)
        cell[5] += max(0, b - a)
    for k, people, other_people in ((6, pair.before, pair.after), (7, pair.after, pair.before)):
        for key, person in people.items():
            if key not in other_people:
                out[k, person.quintile, person.band] += person.crises
    return out


@dataclass(frozen=True)
class LifeHistoryComparison:
    """Crises and selected life histories of the same people under two policies."""

    baseline: Scenario
    scenario: Scenario
    place: Place
    people: int
    seeds: tuple[int, ...]
    counts: npt.NDArray[np.int64]
    """Shape (seed, count, quintile, band)."""
    shown: tuple[tuple[int, PersonHistory, PersonHistory], ...]
    """Seed, and the life of a selected person under each policy."""

    def per_thousand(self, by: Literal["quintile", "age"] | None = None) -> dict[str, dict[str, dict[str, F]]]:
        """For each group, each count per 1,000 of its people who live in both runs, with its interval over seeds."""
        counts = self.counts.astype(float)
        names: tuple[str, ...] = ("everybody",)
        if by is None:
            grouped = counts.sum(axis=(2, 3))[:, :, None]
        elif by == "quintile":
            grouped, names = counts.sum(axis=3), tuple(str(q + 1) for q in range(QUINTILES))
        else:
            grouped, names = counts.sum(axis=2), AGE_BAND_NAMES
        people = grouped[:, :1]
        rates = 1000.0 * np.divide(grouped, people, out=np.full_like(grouped, np.nan), where=people > 0)
        out: dict[str, dict[str, dict[str, F]]] = {}
        for g, name in enumerate(names):
            rates_of_group = {
                count: summary(rates[:, k, g][:, None], AT_LEAST_ZERO) for k, count in enumerate(COUNTS) if k > 0
            }
            rates_of_group["net"] = summary((rates[:, 2, g] - rates[:, 1, g])[:, None])
            rates_of_group["net_episodes"] = summary(
                (rates[:, 5, g] + rates[:, 7, g] - rates[:, 4, g] - rates[:, 6, g])[:, None]
            )
            out[name] = rates_of_group
        return out


def compare_life_histories(
    baseline: Scenario,
    scenario: Scenario,
    *,
    place: Place | None = None,
    people: int | None = None,
    seeds: int = 20,
    seed: int = 0,
    people_shown: int = 4,
    threads: int = 1,
    progress: Progress | None = None,
) -> LifeHistoryComparison:
    """Follow everybody under both policies and select some life histories of the first seed.

    Parameters
    ----------
    baseline, scenario : Scenario
        The two policies.
    place : Place, optional
        The place; the baseline's place by default.
    people : int, optional
        Number of people; the place's own number by default.
    seeds : int
        Number of seeds.
    seed : int
        The first seed.
    people_shown : int
        Number of life histories to select.
    threads : int
        Number of threads.
    progress : Progress, optional
        Called with the number of finished seeds, the number of seeds and a label.

    Returns
    -------
    LifeHistoryComparison
        Counts by seed and group, and the selected life histories.
    """
    resolved_place = place if place is not None else Place.load(baseline.place)
    check_limits(Runs(resolved_place, people, baseline.years, 2, seeds, threads, "life histories"))
    warm_up()
    seed_numbers = tuple(range(seed, seed + seeds))
    done: list[int] = []

    def follow_seed(
        number: int, stop: Callable[[], bool]
    ) -> tuple[npt.NDArray[np.int64], list[tuple[PersonHistory, PersonHistory]]]:
        pair = follow_pair(
            baseline, scenario, burned_in_world(baseline, resolved_place, people, number), number, stop=stop
        )
        done.append(number)
        if progress is not None:
            progress(len(done), len(seed_numbers), f"seed {number}")
        return crisis_counts(pair), _selected(pair, people_shown) if number == seed else []

    if progress is not None:
        progress(0, len(seed_numbers), "getting ready")
    results = side_by_side(follow_seed, seed_numbers, threads)
    total_people = sum(n.people for n in resolved_place.neighbourhoods(people))
    shown = tuple((seed, *pair) for pair in results[0][1])
    return LifeHistoryComparison(
        baseline,
        scenario,
        resolved_place,
        total_people,
        seed_numbers,
        np.stack([counts for counts, _ in results]),
        shown,
    )


def _selected(pair: PairedPopulations, most: int) -> list[tuple[PersonHistory, PersonHistory]]:
    """Selects alternately people who were spared a crisis and people who were not.

    People come first whose history includes most of these: a refusal before the crisis, a wait given up before the
    crisis, help in the run without the crisis. Ties are broken by a hash of the person.
    """
    spared: list[tuple[PersonHistory, PersonHistory]] = []
    not_spared: list[tuple[PersonHistory, PersonHistory]] = []
    for person, other in pair.both():
        a, b = person.crises, other.crises
        if (a > 0) != (b > 0):
            (spared if a > 0 else not_spared).append((person, other))

    def rank(life_pair: tuple[PersonHistory, PersonHistory]) -> tuple[int, int]:
        with_crisis, without_crisis = life_pair if life_pair[0].crises else (life_pair[1], life_pair[0])
        kinds_before = {event.kind for event in with_crisis.events[: _first_crisis(with_crisis)]}
        service_contacts = (
            ("refused" in kinds_before)
            + ("gave up" in kinds_before)
            + any(e.kind == "helped" for e in without_crisis.events)
        )
        return -service_contacts, zlib.crc32(repr((pair.seed, life_pair[0].key)).encode())

    queues = [sorted(spared, key=rank), sorted(not_spared, key=rank)]
    out: list[tuple[PersonHistory, PersonHistory]] = []
    for k in range(max(map(len, queues), default=0)):
        out += [queue[k] for queue in queues if k < len(queue)]
    return out[:most]


def _first_crisis(person: PersonHistory) -> int:
    return next((k for k, event in enumerate(person.events) if event.kind == "crisis"), len(person.events))
