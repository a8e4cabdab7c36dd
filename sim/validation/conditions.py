"""The conditions under which every line of a report is tested: draws of parameters, bases of seeds, places, defaults.

The seeds are split into bases, which begin 160 seeds apart. All of them run in the place of the line, each with its own
draw of the parameters. About half of them, in equal parts from every base, also run in every further place, with the
same draws and the same number of people, and, in the place of the line, without draws. So the runs of a report are
about twice those of its seeds alone.

A line that cannot be tested in a place, because a policy or a measure names a neighbourhood that the place does not
have, is not run there, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sim.ensemble.batch import Readings, Setting
from sim.ensemble.parameter_sampling import Draws
from sim.place.place import Place
from sim.results.expectation_tests import Estimate, Read, needs
from sim.scenario.expectations import MeasureSpec
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError, Phrase
from sim.validation.robustness import ConditionEffect, Kind

PLACES = ("anytown", "wigan")
"""The places in which lines are tested unless stated otherwise: those whose solution comes with the project."""
BASES = 3
BASE_STEP = 160
"""Distance between the first seeds of two bases: ten slices of draws (`sim.ensemble.parameter_sampling.SLICE`)."""


class Condition(NamedTuple):
    """A condition of a line.

    Attributes
    ----------
    kind : str
        All draws together, a base, a further place, or the defaults.
    name : str
        The condition in words.
    place : str or None
        The further place; None for the place of the line.
    setting : Setting
        The runs.
    seeds : tuple of int
        The seeds of these runs that count.
    """

    kind: Kind
    name: str
    place: str | None
    setting: Setting
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Design:
    """The conditions of a report.

    Attributes
    ----------
    bases : tuple of tuple of int
        The seeds of each base.
    draws : str
        The parameters that every seed draws, or "none".
    places : tuple of str
        The places in which lines are tested, besides the place of the line itself.
    """

    bases: tuple[tuple[int, ...], ...]
    draws: Draws = "all"
    places: tuple[str, ...] = PLACES

    @classmethod
    def of(
        cls,
        seeds: int = 20,
        seed: int = 0,
        *,
        draws: Draws = "all",
        bases: int | None = None,
        places: Sequence[str] | None = None,
    ) -> Design:
        """Make a design.

        Parameters
        ----------
        seeds, seed : int
            Number of seeds in all bases together, and the first seed.
        draws : str
            The parameters that every seed draws, or "none".
        bases : int, optional
            Number of bases; by default three, or as many as there are seeds.
        places : sequence of str, optional
            Names or files of places; by default `PLACES`.

        Returns
        -------
        Design

        Raises
        ------
        InputError
            If there are no seeds, no bases or more bases than seeds, or a place is unknown.

        Examples
        --------
        >>> Design.of(5).bases
        ((0, 1), (160, 161), (320,))
        """
        if seeds < 1:
            raise InputError("--seeds", None, "", "at least one seed", seeds)
        count = min(BASES, seeds) if bases is None else bases
        if not 1 <= count <= seeds:
            wanted = f"a number of bases from 1 to {seeds}, the number of seeds"
            raise InputError("--bases", None, "", wanted, count)
        names = tuple(dict.fromkeys(PLACES if places is None else places))
        for place in names:
            Place.load(place)
        most = -(-seeds // count)
        step = BASE_STEP * -(-most // BASE_STEP)
        sizes = [seeds // count + (k < seeds % count) for k in range(count)]
        starts = [seed + k * step for k in range(count)]
        ranges = tuple(tuple(range(start, start + size)) for start, size in zip(starts, sizes, strict=True))
        return cls(ranges, draws, names)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of all bases."""
        return tuple(seed for base in self.bases for seed in base)

    @property
    def part(self) -> tuple[int, ...]:
        """The seeds that run in further places and without draws: half of each base, rounded up."""
        return tuple(seed for base in self.bases for seed in base[: (len(base) + 1) // 2])

    @property
    def setting(self) -> Setting:
        """The runs in the place of a line."""
        return Setting(self.seeds, self.draws)

    def conditions(self, place: str) -> tuple[Condition, ...]:
        """List the conditions of a line.

        Parameters
        ----------
        place : str
            The place of the line.

        Returns
        -------
        tuple of Condition
            All draws together first.
        """
        return _conditions(self, place)

    def document(self) -> dict[str, Any]:
        """Describe the design for a JSON document."""
        return {
            "draws": self.draws,
            "bases": [list(base) for base in self.bases],
            "places": list(self.places),
            "seeds_in_further_places_and_without_draws": list(self.part),
        }


@lru_cache(maxsize=64)
def _conditions(design: Design, place: str) -> tuple[Condition, ...]:
    is_drawn = design.draws != "none"
    out = [Condition("all", "all draws" if is_drawn else "all seeds", None, design.setting, design.seeds)]
    if len(design.bases) > 1:
        out += [Condition("base", _range_text(base), None, design.setting, base) for base in design.bases]
    home = Place.load(place).name
    for other in design.places:
        loaded = Place.load(other)
        if loaded.name != home:
            out.append(Condition("place", loaded.label, other, Setting(design.part, design.draws), design.part))
    if is_drawn:
        out.append(Condition("defaults", "default parameters", None, Setting(design.part), design.part))
    return tuple(out)


def _range_text(seeds: Sequence[int]) -> str:
    return f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"


@dataclass(frozen=True)
class Line:
    """The scenarios and measures of one line of a report.

    Attributes
    ----------
    scenarios : mapping of str to Scenario
        The scenarios by the names that the estimate uses, all in one place, the baseline first.
    measures : tuple of MeasureSpec
        The measures that the estimate reads.
    estimate : callable
        From a reader of runs to the effect.
    """

    scenarios: Mapping[str, Scenario]
    measures: tuple[MeasureSpec, ...]
    estimate: Callable[[Read], Estimate]

    @property
    def place(self) -> str:
        """The place of the scenarios."""
        return next(iter(self.scenarios.values())).place

    def ask(self, batch: Readings, conditions: Iterable[Condition]) -> None:
        """Request the runs of some conditions.

        Parameters
        ----------
        batch : Readings
            The runs.
        conditions : iterable of Condition
            The conditions.
        """
        for condition in conditions:
            moved = self._moved(condition, batch.people)
            if isinstance(moved, str):
                continue
            for scenario in moved.values():
                batch.ask(scenario, condition.setting, self._needs())

    def effects(self, batch: Readings, conditions: Iterable[Condition]) -> tuple[ConditionEffect, ...]:
        """Estimate the effect under some conditions, after the runs.

        Parameters
        ----------
        batch : Readings
            The runs.
        conditions : iterable of Condition
            The conditions.

        Returns
        -------
        tuple of ConditionEffect
            In the order of the conditions.
        """
        return tuple(self._effect(condition, batch) for condition in conditions)

    def _effect(self, condition: Condition, batch: Readings) -> ConditionEffect:
        moved = self._moved(condition, batch.people)
        reason = moved if isinstance(moved, str) else ""
        seeds: tuple[int, ...] = ()
        if not isinstance(moved, str):
            failure = batch.failure(moved.values(), condition.setting)
            reason = "" if failure is None else str(failure)
            if failure is None:
                calibrated = set(batch.seeds(moved.values(), condition.setting))
                seeds = tuple(seed for seed in condition.seeds if seed in calibrated)
                reason = "" if seeds else "no draw of parameters can be calibrated"
        if isinstance(moved, str) or not seeds:
            return ConditionEffect(condition.kind, condition.name, (), None, reason)
        estimate = self.estimate(batch.read(moved, condition.setting, seeds))
        return ConditionEffect(condition.kind, condition.name, seeds, estimate)

    def _needs(self) -> list[tuple[str, Any]]:
        return [need for measure in self.measures for need in needs(measure)]

    def _moved(self, condition: Condition, people: int | None) -> Mapping[str, Scenario] | str:
        """The scenarios in the place of a condition, or the reason why they cannot be run there."""
        if condition.place is None:
            return self.scenarios
        moved = {name: in_place(scenario, condition.place, people) for name, scenario in self.scenarios.items()}
        try:
            for scenario in moved.values():
                scenario.check(Phrase(scenario.name))
            self._check_groups(next(iter(moved.values())), people)
        except InputError as error:
            return f"wanted {error.wanted}, got {error.came}"
        return moved

    def _check_groups(self, scenario: Scenario, people: int | None) -> None:
        """Refuse a measure of a neighbourhood that the place does not have."""
        measured = {name for _, groups in self._needs() for name in groups.get("neighbourhood", ())}
        if not measured:
            return
        place = Place.load(scenario.place)
        names = [hood.name for hood in place.neighbourhoods(people if people is not None else scenario.people)]
        for name in sorted(measured - set(names)):
            raise InputError(scenario.name, None, "", f"a neighbourhood of {place.label}", name, names)


def in_place(scenario: Scenario, place: str, people: int | None = None) -> Scenario:
    """Copy a scenario to another place with the same number of people.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    place : str
        The other place.
    people : int, optional
        Number of people; by default that of the scenario, or of its own place.

    Returns
    -------
    Scenario
    """
    size = people if people is not None else scenario.people
    if size is None:
        size = Place.load(scenario.place).population
    return scenario.model_copy(update={"place": place, "people": size, "expect": [], "stops": []})
