"""Everything a user may choose, checked: a scenario is a place, a length of time, and policies on a timeline.

A policy is always a difference from a named baseline. Files are TOML, closed to unknown keys; a scenario also says what
question it asks, why the equations should push the way they do, and what is expected of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from sim import book, inputs
from sim.engine.mechanism import BOOK
from sim.fields import Closed, Number, Params
from sim.inputs import InputError, Unmet, Words
from sim.place import Place
from sim.policies import Lever, levers
from sim.services.catalogue import load_catalogue

FOLDER = Path(__file__).parents[1] / "scenarios"
LONGEST_YEARS = 60
CLAIM = r"^M([1-9]|[1-8][0-9]|9[0-4])$"
"""The form of a claim's number."""
DATA = ("claims", "outside")
"""Files beside the claims' scenarios that are none: the claims in words, and those outside the model with reasons."""


class Where(Closed):
    """Which neighbourhoods a policy is for."""

    quintiles: list[int] = Field(min_length=1)


class Who(Closed):
    """Which ages a policy is for."""

    ages: list[int] = Field(min_length=2, max_length=2)


class Policy(Closed):
    """One lever moved at one time: to a `value` or by a `shift`, at once or over some months."""

    lever: str
    start: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="first month of the change, YYYY-MM")
    value: Number | None = None
    shift: Number | None = None
    over_months: int = Field(1, ge=1, le=720, description="months until the change is complete")
    until: str | None = Field(None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="first month back at baseline")
    service: str | None = None
    where: Where | None = None
    who: Who | None = None


class Groups(Closed):
    """Some of the groups of a measure, by one axis or several; their people and counts are summed before any ratio."""

    service: str | list[str] | None = None
    domain: str | list[str] | None = None
    quintile: int | list[int] | None = Field(None, description="fifths by deprivation, 1 the most deprived")
    age: str | list[str] | None = Field(None, description="age bands, such as 65-74 or 85+")
    child_age: int | list[int] | None = Field(None, description="single years of age of children")
    neighbourhood: str | list[str] | None = None

    def groups(self) -> dict[str, tuple[str, ...]]:
        """The groups by axis, as results name them."""
        given = ((axis, getattr(self, axis)) for axis in Groups.model_fields)
        return {
            axis: tuple(map(str, value)) if isinstance(value, list) else (str(value),)
            for axis, value in given
            if value is not None
        }


