"""The runs of a design, in a fixed order, each with an identity by its content.

The identity of a run is a digest of everything that determines its outcomes: the policy and the baseline in canonical
form (what a scenario does, and not how it is called), the place, the people, the years, the parameters, the seed of the
chance events, the engine, the measures that are stored, and the version of the code. So the same run of another design,
or of another part of a design, has the same identity.

The plan is never held in memory: groups of runs are made one after another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.ensemble import parameter_sampling
from sim.ensemble.replicates import OTHER_CHANCE
from sim.place.place import Place
from sim.results.identity import TEXTS
from sim.results.metrics import metrics
from sim.scenario.scenario import Scenario
from sim.sweeps.batch import BatchSetting, Group, SweepPolicy
from sim.sweeps.design import SweepDesign

F = npt.NDArray[np.float64]
FORMAT = 1
"""Version of the format of sweeps on disk, which is part of every identity."""
DIGITS = 20
"""Hexadecimal digits of the identity of a run."""
DRAWN_TOGETHER = 64
"""Seeds whose parameters are drawn in one go."""


@dataclass(frozen=True)
class Plan:
    """The runs of a design.

    Attributes
    ----------
    design : SweepDesign
        The design.
    policies : tuple of SweepPolicy
        The policies, the baseline first.
    places : tuple of Place
        The places.
    references : tuple of str
        Names or files of the places, by which their parameters are known.
    points : ndarray of float64, shape (points, uncertainties)
        The points of the uncertainties; one point without columns if there are none.
    versions : dict of str to str
        Versions of the model and of libraries.
    """

    design: SweepDesign
    policies: tuple[SweepPolicy, ...]
    places: tuple[Place, ...]
    references: tuple[str, ...]
    points: F
    versions: dict[str, str]

    @property
    def lever_names(self) -> tuple[str, ...]:
        """Names of the levers that vary."""
        return self.design.levers.names if self.design.levers is not None else ()

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the uncertain parameters that vary."""
        return self.design.uncertainties.names if self.design.uncertainties is not None else ()

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios of the policies."""
        return tuple(policy.scenario for policy in self.policies)

    @property
    def baseline(self) -> Scenario:
        """The scenario of the first policy."""
        return self.policies[0].scenario

    @property
    def metrics(self) -> tuple[str, ...]:
        """Ids of the measures that are stored."""
        return tuple(self.design.metrics or [m.name for m in metrics() if m.against is None])

    @property
    def people(self) -> int | None:
        """Number of people."""
        return self.design.people if self.design.people is not None else self.baseline.people

    def setting(self) -> BatchSetting:
        """What all batches have in common."""
        plain = tuple(s.model_copy(update={"parameters": {}, "expect": [], "stops": []}) for s in self.scenarios)
        design = self.design
        return BatchSetting(
            plain, self.places, self.people, design.engine, self.metrics, tuple(design.by), dict(self.versions)
        )

    @cached_property
    def most_runs(self) -> int:
        """Number of runs before the filter."""
        design = self.design
        each = len(design.numbers) * design.replicates * len(self.policies)
        return len(self.places) * len(self.points) * each

    def has_runs_of(self, other: Plan) -> bool:
        """Whether another plan has the same runs: the same design, with the same policies, points and data of places.

        A file that a design names may have been edited, so the same design can have other runs.
        """
        policies = [[(p.scenario.name, p.digest) for p in plan.policies] for plan in (self, other)]
        return (
            self.design == other.design
            and policies[0] == policies[1]
            and self.place_digests == other.place_digests
            and np.array_equal(self.points, other.points)
        )

    def number_of_runs(self) -> int:
        """Count the different runs that meet the filter."""
        uncertainties = self.design.uncertainties
        if not self.design.filter and (uncertainties is None or uncertainties.method in ("grid", "latin_hypercube")):
            return self.most_runs
        return len({run for group in self.groups() for run in group.runs})

    @cached_property
    def calibrations(self) -> int:
        """Number of calibrations: one for each place and set of parameters, but the declared ones of a place."""
        if self.design.engine == "stocks" or self.baseline.calibrate == "none":
            return 0
        draws = len(self.design.numbers) if self.design.draws != "none" else 1
        varied = self.design.draws != "none" or self.points.shape[1] or self.baseline.parameters
        return len(self.places) * len(self.points) * draws if varied else 0

    def groups(self, part: tuple[int, int] = (1, 1)) -> Iterator[Group]:
        """Iterate over the groups of runs that meet the filter.

        Parameters
        ----------
        part : tuple of int
            (K, N): only part K of N. Runs that share a calibration are in one part, if there are enough of those.

        Yields
        ------
        Group
        """
        design, (k, n) = self.design, part
        is_drawn = design.draws != "none"
        blocks = len(self.places) * (len(design.numbers) if is_drawn else len(self.points))
        by_block = blocks >= n
        number = -1
        for place in range(len(self.places)):
            outer = design.numbers if is_drawn else range(len(self.points))
            for one_of in outer:  # runs with the same calibration follow one another
                number += by_block
                for other in range(len(self.points)) if is_drawn else design.numbers:
                    point, seed = (other, one_of) if is_drawn else (one_of, other)
                    for replicate in range(design.replicates):
                        number += not by_block
                        if number % n == k - 1:
                            group = self._group(place, point, seed, replicate)
                            if group.policies:
                                yield group

    def row(self, group: Group, policy: int) -> dict[str, Any]:
        """The columns of a run that say what it is, without its identity.

        Parameters
        ----------
        group : Group
            The group.
        policy : int
            Number of the policy.

        Returns
        -------
        dict
            None for a lever of a policy without levers.
        """
        chosen = self.policies[policy]
        of_levers = chosen.levers if chosen.levers is not None else (None,) * len(self.lever_names)
        return {
            "policy": chosen.scenario.name,
            "scenario": chosen.source,
            "place": self.places[group.place].name,
            "people": self.residents[group.place],
            "years": chosen.scenario.years,
            "point": group.point,
            "seed": group.seed,
            "replicate": group.replicate,
            **dict(zip(self.lever_names, of_levers, strict=True)),
            **dict(zip(self.parameter_names, self.points[group.point].tolist(), strict=True)),
        }

    def drawn(self, place: int, seed: int) -> dict[str, float]:
        """The parameters that a seed draws in a place; none without draws."""
        if self.design.draws == "none":
            return {}
        values: dict[str, float] = self._drawn_block(place, self._seed_number(seed) // DRAWN_TOGETHER)[seed]
        return values

    def _seed_number(self, seed: int) -> int:
        """Position of a seed among the seeds."""
        is_range = isinstance(self.design.seeds, int)
        return seed - self.design.seed if is_range else self.design.numbers.index(seed)

    @cached_property
    def residents(self) -> tuple[int, ...]:
        """Number of people of each place."""
        return tuple(sum(hood.people for hood in place.neighbourhoods(self.people)) for place in self.places)

    @cached_property
    def place_digests(self) -> tuple[str, ...]:
        """A digest of the data of each place."""
        return tuple(digest_of(place.model_dump(mode="json")) for place in self.places)

    @cached_property
    def _drawn_block(self) -> Any:
        @lru_cache(maxsize=2)
        def drawn(place: int, block: int) -> dict[int, dict[str, float]]:
            seeds = self.design.numbers[block * DRAWN_TOGETHER : (block + 1) * DRAWN_TOGETHER]
            fixed = dict.fromkeys(self.parameter_names, 0.0) | self.baseline.parameters
            which: Any = self.design.draws
            samples = parameter_sampling.draws(which, seeds, self.references[place], fixed)
            return dict(zip(seeds, samples, strict=True))

        return drawn

    @cached_property
    def _common(self) -> tuple[str, ...]:
        """A digest, for each place, of what its runs have in common."""
        about: dict[str, Any] = {
            "format": FORMAT,
            "versions": self.versions,
            "baseline": self.policies[0].digest,
            "people": self.people,
            "engine": self.design.engine,
            "calibrate": self.baseline.calibrate if self.design.engine == "agents" else None,
            "metrics": self.metrics,
            "by": self.design.by,
        }
        if self.design.engine == "stocks":  # equations are written for all policies together: their order has an effect
            about["family"] = [policy.digest for policy in self.policies]
        return tuple(digest_of([about, place]) for place in self.place_digests)

    def _group(self, place: int, point: int, seed: int, replicate: int) -> Group:
        values = dict(zip(self.parameter_names, self.points[point].tolist(), strict=True))
        merged = {**self.baseline.parameters, **self.drawn(place, seed), **values}
        chance = seed + replicate * OTHER_CHANCE
        is_random = self.design.engine == "agents"
        of_group = digest_of([self._common[place], merged, chance if is_random else None])
        draw = self._seed_number(seed) if self.design.draws != "none" else 0
        block = (place * len(self.points) + point) * len(self.design.numbers) + draw if self.calibrations else -1
        empty = Group(place, point, seed, replicate, block, chance, merged, (), ())
        chosen = [p for p in range(len(self.policies)) if self._is_wanted(empty, p)]
        runs = (digest_of([of_group, self.policies[p].digest])[:DIGITS] for p in chosen)
        return empty._replace(policies=tuple(chosen), runs=tuple(runs))

    def _is_wanted(self, group: Group, policy: int) -> bool:
        if not self.design.filter:
            return True
        row = self.row(group, policy)
        return all(condition.holds(row) for condition in self.design.filter)


def digest_of(content: Any) -> str:
    """SHA-256 of plain data, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def scenario_digest(scenario: Scenario) -> str:
    """A digest of what a scenario does: policies, shocks, start and length."""
    exclude = {*TEXTS, "name", "people", "place", "parameters", "calibrate"}
    return digest_of(scenario.model_dump(mode="json", exclude=exclude))
