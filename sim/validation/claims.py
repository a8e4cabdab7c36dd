"""The claims that the simulator is asked to show: each an expectation of a scenario, tested, with where it stops.

A claim (M-number) is a sentence of the documents that the project starts from. It is shown where a scenario names it
in `shows` and everything that the scenario expects of it is met; it is outside the model where `outside.toml` says
why; 'not run' where only scenarios that were left out name it; else it is missing. Beside each stands where it stops
being true: another world or policy (`[[stops]]`), put to the same test. For claims that the simulator must be able to
contradict, `probes/regions.toml` walks along a lever or a parameter, and tells where on it the claim is true and where
false.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from pydantic import Field

from sim.ensemble.batch import Readings
from sim.policies import levers
from sim.results.expectation_tests import (
    Verdict,
    about,
    bounds,
    expected_by_chance,
    missed_again,
    needs,
    tested,
    unmeasured,
)
from sim.results.metrics import metric
from sim.scenario.expectations import CLAIM, ClaimLimit, Expect
from sim.scenario.parameters import parameters
from sim.scenario.policy import NeighbourhoodFilter, Policy
from sim.scenario.scenario import FOLDER, Scenario, library
from sim.schema import toml_files as inputs
from sim.schema.quantities import Closed, Number
from sim.schema.toml_files import InputError, Phrase
from sim.schema.version import VERSION
from sim.simulation.simulate import Progress

TEXTS, OUTSIDE = FOLDER / "claims" / "claims.toml", FOLDER / "claims" / "outside.toml"
REGIONS = FOLDER / "probes" / "regions.toml"
Status = Literal["shown", "not shown", "not run", "outside", "missing"]
STATUSES: tuple[Status, ...] = get_args(Status)


class ClaimTexts(Closed):
    """Every claim in a sentence."""

    claims: dict[str, str] = Field(description="number, such as M2, and sentence")


class OutsideTexts(Closed):
    """Claims that the model has nothing to say of."""

    outside: dict[str, str] = Field(description="number, such as M31, and the reason in a sentence")


class Region(Closed):
    """A claim along a lever or a parameter: a scenario at each of some values, its claim put to the test at each.

    A parameter makes another world, as in a scenario's `[[stops]]`: its hazards are not solved anew, and the baseline
    is run in it too. A lever stands beside the scenario's policies, in place of one of the same lever and aim.
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
    in_baseline: bool = Field(False, description="whether the lever is moved in the baseline too: another world")
    why: str = Field(min_length=10)
    expect: Expect

    def at(self, value: float) -> ClaimLimit:
        """The place along the lever or parameter, as a scenario's `[[stops]]` would tell it."""
        told: dict[str, Any] = {"because": f"{self.along} is {value:g}", "expect": [self.expect]}
        lever = next((lever for lever in levers() if lever.name == self.along), None)
        if lever is None:
            return ClaimLimit(**told, change={self.along: value})
        policy = Policy(
            lever=self.along, start=self.start or "", over_months=self.over_months, until=self.until,
            service=self.service, where=self.where, **{lever.kind: value},  # type: ignore[arg-type]  # a number
        )  # fmt: skip
        return ClaimLimit(**told, policies=[policy], in_baseline=self.in_baseline)


class RegionTexts(Closed):
    """Where claims are true and where false."""

    regions: list[Region]


Place = Literal["true", "false", "not told"]


@dataclass(frozen=True)
class RegionResult:
    """A claim along a lever or parameter: what was seen at each value."""

    region: Region
    seen: tuple[Verdict, ...]

    def places(self) -> tuple[Place, ...]:
        """Whether the claim is true at each value: false where the interval lies wholly beyond what it says."""
        return tuple("true" if v.met else "false" if _beyond(self.region.expect, v) else "not told" for v in self.seen)

    def row(self) -> dict[str, Any]:
        """As one row of a document."""
        region = self.region
        whole = metric(region.expect.metric)
        return {
            "claim": region.claim,
            "scenario": region.scenario,
            "along": region.along,
            "why": region.why,
            "metric": whole.name,
            "measure": whole.label,
            "about": about(region.expect),
            "unit": "share" if region.expect.relative else whole.unit,
            "expected": self.seen[0].expected,
            "values": [
                {
                    "value": value,
                    "mean": _plain(v.mean),
                    "ci_low": _plain(v.low),
                    "ci_high": _plain(v.high),
                    "claim_is": place,
                }
                for value, v, place in zip(region.values, self.seen, self.places(), strict=True)
            ],
        }


