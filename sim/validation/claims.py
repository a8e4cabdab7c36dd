"""Tests the claims that the simulator should reproduce: each is an expectation of a scenario, with its limits.

A claim (M-number) is a sentence of the documents on which the project is based. Each expectation is direct, on a column
that the scenario's own levers determine, or propagated (`sim.validation.propagation`). A claim is shown if a scenario
lists it in `shows`, all expectations of that scenario for the claim hold, and at least one of these is propagated; if
none is, the claim is `direct only`, which is no evidence. An expectation is tested over draws of the parameters, in
bases of seeds, in several places and without draws (`sim.validation.conditions`). A claim depends if some expectations
hold under some conditions only. It is outside the model if `outside.toml` gives a reason, 'not run' if only scenarios
that were not run list it, and missing otherwise. The limits of a claim, worlds or policies under which it stops being
true (`[[stops]]`), are tested in the same way. For claims that the simulator must be able to contradict,
`probes/regions.toml` varies a lever or a parameter, and the report shows for which of its values the claim is true and
for which it is false, over all draws in the place of the scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field

from sim.ensemble.batch import Readings
from sim.ensemble.parameter_sampling import Draws
from sim.policies import levers
from sim.results.expectation_tests import (
    Verdict,
    about,
    assess,
    bounds,
    difference,
    expected_by_chance,
    expected_misses,
    unit_of,
    unmeasured,
    without_estimate,
)
from sim.results.metrics import metric
from sim.results.number_text import plain_number
from sim.scenario.expectations import CLAIM, ClaimLimit, Effect, Expect
from sim.scenario.parameters import parameters
from sim.scenario.policy import NeighbourhoodFilter, Policy
from sim.scenario.policy_checks import PlaceColumns
from sim.scenario.scenario import FOLDER, Scenario, library
from sim.schema import errors, toml_files
from sim.schema.errors import InputError, Phrase
from sim.schema.quantities import Closed, Number
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress
from sim.validation.conditions import Design, Line
from sim.validation.propagation import EffectKind, effect_kind
from sim.validation.robustness import LINE_VERDICTS, LineVerdict, Robustness, dependences_by_chance, judge, middle

TEXTS, OUTSIDE = FOLDER / "claims" / "claims.toml", FOLDER / "claims" / "outside.toml"
REGIONS = FOLDER / "probes" / "regions.toml"
Status = Literal["shown", "direct only", "depends", "not shown", "not run", "outside", "missing"]
STATUSES: tuple[Status, ...] = get_args(Status)
EFFECTS: tuple[Effect, ...] = get_args(Effect)


class ClaimTexts(Closed):
    """The sentence of every claim."""

    claims: dict[str, str] = Field(description="number, such as M2, and sentence")


class OutsideTexts(Closed):
    """Claims that are outside the model, with the reason."""

    outside: dict[str, str] = Field(description="number, such as M31, and the reason in a sentence")


class Region(Closed):
    """A test of a claim for several values of a lever or a parameter.

    A parameter changes the world, as in a scenario's `[[stops]]`: the hazards are not solved again, and the baseline
    also runs in the changed world. A lever is added to the scenario's policies, and replaces a policy with the same
    lever and target.
    """

    claim: str = Field(pattern=CLAIM)
    scenario: str
    along: str = Field(description="a lever or a parameter")
    values: list[Number] = Field(min_length=2)
    service: str | list[str] | None = None
    where: NeighbourhoodFilter | None = None
    start: str | None = Field(None, description="first month of the lever's change, YYYY-MM; none for a parameter")
    over_months: int = 1
    until: str | None = None
    people: int = Field(10_000, gt=0, description="a smaller town than the scenario's: a region takes many runs")
    in_baseline: bool = Field(False, description="whether the lever is also moved in the baseline")
    why: str = Field(min_length=10)
    expect: Expect

    def at(self, value: float) -> ClaimLimit:
        """A value of the lever or parameter, in the form of an entry of a scenario's `[[stops]]`."""
        common: dict[str, Any] = {"because": f"{self.along} is {value:g}", "expect": [self.expect]}
        lever = next((lever for lever in levers() if lever.name == self.along), None)
        if lever is None:
            return ClaimLimit(**common, change={self.along: value})
        policy = Policy(
            lever=self.along, start=self.start or "", over_months=self.over_months, until=self.until,
            service=self.service, where=self.where, **{lever.kind: value},  # type: ignore[arg-type]  # a number
        )  # fmt: skip
        return ClaimLimit(**common, policies=[policy], in_baseline=self.in_baseline)


