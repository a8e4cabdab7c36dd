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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.ensemble import parameter_sampling
from sim.ensemble.replicates import OTHER_CHANCE
from sim.ensemble.request import checked_request
from sim.ensemble.run_limits import Runs, one_job
from sim.place.place import Place
from sim.policies import Lever, levers
from sim.results.identity import TEXTS
from sim.results.metrics import metrics
from sim.results.origin import present_origin
from sim.scenario.parameters import parameter, parameters
from sim.scenario.scenario import Scenario, library
from sim.schema.errors import InputError, Phrase, RequirementError
from sim.schema.toml_files import fail
from sim.sweeps.batch import Group, Policy, Setting
from sim.sweeps.design import Design
from sim.sweeps.factors import MOST_POINTS, OF_INDICES, Factors, Range, number_of_points, points_of

F = npt.NDArray[np.float64]
FORMAT = 1
"""Version of the format of sweeps on disk, which is part of every identity."""
DIGITS = 20
"""Hexadecimal digits of the identity of a run."""
DRAWN_TOGETHER = 64
"""Seeds whose parameters are drawn in one go."""
TEXT_COLUMNS = {"policy", "scenario", "place"}
NUMBER_COLUMNS = {"point", "people", "years", "seed", "replicate"}


@dataclass(frozen=True)
class Plan:
    """The runs of a design.

    Attributes
    ----------
    design : Design
        The design.
    policies : tuple of Policy
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

    design: Design
    policies: tuple[Policy, ...]
    places: tuple[Place, ...]
    references: tuple[str, ...]
    points: F
    versions: dict[str, str]

    @classmethod
    def of(cls, design: Design, file: Path | None = None) -> Plan:
        """Make the plan of a design, after every check that needs more than the file.

        Parameters
        ----------
        design : Design
            The design.
        file : Path, optional
            Its file, for messages and for the names of other files.

        Returns
        -------
        Plan

        Raises
        ------
        InputError
            If a name is unknown, a value is outside its range, parts of the design contradict one another, or no run
            meets the filter.
        """
        return _Planning(design, file).plan()

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

    def setting(self) -> Setting:
        """What all batches have in common."""
        plain = tuple(s.model_copy(update={"parameters": {}, "expect": [], "stops": []}) for s in self.scenarios)
        design = self.design
        return Setting(
            plain, self.places, self.people, design.engine, self.metrics, tuple(design.by), dict(self.versions)
        )

    @cached_property
    def most_runs(self) -> int:
        """Number of runs before the filter."""
        design = self.design
        each = len(design.numbers) * design.replicates * len(self.policies)
        return len(self.places) * len(self.points) * each

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
        return self._drawn_block(place, self._seed_number(seed) // DRAWN_TOGETHER)[seed]

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


class _Planning:
    """The checks of a design and the making of its plan."""

    def __init__(self, design: Design, file: Path | None) -> None:
        self.design, self.file = design, file
        self.scenarios: tuple[Scenario, ...] = ()
        self.places: tuple[Place, ...] = ()
        self.references: tuple[str, ...] = ()

    def error(self, key: tuple[str | int, ...], wanted: str, came: object, choices: Sequence[object] = ()) -> InputError:
        if self.file is not None and self.file.exists():
            return fail(self.file, key, wanted, came, choices)
        return InputError("design", None, ".".join(map(str, key)), wanted, came, choices)

    def plan(self) -> Plan:
        design = self.design
        self.scenarios = tuple(self._scenario(k, name) for k, name in enumerate(design.scenarios))
        names = design.places or [self.scenarios[0].place]
        self.references = tuple(self._path(name) for name in names)
        self.places = tuple(self._place(k, name) for k, name in enumerate(self.references))
        self._check_scenarios()
        known = {m.name: m for m in metrics() if m.against is None}
        for k, name in enumerate(design.metrics):
            if name not in known:
                raise self.error(("metrics", k), "a measure of a run", name, tuple(known))
        policies = self._policies()
        points = self._points()
        plan = Plan(design, policies, self.places, self.references, points, dict(present_origin().versions))
        if plan.most_runs > MOST_POINTS:
            raise self.error((), f"a design of at most {MOST_POINTS:,} runs", Phrase(f"{plan.most_runs:,}"))
        self._check_filter(plan)
        for place in self.places:
            work = Runs(place, plan.people, plan.baseline.years, min(2, len(policies)), 1, 1)
            if plan.people is not None:
                place.check_people(plan.people)
            with one_job(work if design.engine == "agents" else work._replace(work="stocks")):
                checked_request(
                    plan.scenarios, place=place, people=plan.people, years=None, seeds=1, seed=0, threads=1,
                    disabled=(), draws=None, engine=design.engine, precision=None,
                )  # fmt: skip
        return plan

    def _path(self, name: str) -> str:
        """The path of a file relative to that of the design; a name of the library as it is."""
        is_file = name.endswith(".toml") or "/" in name or "\\" in name
        return str(self.file.parent / Path(name).expanduser()) if is_file and self.file is not None else name

    def _scenario(self, k: int, name: str) -> Scenario:
        path = self._path(name)
        if path == name and "." not in name and name not in library():
            raise self.error(("scenarios", k), "a scenario of the library, or a .toml file", name, tuple(library()))
        scenario = Scenario.load(path).with_settings(years=self.design.years, people=self.design.people)
        changes: dict[str, Any] = {"expect": [], "stops": []}
        if self.design.calibrate is not None:
            changes["calibrate"] = self.design.calibrate
        return scenario.model_copy(update=changes)

    def _place(self, k: int, name: str) -> Place:
        try:
            return Place.load(name)
        except InputError as wrong:
            if name.endswith(".toml"):
                raise
            raise self.error(("places", k), wrong.wanted, wrong.came, wrong.choices) from None

    def _check_scenarios(self) -> None:
        first = self.scenarios[0]
        for k, scenario in enumerate(self.scenarios[1:], 1):
            for key in ("start", "years", "parameters", "calibrate"):
                if getattr(scenario, key) != getattr(first, key):
                    wanted = f"scenarios with the same {key}: they share people and parameters"
                    raise self.error(("scenarios", k), wanted, Phrase(f"another {key} in {scenario.name}"))
        for k, scenario in enumerate(self.scenarios):
            if scenario.name in [s.name for s in self.scenarios[:k]]:
                raise self.error(("scenarios", k), "scenarios with different names", scenario.name)

    def _policies(self) -> tuple[Policy, ...]:
        design = self.design.levers
        if design is None:
            return tuple(Policy(s, s.name, None, _scenario_digest(s)) for s in self.scenarios)
        ranges = self._ranges(design, "levers", self._lever_range)
        self._check_number(design, "levers", ranges)
        first = self.scenarios[0]
        out = [Policy(first, first.name, None, _scenario_digest(first))] if design.with_baseline else []
        points = points_of(design, ranges)
        for scenario in self.scenarios:
            for k, point in enumerate(points.tolist()):
                name = f"{scenario.name[:50]}-{k:05d}"
                changed = self._with_levers(scenario, dict(zip(design.names, point, strict=True)), name)
                out.append(Policy(changed, scenario.name, tuple(point), _scenario_digest(changed)))
        return tuple(out)

    def _with_levers(self, scenario: Scenario, point: Mapping[str, float], name: str) -> Scenario:
        """The scenario with a policy for each lever that the point moves from its baseline."""
        design = self.design.levers
        assert design is not None
        for key, amount in point.items():
            lever, service = self._lever(key)
            if amount == (0.0 if lever.kind == "shift" else lever.baseline):
                continue
            moved: Any = {lever.kind: amount}
            try:
                scenario = scenario.with_policy(
                    lever.name, start=design.start, over_months=design.over_months, service=service, **moved
                )
            except InputError as wrong:
                raise self.error(("levers", "factors", key), wrong.wanted, wrong.came, wrong.choices) from None
        return scenario.model_copy(update={"name": name})

    def _lever(self, key: str) -> tuple[Lever, str | None]:
        name, _, service = key.partition(".")
        known = {lever.name: lever for lever in levers()}
        if name not in known:
            raise self.error(("levers", "factors", key), "the name of a lever", name, tuple(known))
        return known[name], service or None

    def _lever_range(self, key: str) -> tuple[float, float, float]:
        lever, _ = self._lever(key)
        shift = lever.baseline if lever.kind == "shift" else 0.0
        return lever.low - shift, lever.high - shift, lever.baseline - shift

    def _parameter_range(self, key: str) -> tuple[float, float, float]:
        tables = [parameters(place) for place in self.references]
        for place, table in zip(self.references, tables, strict=True):
            if key not in table:
                try:
                    parameter(key, 0.0, place=place)
                except InputError as wrong:
                    at = ("uncertainties", "factors", key)
                    raise self.error(at, wrong.wanted, wrong.came, wrong.choices) from None
        declared = [table[key] for table in tables]
        return max(p.spec.low for p in declared), min(p.spec.high for p in declared), declared[0].value

    def _points(self) -> F:
        design = self.design.uncertainties
        if design is None:
            return np.empty((1, 0))
        fixed = sorted(set(design.names) & set(self.scenarios[0].parameters))
        if fixed:
            wanted = "a parameter that the scenarios do not set"
            raise self.error(("uncertainties", "factors", fixed[0]), wanted, Phrase(f"{fixed[0]}, which they set"))
        ranges = self._ranges(design, "uncertainties", self._parameter_range)
        self._check_number(design, "uncertainties", ranges)
        return points_of(design, ranges)

    def _ranges(self, design: Factors, key: str, declared: Any) -> list[Range]:
        """The factors with their ends, which lie within the declared range."""
        if design.method == "list":
            for k, point in enumerate(design.points):
                for name, value in point.items():
                    low, high, _ = declared(name)
                    if not low <= value <= high:
                        raise self.error((key, "points", k, name), f"{low:g} to {high:g}", value)
            return []
        out = []
        for name, factor in design.factors.items():
            low, high, peak = declared(name)
            for part, value in (("low", factor.low), ("high", factor.high), *(("values", v) for v in factor.values or [])):
                if value is not None and not low <= value <= high:
                    raise self.error((key, "factors", name, part), f"{low:g} to {high:g}, its range", value)
            ends = low if factor.low is None else factor.low, high if factor.high is None else factor.high
            if design.method == "grid" and factor.values is None and factor.steps is None:
                wanted = "values, or a number of steps, as the method is grid"
                raise self.error((key, "factors", name), wanted, Phrase("neither"))
            if not ends[0] < ends[1] and factor.values is None:
                raise self.error((key, "factors", name), "a range", Phrase(f"{ends[0]:g} to {ends[1]:g}"))
            if factor.distribution == "triangular" and not ends[0] <= peak <= ends[1]:
                wanted = f"a range around the declared value {peak:g}, as the distribution is triangular"
                raise self.error((key, "factors", name), wanted, Phrase(f"{ends[0]:g} to {ends[1]:g}"))
            out.append(Range(name, *ends, peak, factor))
        return out

    def _check_number(self, design: Factors, key: str, ranges: list[Range]) -> None:
        count = number_of_points(design, ranges)
        if count > MOST_POINTS:
            raise self.error((key,), f"at most {MOST_POINTS:,} points", Phrase(f"{count:,}"))

    def _check_filter(self, plan: Plan) -> None:
        texts = set(TEXT_COLUMNS)
        numbers = {*NUMBER_COLUMNS, *plan.lever_names, *plan.parameter_names}
        for k, condition in enumerate(self.design.filter):
            try:
                condition.check(texts, numbers)
            except RequirementError as unmet:
                raise self.error(("filter", k, *unmet.below), unmet.wanted, unmet.came, unmet.choices) from None
            for key, factors in (("uncertainties", self.design.uncertainties), ("levers", self.design.levers)):
                if factors is not None and factors.method in OF_INDICES:
                    names = sorted(condition.columns() & {*factors.names, *(["point"] if key == "uncertainties" else [])})
                    if names:
                        wanted = f"a filter on other columns: indices of a {factors.method} design need all of its points"
                        raise self.error(("filter", k), wanted, names[0])
        if self.design.filter and next(plan.groups(), None) is None:
            raise self.error(("filter",), "a filter that some run meets", Phrase(f"one that none of {plan.most_runs:,} meets"))


def _scenario_digest(scenario: Scenario) -> str:
    """A digest of what a scenario does: policies, shocks, start and length."""
    exclude = {*TEXTS, "name", "people", "place", "parameters", "calibrate"}
    return digest_of(scenario.model_dump(mode="json", exclude=exclude))


def digest_of(content: Any) -> str:
    """SHA-256 of plain data, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