def _beyond(expected: Expect, seen: Verdict) -> bool:
    """Whether what was seen lies wholly on the other side of a bound."""
    return any(seen.high < bound if above else seen.low > bound for bound, above in bounds(expected))


@dataclass(frozen=True)
class Case:
    """One expectation put to the test: of a scenario, or of a place where its claim stops."""

    claims: tuple[str, ...]
    scenario: Scenario
    baseline: Scenario
    others: Mapping[str, Scenario]
    """The scenarios it needs beside these, by the names it calls them."""
    expected: Expect
    stops: ClaimLimit | None
    file: Path


@dataclass(frozen=True)
class Finding:
    """A case with its verdict."""

    case: Case
    verdict: Verdict

    def row(self) -> dict[str, Any]:
        """As one row of a table or document."""
        case, v = self.case, self.verdict
        whole = metric(case.expected.metric)
        return {
            "claims": list(case.claims),
            "scenario": case.scenario.name,
            "label": case.scenario.label,
            "metric": whole.name,
            "measure": whole.label,
            "about": about(case.expected),
            "unit": "share" if case.expected.relative or case.expected.share_of is not None else whole.unit,
            "expected": v.expected,
            "mean": _plain(v.mean),
            "ci_low": _plain(v.low),
            "ci_high": _plain(v.high),
            "p": _plain(v.chance),
            "met": v.met,
            "told": v.told,
            "stops": None if case.stops is None else case.stops.because,
            "note": case.expected.note,
        }


@dataclass
class ClaimResult:
    """What became of one claim."""

    number: str
    text: str
    status: Status
    reason: str = ""
    """Why it lies outside."""
    findings: list[Finding] = field(default_factory=list)
    stops: list[Finding] = field(default_factory=list)
    walks: list[RegionResult] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """Every claim that was asked for, and how the runs were made."""

    claims: tuple[ClaimResult, ...]
    findings: tuple[Finding, ...]
    seeds: tuple[int, ...]
    people: int | None
    made: int
    kept: int

    @property
    def unmet(self) -> tuple[Finding, ...]:
        """Expectations, where a claim stops included, that the runs do not bear out."""
        return tuple(f for f in self.findings if not f.verdict.met)

    def count(self, status: Status) -> int:
        """How many claims have a status."""
        return sum(claim.status == status for claim in self.claims)

    def document(self) -> dict[str, Any]:
        """Everything, as one JSON document."""
        luck, kept = expected_by_chance(f.verdict for f in self.findings)
        return {
            "upstream": VERSION,
            "seeds": list(self.seeds),
            "people": self.people,
            "test": "each expectation: two-sided, 5 %, paired by seed; interval of the mean difference, 95 %",
            "by_luck": {
                "expectations": len(self.findings),
                "met_if_all_false": luck,
                "met_after_holm": kept,
                "missed_with_other_luck": missed_again(f.verdict for f in self.findings),
            },
            "counts": {s: self.count(s) for s in STATUSES},
            "claims": [
                {
                    "claim": c.number,
                    "text": c.text,
                    "status": c.status,
                    "reason": c.reason,
                    "expectations": [f.row() for f in c.findings],
                    "stops": [f.row() for f in c.stops],
                    "regions": [walk.row() for walk in c.walks],
                }
                for c in self.claims
            ],
        }


def claim_texts(path: Path = TEXTS) -> dict[str, str]:
    """Each claim's sentence by its number, in order."""
    found = inputs.load(path, ClaimTexts).claims
    _numbered(found, "claims", path)
    return dict(sorted(found.items(), key=lambda row: int(row[0][1:])))


def outside_texts(path: Path = OUTSIDE) -> dict[str, str]:
    """Why a claim lies outside the model, by its number."""
    found = inputs.load(path, OutsideTexts).outside
    _numbered(found, "outside", path)
    return found


def _numbered(found: Iterable[str], table: str, path: Path) -> None:
    import re

    for number in found:
        if not re.fullmatch(CLAIM, number):
            raise inputs.fail(path, (table, number), "the number of a claim, M1 to M94", number)