class Looked(Groups):
    """What is looked at in a run: a measure of some groups, in a year or as the mean over some years."""

    metric: str
    year: int | None = Field(None, ge=1)
    years: list[int] | None = Field(None, min_length=2, max_length=2, description="the first and the last")
    relative: bool = Field(False, description="a difference is told as a share of the level it is taken from")
    share_of: Groups | None = Field(
        None, description="the level is the part that these groups make of those with the axes named here"
    )
    compared_with: Groups | None = Field(None, description="less the same for the groups with the axes named here")

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        if (self.year is None) == (self.years is None):
            raise Unmet("one of year and years", Words("neither" if self.year is None else "both"))
        if self.years is not None and not 1 <= self.years[0] < self.years[1]:
            raise Unmet("a first year from 1 on and a later last one", self.years, below=("years",))
        for other in ("share_of", "compared_with"):
            given = getattr(self, other)
            if given is not None and not given.groups():
                raise Unmet("at least one axis", Words("none"), tuple(Groups.model_fields), below=(other,))
        return self

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last year."""
        if self.years is not None:
            return self.years[0], self.years[1]
        assert self.year is not None
        return self.year, self.year

    @property
    def last(self) -> int:
        """The year by which it can be seen."""
        return self.span[1]


class Expect(Looked):
    """What the scenario should show: a difference from its baseline, unless `against` or `interaction` say otherwise.

    It is met only where the 95 % interval of the mean difference (two-sided, paired by seed) says so by itself: wholly
    on one side of 0 for a direction, wholly above `low`, wholly below `high`. That nothing differs is never met by
    doubt: 'either' needs a margin, `low` and `high`, that the interval lies within (equivalence).
    """

    direction: Literal["up", "down", "either"] | None = None
    low: Number | None = None
    high: Number | None = None
    against: str | None = Field(None, description="the scenario from which the difference is taken")
    interaction: list[str] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="the two scenarios that this is together: this - one - other + baseline",
    )
    claim: str | None = Field(None, pattern=CLAIM, description="the row of `shows` that this is evidence for")
    note: str = ""

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        low, high = self.low, self.high
        if low is not None and high is not None and low >= high:
            raise Unmet(f"a number above low, {low:g}", high, below=("high",))
        if self.direction == "either" and (low is None or high is None):
            came = Words(" without ".join(["one"] + [name for name in ("low", "high") if getattr(self, name) is None]))
            raise Unmet("low and high: the margin within which a difference counts as none", came)
        if self.against is not None and self.interaction is not None:
            raise Unmet("one of against and interaction", Words("both"), below=("interaction",))
        return self

    def others(self) -> tuple[str, ...]:
        """The scenarios it needs beside its own and the baseline."""
        return (self.against,) if self.against is not None else tuple(self.interaction or ())


class Stops(Closed):
    """Where a claim stops being true: another world or another policy, and what is expected there instead.

    `change` are parameters of another world. As asked here, hazards are not solved anew for it (`recalibrate` is
    false): the world differs from England's, and the question is what the policy does in such a world, not which other
    hazards would give England's rates under these parameters. Its baseline is run in that same world. `policies` are
    added to the scenario's own, in place of one of the same lever and aim; with `in_baseline`, to its baseline's too.
    """

    because: str = Field(min_length=10)
    change: dict[str, Number] = Field(default_factory=dict)
    policies: list[Policy] = Field(default_factory=list)
    in_baseline: bool = Field(False, description="whether these policies are in the baseline too: another world")
    recalibrate: bool = False
    expect: list[Expect] = Field(min_length=1)

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if not self.change and not self.policies:
            raise Unmet("another world or policy: change or policies", Words("neither"))
        return self


class Scenario(Closed):
    """A question put to a place."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    label: str = Field(min_length=1, max_length=80)
    question: str = Field(min_length=10)
    reason: str = Field(min_length=10, description="why the equations push the way they do")
    place: str = "anytown"
    baseline: str = "baseline"
    start: str = Field("2025-04", pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    years: int = Field(20, ge=1, le=LONGEST_YEARS)
    people: int | None = None
    policies: list[Policy] = Field(default_factory=list)
    shows: list[str] = Field(default_factory=list)
    expect: list[Expect] = Field(default_factory=list)
    stops: list[Stops] = Field(default_factory=list, description="where what it shows stops being true")
    parameters: dict[str, Number] = Field(default_factory=dict)
    recalibrate: bool = Field(True, description="whether hazards are solved anew for the parameters given here")
    quick: bool = Field(False, description="whether `upstream claims --quick` runs it")

    @classmethod
    def load(cls, name_or_path: str | Path) -> Scenario:
        """A scenario by its name in the library, or by the path of its file."""
        given = str(name_or_path)
        if isinstance(name_or_path, Path) or given.endswith(".toml") or "/" in given or "\\" in given:
            path = Path(name_or_path)
        else:
            there = library()
            if given not in there:
                wanted = "the name of a scenario, or a path to a .toml file"
                raise InputError(FOLDER, None, "scenario", wanted, given, there)
            path = there[given]
        text = inputs.read_text(path)
        scenario = inputs.load_text(text, path, cls)
        scenario.check(path, text)
        return scenario

    def check(self, path: Path | str = "", text: str = "") -> None:
        """Refuse what needs more than this file to judge: levers, services, dates, parameters, the place."""
        known = {lever.name: lever for lever in levers()}
        for k, policy in enumerate(self.policies):
            self._check_policy(policy, ("policies", k), known, path or self.name, text)
        for name, value in self.parameters.items():
            parameter(name, value, path or self.name, text)
        for k, claim in enumerate(self.shows):
            if not re.fullmatch(CLAIM, claim):
                raise _fail(path, text, ("shows", k), "a claim, M1 to M94", claim)
        self._check_expect(self.expect, ("expect",), path, text)
        for k, stop in enumerate(self.stops):
            for j, policy in enumerate(stop.policies):
                self._check_policy(policy, ("stops", k, "policies", j), known, path or self.name, text)
            for name, value in stop.change.items():
                try:
                    parameter(name, value)
                except InputError as wrong:
                    key = ("stops", k, "change", name)
                    raise _fail(path, text, key, wrong.wanted, wrong.came, tuple(map(str, wrong.choices))) from None
            self._check_expect(stop.expect, ("stops", k, "expect"), path, text)
        Place.load(self.place)

    def _check_expect(self, expects: list[Expect], key: tuple[str | int, ...], path: Path | str, text: str) -> None:
        for k, expected in enumerate(expects):
            if expected.direction is None and expected.low is None and expected.high is None:
                raise _fail(path, text, (*key, k), "a direction, low or high", Words("none of them"))
            if expected.last > self.years:
                field = "year" if expected.years is None else "years"
                raise _fail(path, text, (*key, k, field), f"a year of the scenario, 1 to {self.years}", expected.last)
            if expected.claim is not None and expected.claim not in self.shows:
                raise _fail(path, text, (*key, k, "claim"), "one of `shows`", expected.claim, tuple(self.shows))

    def _check_policy(
        self, policy: Policy, key: tuple[str | int, ...], known: dict[str, Lever], path: Path | str, text: str
    ) -> None:
        lever = known.get(policy.lever)
        if lever is None:
            raise _fail(path, text, (*key, "lever"), "the name of a lever", policy.lever, tuple(known))
        if (policy.value is None) == (policy.shift is None):
            both = inputs.Words("both" if policy.value is not None else "neither")
            raise _fail(path, text, key, "one of value and shift", both)
        if lever.kind == "shift" and policy.value is not None:
            raise _fail(path, text, (*key, "value"), f"a shift: '{lever.name}' is 0 at baseline", policy.value)
        target = policy.value if policy.value is not None else lever.baseline + (policy.shift or 0.0)
        if not lever.low <= target <= lever.high:
            field = "value" if policy.value is not None else "shift"
            low, high = (
                (lever.low, lever.high)
                if field == "value"
                else (lever.low - lever.baseline, lever.high - lever.baseline)
            )
            came = policy.value if policy.value is not None else policy.shift
            raise _fail(path, text, (*key, field), f"{low:g} to {high:g} ({lever.unit}) for '{lever.name}'", came)
        for field in ("start", "until"):
            date = getattr(policy, field)
            if date is None:
                continue
            month = months_between(self.start, date)
            if month >= 12 * self.years:
                last = month_name(self.start, 12 * self.years - 1)
                raise _fail(path, text, (*key, field), f"a month of the scenario, {self.start} to {last}", date)
            if month < 0:
                raise _fail(path, text, (*key, field), f"a month from the scenario's start, {self.start}, on", date)
        if policy.until is not None and months_between(policy.start, policy.until) <= 0:
            raise _fail(path, text, (*key, "until"), f"a month after the policy's start, {policy.start}", policy.until)
        services = tuple(s.id for s in load_catalogue())
        if policy.service is not None:
            if not lever.by_service:
                able = tuple(x.name for x in known.values() if x.by_service)
                raise _fail(
                    path,
                    text,
                    (*key, "service"),
                    f"no service: '{lever.name}' acts on the whole place; "
                    f"levers that can be aimed at a service are {', '.join(able)}",
                    policy.service,
                )
            if policy.service not in services:
                raise _fail(path, text, (*key, "service"), "the id of a service", policy.service, services)
        for aim in ("where", "who"):
            if getattr(policy, aim) is not None:
                raise _fail(
                    path,
                    text,
                    (*key, aim),
                    f"no '{aim}': '{lever.name}' cannot be aimed at some "
                    f"{'neighbourhoods' if aim == 'where' else 'ages'} yet",
                    inputs.Words("one"),
                )

    def with_policy(
        self,
        lever: str,
        *,
        value: float | None = None,
        shift: float | None = None,
        start: str | None = None,
        over_months: int = 1,
        until: str | None = None,
        service: str | None = None,
        name: str | None = None,
    ) -> Self:
        """The same scenario with one more policy. Without `start` it begins a year in."""
        policy = Policy(
            lever=lever,
            value=value,
            shift=shift,
            start=start or month_name(self.start, min(12, 12 * self.years - 1)),
            over_months=over_months,
            until=until,
            service=service,
        )
        label = f"{lever} {value if value is not None else f'{shift:+g}'}"
        changed = self.model_copy(
            update={
                "name": name or f"{self.name}-{lever.replace('_', '-')}",
                "label": label if not self.policies else f"{self.label}, {label}",
                "reason": self.reason if self.policies else "A policy put together by hand.",
                "policies": [*self.policies, policy],
                "baseline": self.baseline,
            }
        )
        changed.check()
        return changed

    def with_settings(self, **settings: Any) -> Self:
        """The same scenario with other place, people, years or parameters."""
        kept = {key: value for key, value in settings.items() if value is not None}
        changed = type(self).model_validate({**self.model_dump(), **kept})
        within = [e for e in changed.expect if e.last <= changed.years]  # a shorter run cannot show the rest
        stops = [stop for stop in changed.stops if all(e.last <= changed.years for e in stop.expect)]
        changed = changed.model_copy(update={"expect": within, "stops": stops})
        changed.check()
        return changed

    def months(self) -> list[str]:
        """Every month of the scenario, YYYY-MM."""
        return [month_name(self.start, m) for m in range(12 * self.years)]

    def paths(self, services: tuple[str, ...]) -> dict[str, npt.NDArray[np.float64]]:
        """Each lever's value by month and service, shape (months, services)."""
        out = {}
        for lever in levers():
            path = np.full((12 * self.years, len(services)), lever.baseline)
            for policy in sorted((p for p in self.policies if p.lever == lever.name), key=lambda p: p.start):
                first = months_between(self.start, policy.start)
                column = slice(None) if policy.service is None else [services.index(policy.service)]
                ramp = np.clip((np.arange(12 * self.years) - first + 1) / policy.over_months, 0.0, 1.0)[:, None]
                before = path[max(0, first - 1), column]
                change = (policy.value - before) if policy.value is not None else (policy.shift or 0.0)
                path[:, column] += ramp * change
                if policy.until is not None:
                    path[months_between(self.start, policy.until) :, column] = lever.baseline
            out[lever.name] = np.clip(path, lever.low, lever.high)
        return out

    def params(self) -> dict[str, Params]:
        """The parameters of every mechanism, with this scenario's own values."""
        own: dict[str, dict[str, float]] = {}
        for name, value in self.parameters.items():
            group, field = name.split(".", 1)
            own.setdefault(group, {})[field] = value
        return {group: model(**own.get(group, {})) for group, model in parameter_groups().items()}


def parameter_groups() -> dict[str, type[Params]]:
    """Each mechanism module that has parameters, by its name."""
    assert book.FOLDERS  # every mechanism is in the book by now
    groups: dict[str, type[Params]] = {}
    for entry in BOOK.month():
        if list(entry.params.declared()):
            groups.setdefault(entry.params.__module__.rsplit(".", 1)[-1], entry.params)
    return groups


def parameter(name: str, value: float, path: Path | str = "--set", text: str = "") -> None:
    """Refuse a parameter that does not exist or lies outside its range."""
    groups = parameter_groups()
    every = {f"{group}.{field}": told for group, model in groups.items() for field, _, told in model.declared()}
    if name not in every:
        raise _fail(path, text, ("parameters", name), "the name of a parameter", name, tuple(every))
    told = every[name]
    if not told.low <= value <= told.high:
        raise _fail(path, text, ("parameters", name), f"{told.low:g} to {told.high:g} ({told.unit})", value)


def scenario_names() -> tuple[str, ...]:
    """The main scenarios of the library, the baseline first; `library` has those that show a claim too."""
    names = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return tuple(sorted(names, key=lambda name: (name != "baseline", name)))


def library() -> dict[str, Path]:
    """Every scenario's file by its name: the main ones first, then those that each show a claim."""
    found = {name: FOLDER / f"{name}.toml" for name in scenario_names()}
    for path in sorted((FOLDER / "claims").glob("*.toml")):
        if path.stem not in DATA:
            found.setdefault(path.stem, path)
    return found


def months_between(first: str, second: str) -> int:
    """Months from one YYYY-MM to another."""
    return (int(second[:4]) - int(first[:4])) * 12 + int(second[5:7]) - int(first[5:7])


def month_name(start: str, month: int) -> str:
    """The YYYY-MM that lies `month` months after `start`."""
    total = int(start[:4]) * 12 + int(start[5:7]) - 1 + month
    return f"{total // 12:04d}-{total % 12 + 1:02d}"


def _fail(
    path: Path | str, text: str, key: tuple[str | int, ...], wanted: str, came: object, choices: tuple[str, ...] = ()
) -> InputError:
    line = inputs.locate(text, key) if text else None
    return InputError(path, line, inputs.dotted(key), wanted, came, choices)