class RegionTexts(Closed):
    """The tests of claims along levers and parameters."""

    regions: list[Region]


Truth = Literal["true", "false", "undecided"]


@dataclass(frozen=True)
class RegionResult:
    """The verdict on a claim for each value of a lever or parameter."""

    region: Region
    verdicts: tuple[Verdict, ...]

    def truth(self) -> tuple[Truth, ...]:
        """Whether the claim is true at each value; false if the whole interval lies beyond a bound of the claim."""
        return tuple(
            "true" if v.met else "false" if _beyond(self.region.expect, v) else "undecided" for v in self.verdicts
        )

    def row(self) -> dict[str, Any]:
        """The result as one entry of a document."""
        region = self.region
        measure = metric(region.expect.metric)
        return {
            "claim": region.claim,
            "scenario": region.scenario,
            "along": region.along,
            "why": region.why,
            "metric": measure.name,
            "measure": measure.label,
            "about": about(region.expect),
            "unit": unit_of(region.expect),
            "expected": self.verdicts[0].expected,
            "values": [
                {
                    "value": value,
                    "mean": plain_number(v.mean, 9),
                    "ci_low": plain_number(v.ci_low, 9),
                    "ci_high": plain_number(v.ci_high, 9),
                    "claim_is": truth,
                }
                for value, v, truth in zip(region.values, self.verdicts, self.truth(), strict=True)
            ],
        }


def _beyond(expected: Expect, verdict: Verdict) -> bool:
    """Whether the whole interval lies on the wrong side of a bound."""
    return any(verdict.ci_high < bound if above else verdict.ci_low > bound for bound, above in bounds(expected))


@dataclass(frozen=True)
class Case:
    """One expectation to test: of a scenario, or of a limit of its claim."""

    claims: tuple[str, ...]
    scenario: Scenario
    baseline: Scenario
    others: Mapping[str, Scenario]
    """Further scenarios that the expectation refers to, by name."""
    expected: Expect
    stops: ClaimLimit | None
    file: Path

    def line(self) -> Line:
        """The runs and the estimate of the expectation."""
        name, base, expected = self.scenario.name, self.baseline.name, self.expected
        others = {other: scenario for other, scenario in self.others.items() if other != base}
        runs = {base: self.baseline, **others, name: self.scenario}
        pair = expected.interaction or ()
        return Line(runs, (expected,), lambda read: difference(expected, name, base, read, expected.against, pair))

    @cached_property
    def effect(self) -> EffectKind:
        """Whether the expectation is direct or propagated, and why."""
        expected = self.expected
        reference = self.baseline if expected.against is None else self.others[expected.against]
        return effect_kind(expected, self.scenario, (reference,))


@dataclass(frozen=True)
class Finding:
    """A case, its verdict over all draws, and its verdict under all conditions."""

    case: Case
    verdict: Verdict
    robustness: Robustness

    def row(self) -> dict[str, Any]:
        """The finding as one row of a table or document."""
        case, v = self.case, self.verdict
        measure = metric(case.expected.metric)
        return {
            "claims": list(case.claims),
            "scenario": case.scenario.name,
            "label": case.scenario.label,
            "metric": measure.name,
            "measure": measure.label,
            "about": about(case.expected),
            "unit": unit_of(case.expected),
            "expected": v.expected,
            "mean": plain_number(v.mean, 9),
            "ci_low": plain_number(v.ci_low, 9),
            "ci_high": plain_number(v.ci_high, 9),
            **middle(self.robustness),
            "p": plain_number(v.p, 9),
            "has_interval": v.has_interval,
            "verdict": self.robustness.verdict,
            "effect": case.effect.effect,
            "effect_reason": case.effect.reason,
            "depends_on": list(self.robustness.depends_on),
            "robustness": self.robustness.row(),
            "stops": None if case.stops is None else case.stops.because,
            "note": case.expected.note,
        }