def regions(path: Path | None = None) -> list[Region]:
    """Every claim that is walked along a lever or parameter. Refuses what names neither, or has no month to begin."""
    path = path or REGIONS
    found = inputs.load(path, RegionTexts).regions
    there, known = {lever.name for lever in levers()}, parameters()
    for k, region in enumerate(found):
        if region.along not in there and region.along not in known:
            raise inputs.fail(path, ("regions", k, "along"), "a lever or a parameter", region.along, (*there, *known))
        if (region.along in there) != (region.start is not None):
            came = Phrase("none" if region.start is None else "one for a parameter")
            raise inputs.fail(path, ("regions", k, "start"), "a first month for a lever, and for nothing else", came)
    return found


def walks(chosen: Sequence[str] = (), path: Path | None = None) -> list[tuple[Region, list[Case]]]:
    """Each claim's region with a case at each value."""
    path = path or REGIONS
    read = {name: Scenario.load(file) for name, file in library().items()}
    out = []
    for k, region in enumerate(regions(path)):
        if chosen and region.claim not in chosen:
            continue
        key: inputs.KeyPath = ("regions", k)
        if region.scenario not in read:
            raise inputs.fail(path, (*key, "scenario"), "the name of a scenario", region.scenario, read)
        scenario = read[region.scenario].model_copy(update={"people": region.people})
        made = []
        for j, value in enumerate(region.values):
            stop = region.at(value)
            try:
                scenario.model_copy(update={"stops": [stop]}).check(path)
            except InputError as wrong:
                raise inputs.fail(path, (*key, "values", j), wrong.wanted, wrong.came, wrong.choices) from None
            made.append(_case((region.claim,), scenario, region.expect, stop, (*key, "expect"), read, path))
        out.append((region, made))
    return out


def files(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """The scenarios of the library by name, and those of further folders. Refuses a name that is there twice."""
    found = library()
    for folder in folders:
        for path in toml_files(folder):
            if path.stem in found:
                wanted = "a file name that no other scenario has"
                raise InputError(path, None, "", wanted, Phrase(f"that of {found[path.stem]}"))
            found[path.stem] = path
    return found


def toml_files(folder: Path) -> list[Path]:
    """The TOML files of a folder. Refuses one that is not there or holds none."""
    if not folder.is_dir():
        raise InputError(folder, None, "", "a folder", Phrase("a file" if folder.exists() else "nothing"))
    found = sorted(folder.glob("*.toml"))
    if not found:
        raise InputError(folder, None, "", "a folder with .toml files", Phrase("one without"))
    return found


def cases(chosen: Sequence[str] = (), *, folders: Sequence[Path] = ()) -> list[Case]:
    """Every expectation that bears on the claims chosen; on any, if none are."""
    there = files(folders)
    read = {name: Scenario.load(path) for name, path in there.items()}
    for name, scenario in read.items():
        if scenario.name != name:
            raise inputs.fail(there[name], ("name",), f"the file's own name, '{name}'", scenario.name)
    out = []
    for name, scenario in read.items():
        at: list[tuple[Expect, ClaimLimit | None, inputs.KeyPath]] = []
        at += [(expected, None, ("expect", k)) for k, expected in enumerate(scenario.expect)]
        for j, stop in enumerate(scenario.stops):
            at += [(expected, stop, ("stops", j, "expect", k)) for k, expected in enumerate(stop.expect)]
        for expected, place, key in at:
            claims = (expected.claim,) if expected.claim is not None else tuple(scenario.shows)
            if chosen and not set(claims) & set(chosen):
                continue
            out.append(_case(claims, scenario, expected, place, key, read, there[name]))
    return out


def _case(
    claims: tuple[str, ...],
    scenario: Scenario,
    expected: Expect,
    stop: ClaimLimit | None,
    key: inputs.KeyPath,
    read: Mapping[str, Scenario],
    path: Path,
) -> Case:
    wrong = unmeasured(expected)
    if wrong is not None:
        raise inputs.fail(path, (*key, *wrong.below), wrong.wanted, wrong.came, wrong.choices)
    if scenario.baseline not in read:
        raise inputs.fail(path, ("baseline",), "the name of a scenario", scenario.baseline, read)
    for other in expected.others():
        field_of = "against" if expected.against is not None else "interaction"
        if other not in read:
            raise inputs.fail(path, (*key, field_of), "the name of a scenario", other, read)
        if (read[other].start, read[other].years) != (scenario.start, scenario.years):
            wanted = f"a scenario from {scenario.start} for {scenario.years} years, as this one"
            came = Phrase(f"'{other}', from {read[other].start} for {read[other].years}")
            raise inputs.fail(path, (*key, field_of), wanted, came)
    ground = {name: getattr(scenario, name) for name in ("place", "people", "start", "years")}
    world = {"parameters": scenario.parameters, "recalibrate": scenario.recalibrate}
    if stop is not None and stop.change:
        world = {"parameters": {**scenario.parameters, **stop.change}, "recalibrate": stop.recalibrate}

    def placed(one: Scenario, *, own: bool) -> Scenario:
        moved = one.model_copy(update={**ground, **world})
        return moved if stop is None or not (own or stop.in_baseline) else with_policies(moved, stop)

    return Case(
        claims,
        placed(scenario, own=True),
        placed(read[scenario.baseline], own=False),
        {name: placed(read[name], own=False) for name in expected.others()},
        expected,
        stop,
        path,
    )


def with_policies(scenario: Scenario, stop: ClaimLimit) -> Scenario:
    """The scenario with further policies, each in place of one of the same lever and aim."""

    def aim(policy: Any) -> Any:
        return policy.model_dump(include={"lever", "service", "where", "who"})

    replaced = [aim(policy) for policy in stop.policies]
    kept = [policy for policy in scenario.policies if aim(policy) not in replaced]
    return scenario.model_copy(update={"policies": [*kept, *stop.policies]})


def run_claims(
    chosen: Sequence[str] = (),
    *,
    seeds: int = 20,
    seed: int = 0,
    people: int | None = None,
    threads: int | None = None,
    quick: bool = False,
    folders: Sequence[Path] = (),
    out: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run every scenario that the chosen claims need, once, and put each expectation to the test.

    With `out`, a run that this folder holds is not made again.
    """
    texts, reasons = claim_texts(), outside_texts()
    for number in chosen:
        if number not in texts:
            raise InputError("claims", None, "", "the number of a claim", number, texts)
    every = cases(chosen, folders=folders)
    found = [case for case in every if case.scenario.quick or not quick]
    for case in every:
        for number in case.claims:
            if number in reasons:
                wanted = f"claims that no scenario shows; {case.scenario.name} shows this one"
                raise inputs.fail(OUTSIDE, ("outside", number), wanted, number)
    walked = walks(chosen) if not quick else []
    readings = Readings(seeds, seed=seed, people=people, threads=threads, folder=out)
    for case in (*found, *(case for _, places in walked for case in places)):
        for scenario in (case.scenario, case.baseline, *case.others.values()):
            readings.ask(scenario, needs(case.expected))
    made, kept = readings.run(progress)
    findings = tuple(Finding(case, _verdict(case, readings)) for case in found)
    along = [RegionResult(region, tuple(_verdict(case, readings) for case in places)) for region, places in walked]
    shown = []
    for number in chosen or texts:
        mine = [f for f in findings if number in f.case.claims]
        own = [f for f in mine if f.case.stops is None]
        status: Status = "missing"
        if own:
            status = "shown" if all(f.verdict.met for f in own) else "not shown"
        elif number in reasons:
            status = "outside"
        elif any(number in case.claims and case.stops is None for case in every):
            status = "not run"
        reason = reasons.get(number, "")
        stops = [f for f in mine if f.case.stops is not None]
        mine_along = [walk for walk in along if walk.region.claim == number]
        shown.append(ClaimResult(number, texts[number], status, reason, own, stops, mine_along))
    return Report(tuple(shown), findings, tuple(range(seed, seed + seeds)), people, made, kept)


def _verdict(case: Case, readings: Readings) -> Verdict:
    name, base = case.scenario.name, case.baseline.name
    runs = {**case.others, base: case.baseline, name: case.scenario}
    return tested(case.expected, name, base, readings.read(runs))


def _plain(value: float) -> float | None:
    return round(float(value), 9) if np.isfinite(value) else None