@dataclass
class ClaimResult:
    """The result for one claim."""

    number: str
    text: str
    status: Status
    reason: str = ""
    """The reason why the claim is outside the model."""
    findings: list[Finding] = field(default_factory=list)
    stops: list[Finding] = field(default_factory=list)
    walks: list[RegionResult] = field(default_factory=list)

    def holding(self, effect: Effect) -> tuple[int, int]:
        """The number of expectations with an effect that hold, and of all with this effect; limits are left out."""
        of = [f for f in self.findings if f.case.effect.effect == effect]
        return sum(f.robustness.verdict == "holds" for f in of), len(of)


@dataclass(frozen=True)
class Report:
    """The results for the selected claims, and the settings of the runs."""

    claims: tuple[ClaimResult, ...]
    findings: tuple[Finding, ...]
    design: Design
    people: int | None
    new_runs: int
    stored_runs: int
    left_out: Mapping[str, tuple[int, ...]]
    """Seeds whose draws cannot be calibrated, by place."""

    @property
    def unmet(self) -> tuple[Finding, ...]:
        """Expectations that do not hold under all conditions, limits of claims included."""
        return tuple(f for f in self.findings if f.robustness.verdict != "holds")

    def lines(self, verdict: LineVerdict, effect: Effect | None = None) -> int:
        """The number of expectations with a verdict, of an effect or of both, limits of claims included."""
        return sum(f.robustness.verdict == verdict and effect in (None, f.case.effect.effect) for f in self.findings)

    def claims_with(self, effect: Effect) -> int:
        """The number of claims with at least one expectation of an effect that holds."""
        return sum(claim.holding(effect)[0] > 0 for claim in self.claims)

    def count(self, status: Status) -> int:
        """The number of claims with a status."""
        return sum(claim.status == status for claim in self.claims)

    def document(self) -> dict[str, Any]:
        """The report as one JSON document."""
        by_chance, after_holm = expected_by_chance(f.verdict for f in self.findings)
        dependent, dependent_after_holm = dependences_by_chance(f.robustness for f in self.findings)
        return {
            "upstream": VERSION,
            "seeds": list(self.design.seeds),
            "people": self.people,
            "conditions": self.design.document(),
            "seeds_left_out": {place: list(seeds) for place, seeds in self.left_out.items()},
            "test": "each expectation: two-sided, 5 %, paired by seed; interval of the mean difference, 95 %",
            "by_chance": {
                "expectations": len(self.findings),
                "met_if_all_false": by_chance,
                "met_after_holm": after_holm,
                "missed_with_other_seeds": expected_misses(f.verdict for f in self.findings),
                "dependent_if_all_the_same": dependent,
                "dependent_after_holm": dependent_after_holm,
            },
            "counts": {s: self.count(s) for s in STATUSES},
            "claims_with_holding_expectation": {effect: self.claims_with(effect) for effect in EFFECTS},
            "expectations": {verdict: self.lines(verdict) for verdict in LINE_VERDICTS},
            "expectations_by_effect": {
                effect: {verdict: self.lines(verdict, effect) for verdict in LINE_VERDICTS} for effect in EFFECTS
            },
            "claims": [
                {
                    "claim": c.number,
                    "text": c.text,
                    "status": c.status,
                    "reason": c.reason,
                    **{effect: dict(zip(("hold", "of"), c.holding(effect), strict=True)) for effect in EFFECTS},
                    "expectations": [f.row() for f in c.findings],
                    "stops": [f.row() for f in c.stops],
                    "regions": [walk.row() for walk in c.walks],
                }
                for c in self.claims
            ],
        }


def claim_texts(path: Path = TEXTS) -> dict[str, str]:
    """The sentence of each claim by number, in order."""
    sentences = toml_files.load(path, ClaimTexts).claims
    _check_numbers(sentences, "claims", path)
    return dict(sorted(sentences.items(), key=lambda row: int(row[0][1:])))


def outside_texts(path: Path = OUTSIDE) -> dict[str, str]:
    """The reason why a claim is outside the model, by number."""
    reasons = toml_files.load(path, OutsideTexts).outside
    _check_numbers(reasons, "outside", path)
    return reasons


def _check_numbers(numbers: Iterable[str], table: str, path: Path) -> None:
    import re

    for number in numbers:
        if not re.fullmatch(CLAIM, number):
            raise toml_files.fail(path, (table, number), "the number of a claim, M1 to M94", number)


def regions(path: Path | None = None) -> list[Region]:
    """The tests of claims along levers and parameters.

    Raises
    ------
    InputError
        If a region is along neither a lever nor a parameter, or a lever has no first month.
    """
    path = path or REGIONS
    loaded = toml_files.load(path, RegionTexts).regions
    lever_names, known_parameters = {lever.name for lever in levers()}, parameters()
    for k, region in enumerate(loaded):
        if region.along not in lever_names and region.along not in known_parameters:
            raise toml_files.fail(
                path, ("regions", k, "along"), "a lever or a parameter", region.along, (*lever_names, *known_parameters)
            )
        if (region.along in lever_names) != (region.start is not None):
            reason = Phrase("none" if region.start is None else "one for a parameter")
            raise toml_files.fail(
                path, ("regions", k, "start"), "a first month for a lever, and only for a lever", reason
            )
    return loaded


def walks(chosen: Sequence[str] = (), path: Path | None = None) -> list[tuple[Region, list[Case]]]:
    """Each region with a case for each of its values."""
    path = path or REGIONS
    scenarios = {name: Scenario.load(file) for name, file in library().items()}
    out = []
    for k, region in enumerate(regions(path)):
        if chosen and region.claim not in chosen:
            continue
        key: errors.KeyPath = ("regions", k)
        if region.scenario not in scenarios:
            raise toml_files.fail(path, (*key, "scenario"), "the name of a scenario", region.scenario, scenarios)
        scenario = scenarios[region.scenario].model_copy(update={"people": region.people})
        cases_of_region = []
        for j, value in enumerate(region.values):
            stop = region.at(value)
            try:
                scenario.model_copy(update={"stops": [stop]}).check(path)
            except InputError as wrong:
                raise toml_files.fail(path, (*key, "values", j), wrong.wanted, wrong.came, wrong.choices) from None
            cases_of_region.append(
                _case((region.claim,), scenario, region.expect, stop, (*key, "expect"), scenarios, path, None)
            )
        out.append((region, cases_of_region))
    return out


def files(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """The files of the library's scenarios and of further folders, by name. Raises InputError for duplicate names."""
    paths = library()
    for folder in folders:
        for path in scenario_files(folder):
            if path.stem in paths:
                wanted = "a unique file name"
                raise InputError(path, None, "", wanted, Phrase(f"that of {paths[path.stem]}"))
            paths[path.stem] = path
    return paths


def scenario_files(folder: Path) -> list[Path]:
    """The TOML files of a folder. Raises InputError if there is no such folder, or if it has no TOML files."""
    if not folder.is_dir():
        raise InputError(folder, None, "", "a folder", Phrase("a file" if folder.exists() else "nothing"))
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise InputError(folder, None, "", "a folder with .toml files", Phrase("one without"))
    return paths


def cases(chosen: Sequence[str] = (), *, people: int | None = None, folders: Sequence[Path] = ()) -> list[Case]:
    """The expectations of the chosen claims, or of all claims if none is chosen.

    `people` is the size of every place, by default that of each scenario: a small place has fewer neighbourhoods.
    """
    paths = files(folders)
    scenarios = {name: Scenario.load(path) for name, path in paths.items()}
    for name, scenario in scenarios.items():
        if scenario.name != name:
            raise toml_files.fail(paths[name], ("name",), f"the file's own name, '{name}'", scenario.name)
    out = []
    for name, scenario in scenarios.items():
        expectations: list[tuple[Expect, ClaimLimit | None, errors.KeyPath]] = []
        expectations += [(expected, None, ("expect", k)) for k, expected in enumerate(scenario.expect)]
        for j, stop in enumerate(scenario.stops):
            expectations += [(expected, stop, ("stops", j, "expect", k)) for k, expected in enumerate(stop.expect)]
        for expected, stop_of_claim, key in expectations:
            claims = (expected.claim,) if expected.claim is not None else tuple(scenario.shows)
            if chosen and not set(claims) & set(chosen):
                continue
            out.append(_case(claims, scenario, expected, stop_of_claim, key, scenarios, paths[name], people))
    return out


def _case(
    claims: tuple[str, ...],
    scenario: Scenario,
    expected: Expect,
    stop: ClaimLimit | None,
    key: errors.KeyPath,
    scenarios: Mapping[str, Scenario],
    path: Path,
    people: int | None,
) -> Case:
    columns = PlaceColumns(scenario.place, scenario.people if people is None else people)
    wrong = unmeasured(expected, lambda: columns.names)
    if wrong is not None:
        raise toml_files.fail(path, (*key, *wrong.below), wrong.wanted, wrong.came, wrong.choices)
    if scenario.baseline not in scenarios:
        raise toml_files.fail(path, ("baseline",), "the name of a scenario", scenario.baseline, scenarios)
    for other in expected.others():
        field_of = "against" if expected.against is not None else "interaction"
        if other not in scenarios:
            raise toml_files.fail(path, (*key, field_of), "the name of a scenario", other, scenarios)
        if (scenarios[other].start, scenarios[other].years) != (scenario.start, scenario.years):
            wanted = f"a scenario from {scenario.start} for {scenario.years} years, as this one"
            came = Phrase(f"'{other}', from {scenarios[other].start} for {scenarios[other].years}")
            raise toml_files.fail(path, (*key, field_of), wanted, came)
    setting = {name: getattr(scenario, name) for name in ("place", "people", "start", "years")}
    world = {"parameters": scenario.parameters, "calibrate": scenario.calibrate}
    if stop is not None and stop.change:
        world = {"parameters": {**scenario.parameters, **stop.change}, "calibrate": stop.calibrate}

    def adapted(original: Scenario, *, is_scenario: bool) -> Scenario:
        changed = original.model_copy(update={**setting, **world})
        return changed if stop is None or not (is_scenario or stop.in_baseline) else with_policies(changed, stop)

    return Case(
        claims,
        adapted(scenario, is_scenario=True),
        adapted(scenarios[scenario.baseline], is_scenario=False),
        {name: adapted(scenarios[name], is_scenario=False) for name in expected.others()},
        expected,
        stop,
        path,
    )


def with_policies(scenario: Scenario, stop: ClaimLimit) -> Scenario:
    """The scenario with the policies of a limit; each replaces a policy with the same lever and target."""

    def aim(policy: Any) -> Any:
        return policy.model_dump(include={"lever", "service", "where", "who"})

    replaced = [aim(policy) for policy in stop.policies]
    remaining = [policy for policy in scenario.policies if aim(policy) not in replaced]
    return scenario.model_copy(update={"policies": [*remaining, *stop.policies]})


def run_claims(
    chosen: Sequence[str] = (),
    *,
    seeds: int = 20,
    seed: int = 0,
    people: int | None = None,
    threads: int | None = None,
    draws: Draws = "all",
    bases: int | None = None,
    places: Sequence[str] | None = None,
    quick: bool = False,
    folders: Sequence[Path] = (),
    out: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run every scenario that the chosen claims need, and test each expectation under every condition.

    Parameters
    ----------
    chosen : sequence of str
        Numbers of claims; all claims if empty.
    seeds, seed : int
        Number of seeds of all bases together, and the first seed.
    people : int, optional
        Number of people in every place; by default that of each scenario.
    threads : int, optional
        Number of threads.
    draws : {"all", "mechanisms", "none"}
        The parameters that every seed draws.
    bases : int, optional
        Number of bases of seeds; by default three.
    places : sequence of str, optional
        Places in which every expectation is tested, besides the place of its scenario; by default
        both of `PLACES`.
    quick : bool
        Whether only quick scenarios run.
    folders : sequence of Path
        Further folders of scenarios.
    out : Path, optional
        Folder of stored runs. A run in this folder is not repeated, and new runs are added.
    progress : Progress, optional
        Called with the number of finished runs, the number of runs and a label.

    Returns
    -------
    Report
        The result for each claim.

    Raises
    ------
    InputError
        If a claim number or a place is unknown, the bases do not fit the seeds, or a scenario shows a claim that is
        listed as outside the model.
    """
    sentences, reasons = claim_texts(), outside_texts()
    for number in chosen:
        if number not in sentences:
            raise InputError("claims", None, "", "the number of a claim", number, sentences)
    design = Design.of(seeds, seed, draws=draws, bases=bases, places=places)
    all_cases = cases(chosen, people=people, folders=folders)
    selected = [case for case in all_cases if case.scenario.quick or not quick]
    for case in all_cases:
        for number in case.claims:
            if number in reasons:
                wanted = f"claims that no scenario shows; scenario {case.scenario.name} shows this claim"
                raise toml_files.fail(OUTSIDE, ("outside", number), wanted, number)
    region_cases = walks(chosen) if not quick else []
    batch = Readings(people=people, threads=threads, folder=out)
    for case in selected:
        case.line().ask(batch, design.conditions(case.scenario.place))
    for case in (case for _, cases_of_region in region_cases for case in cases_of_region):
        case.line().ask(batch, design.conditions(case.scenario.place)[:1])
    new_runs, stored_runs = batch.run(progress)
    findings = tuple(_finding(case, batch, design) for case in selected)
    region_results = [
        RegionResult(region, tuple(_verdict(case, batch, design) for case in cases_of_region))
        for region, cases_of_region in region_cases
    ]
    results = []
    for number in chosen or sentences:
        findings_of_claim = [f for f in findings if number in f.case.claims]
        without_limits = [f for f in findings_of_claim if f.case.stops is None]
        status: Status = "missing"
        if without_limits:
            status = _status(without_limits)
        elif number in reasons:
            status = "outside"
        elif any(number in case.claims and case.stops is None for case in all_cases):
            status = "not run"
        reason = reasons.get(number, "")
        stops = [f for f in findings_of_claim if f.case.stops is not None]
        regions_of_claim = [walk for walk in region_results if walk.region.claim == number]
        results.append(ClaimResult(number, sentences[number], status, reason, without_limits, stops, regions_of_claim))
    return Report(tuple(results), findings, design, people, new_runs, stored_runs, batch.left_out())


def _status(findings: Sequence[Finding]) -> Status:
    """The status of a claim from its expectations. Without one that is propagated, it is never shown."""
    verdicts = {f.robustness.verdict for f in findings}
    if not verdicts <= {"holds", "depends"}:
        return "not shown"
    if "depends" in verdicts:
        return "depends"
    return "shown" if any(f.case.effect.effect == "propagated" for f in findings) else "direct only"


def _finding(case: Case, batch: Readings, design: Design) -> Finding:
    effects = case.line().effects(batch, design.conditions(case.scenario.place))
    total = effects[0].estimate
    verdict = without_estimate(case.expected) if total is None else assess(case.expected, total)
    return Finding(case, verdict, judge(bounds(case.expected), effects))


def _verdict(case: Case, batch: Readings, design: Design) -> Verdict:
    """The verdict over all draws, in the place of the scenario."""
    (effect,) = case.line().effects(batch, design.conditions(case.scenario.place)[:1])
    return without_estimate(case.expected) if effect.estimate is None else assess(case.expected, effect.estimate)
