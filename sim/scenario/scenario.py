"""Everything a user may choose, checked: a scenario is a place, a length of time, and policies on a timeline.

A policy is always a difference from a named baseline. Files are TOML, closed to unknown keys; a scenario also says what
question it asks, why the equations should push the way they do, and what is expected of it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from sim.place.place import Place
from sim.policies import Lever, levers
from sim.scenario import data_parameters
from sim.scenario.expectations import CLAIM, ClaimLimit, Expect
from sim.scenario.parameters import fail, parameter, parameter_groups
from sim.scenario.policy import AgeFilter, NeighbourhoodFilter, Policy
from sim.scenario.timeline import month_name, months_between
from sim.schema import toml_files
from sim.schema.quantities import AGE_BANDS, Closed, Number, Params
from sim.schema.renamed import LEVERS, renamed
from sim.schema.toml_files import InputError, Phrase
from sim.services.catalogue import load_catalogue
from sim.state.codes import MOST_GROUPS
from sim.state.neighbourhoods import NeighbourhoodState

FOLDER = Path(__file__).parents[2] / "scenarios"
LONGEST_YEARS = 60
DATA = ("claims", "outside")
"""Files beside the claims' scenarios that are none: the claims in words, and those outside the model with reasons."""


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
    shocks: list[Policy] = Field(default_factory=list, description="what happens to the place, such as a recession")
    shows: list[str] = Field(default_factory=list)
    expect: list[Expect] = Field(default_factory=list)
    stops: list[ClaimLimit] = Field(default_factory=list, description="where what it shows stops being true")
    parameters: dict[str, Number] = Field(default_factory=dict)
    recalibrate: bool = Field(True, description="whether hazards are solved anew for the parameters given here")
    quick: bool = Field(False, description="whether `upstream claims --quick` runs it")

    @field_validator("parameters", mode="before")
    @classmethod
    def _dotted(cls, given: object) -> object:
        """`services.gp.activity.mean_months = 3` in a file is a table in a table: here it is one dotted name."""
        return dict(_flat(given)) if isinstance(given, dict) else given

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
        text = toml_files.read_text(path)
        scenario = toml_files.load_text(text, path, cls)
        scenario.check(path, text)
        return scenario

    def check(self, path: Path | str = "", text: str = "") -> None:
        """Refuse what needs more than this file to judge: levers, services, dates, parameters, the place."""
        known = {lever.name: lever for lever in levers()}
        for k, policy in enumerate(self.policies):
            self._check_policy(policy, ("policies", k), known, path or self.name, text)
        shocks = tuple(lever.name for lever in known.values() if lever.shock)
        for k, policy in enumerate(self.shocks):
            if policy.lever not in shocks:
                raise fail(path, text, ("shocks", k, "lever"), "the name of a shock", policy.lever, shocks)
            self._check_policy(policy, ("shocks", k), known, path or self.name, text)
        for name, value in self.parameters.items():
            parameter(name, value, path or self.name, text, self.place)
        for k, claim in enumerate(self.shows):
            if not re.fullmatch(CLAIM, claim):
                raise fail(path, text, ("shows", k), "a claim, M1 to M94", claim)
        self._check_expect(self.expect, ("expect",), path, text)
        for k, stop in enumerate(self.stops):
            for j, policy in enumerate(stop.policies):
                self._check_policy(policy, ("stops", k, "policies", j), known, path or self.name, text)
            for name, value in stop.change.items():
                try:
                    parameter(name, value, place=self.place)
                except InputError as wrong:
                    key = ("stops", k, "change", name)
                    raise fail(path, text, key, wrong.wanted, wrong.came, tuple(map(str, wrong.choices))) from None
            self._check_expect(stop.expect, ("stops", k, "expect"), path, text)
        Place.load(self.place)

    def _check_expect(self, expects: list[Expect], key: tuple[str | int, ...], path: Path | str, text: str) -> None:
        for k, expected in enumerate(expects):
            if expected.direction is None and expected.low is None and expected.high is None:
                raise fail(path, text, (*key, k), "a direction, low or high", Phrase("none of them"))
            if expected.last > self.years:
                field = "year" if expected.years is None else "years"
                raise fail(path, text, (*key, k, field), f"a year of the scenario, 1 to {self.years}", expected.last)
            if expected.claim is not None and expected.claim not in self.shows:
                raise fail(path, text, (*key, k, "claim"), "one of `shows`", expected.claim, tuple(self.shows))

    def _check_policy(
        self, policy: Policy, key: tuple[str | int, ...], known: dict[str, Lever], path: Path | str, text: str
    ) -> None:
        lever = known.get(policy.lever)
        if lever is None and policy.lever in LEVERS:
            message = Phrase(renamed(policy.lever, LEVERS[policy.lever]))
            raise fail(path, text, (*key, "lever"), message, policy.lever)
        if lever is None:
            raise fail(path, text, (*key, "lever"), "the name of a lever", policy.lever, tuple(known))
        if (policy.value is None) == (policy.shift is None):
            both = toml_files.Phrase("both" if policy.value is not None else "neither")
            raise fail(path, text, key, "one of value and shift", both)
        if lever.kind == "shift" and policy.value is not None:
            raise fail(path, text, (*key, "value"), f"a shift: '{lever.name}' is 0 at baseline", policy.value)
        target = policy.value if policy.value is not None else lever.baseline + (policy.shift or 0.0)
        if not lever.low <= target <= lever.high:
            field = "value" if policy.value is not None else "shift"
            low, high = (
                (lever.low, lever.high)
                if field == "value"
                else (lever.low - lever.baseline, lever.high - lever.baseline)
            )
            came = policy.value if policy.value is not None else policy.shift
            raise fail(path, text, (*key, field), f"{low:g} to {high:g} ({lever.unit}) for '{lever.name}'", came)
        for field in ("start", "until"):
            date = getattr(policy, field)
            if date is None:
                continue
            month = months_between(self.start, date)
            if month >= 12 * self.years:
                last = month_name(self.start, 12 * self.years - 1)
                raise fail(path, text, (*key, field), f"a month of the scenario, {self.start} to {last}", date)
            if month < 0:
                raise fail(path, text, (*key, field), f"a month from the scenario's start, {self.start}, on", date)
        if policy.until is not None and months_between(policy.start, policy.until) <= 0:
            raise fail(path, text, (*key, "until"), f"a month after the policy's start, {policy.start}", policy.until)
        self._check_aims(policy, lever, key, known, path, text)

    def _check_aims(
        self,
        policy: Policy,
        lever: Lever,
        key: tuple[str | int, ...],
        known: dict[str, Lever],
        path: Path | str,
        text: str,
    ) -> None:
        for aim, some in (("service", "services"), ("where", "neighbourhoods"), ("who", "ages")):
            given = getattr(policy, aim)
            if given is None and aim in lever.needs:
                raise fail(path, text, (*key, aim), f"the {aim} that '{lever.name}' is for", toml_files.NOTHING)
            if given is not None and aim not in lever.aims:
                able = tuple(x.name for x in known.values() if aim in x.aims)
                wanted = f"no '{aim}', as '{lever.name}' cannot be aimed at some {some}; these can: {', '.join(able)}"
                raise fail(path, text, (*key, aim), wanted, Phrase("one") if aim != "service" else given)
        services = tuple(s.id for s in load_catalogue())
        if policy.service == []:
            raise fail(path, text, (*key, "service"), "at least one service", policy.service)
        for k, service in enumerate(policy.services):
            where = (*key, "service") if isinstance(policy.service, str) else (*key, "service", k)
            if service not in services:
                raise fail(path, text, where, "the id of a service", service, services)
        if policy.where is not None:
            self._check_where(policy.where, (*key, "where"), path, text)

    def _check_where(self, where: NeighbourhoodFilter, key: tuple[str | int, ...], path: Path | str, text: str) -> None:
        hoods = Place.load(self.place).neighbourhoods(self.people)
        names = tuple(n.name for n in hoods)
        for k, name in enumerate(where.names or ()):
            if name not in names:
                raise fail(path, text, (*key, "names", k), f"a neighbourhood of {self.place}", name, names)
        code = np.array([zlib.crc32(name.encode()) for name in names])
        if not where.chosen(np.array([n.quintile - 1 for n in hoods]), code).any():
            fifths = ", ".join(str(q) for q in sorted({n.quintile for n in hoods}))
            wanted = f"some of the {len(hoods)} neighbourhoods of {self.place}, which lie in the fifths {fifths}"
            raise fail(path, text, key, wanted, Phrase("none of them"))

    def with_policy(
        self,
        lever: str,
        *,
        value: float | None = None,
        shift: float | None = None,
        start: str | None = None,
        over_months: int = 1,
        until: str | None = None,
        service: str | list[str] | None = None,
        where: NeighbourhoodFilter | dict[str, Any] | None = None,
        who: AgeFilter | dict[str, Any] | None = None,
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
            where=NeighbourhoodFilter.model_validate(where) if where is not None else None,
            who=AgeFilter.model_validate(who) if who is not None else None,
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

    @property
    def moves(self) -> list[Policy]:
        """Everything that is moved: policies and shocks."""
        return [*self.policies, *self.shocks]

    def months(self) -> list[str]:
        """Every month of the scenario, YYYY-MM."""
        return [month_name(self.start, m) for m in range(12 * self.years)]

    def paths(self, services: tuple[str, ...], places: NeighbourhoodState) -> dict[str, npt.NDArray[np.float64]]:
        """Each lever's value by month and column; for what its columns are, see sim/policies/__init__.py. Where nothing
        moves a lever that is one number, shown as often as it is wanted, which cannot be written to."""
        groups = self.groups(places)
        out = {}
        for lever in levers():
            pulled = sorted((p for p in self.moves if p.lever == lever.name), key=lambda p: p.start)
            columns = {
                "place": 1,
                "neighbourhood": places.code.size,
                "service": len(services) * (int(groups.max()) + 1),
            }[lever.axis]
            if not pulled:
                out[lever.name] = np.broadcast_to(np.float64(lever.baseline), (12 * self.years, columns))
                continue
            path = np.full((12 * self.years, columns), lever.baseline)
            for policy in pulled:
                first = months_between(self.start, policy.start)
                inside = self._columns(policy, lever, services, places, groups)
                ramp = np.clip((np.arange(12 * self.years) - first + 1) / policy.over_months, 0.0, 1.0)[:, None]
                before = path[max(0, first - 1), inside]
                change = (policy.value - before) if policy.value is not None else (policy.shift or 0.0)
                path[:, inside] += ramp * change
                if policy.until is not None:
                    path[months_between(self.start, policy.until) :, inside] = lever.baseline
            out[lever.name] = np.clip(path, lever.low, lever.high)
        return out

    def groups(self, places: NeighbourhoodState) -> npt.NDArray[np.uint8]:
        """The people whom policies aimed at some of them tell apart, by neighbourhood and age band: 0 is everybody
        for whom there is no policy of their own; two people in the same policies are in the same group."""
        inside = np.array([_cells(p, places).ravel() for p in self._for_some()], bool)
        if not inside.size:
            return np.zeros((places.code.size, len(AGE_BANDS)), np.uint8)
        nobody = np.zeros((len(inside), 1), bool)
        kinds, number = np.unique(np.hstack([nobody, inside]), axis=1, return_inverse=True)
        if kinds.shape[1] > MOST_GROUPS:
            wanted = f"policies aimed at some people that tell at most {MOST_GROUPS} groups of them apart"
            raise InputError(self.name, None, "policies", wanted, Phrase(f"{kinds.shape[1]} groups"))
        return number.ravel()[1:].reshape(places.code.size, len(AGE_BANDS)).astype(np.uint8)

    def _for_some(self) -> list[Policy]:
        axis = {lever.name: lever.axis for lever in levers()}
        return [p for p in self.moves if p.is_for_some and axis[p.lever] == "service"]

    def _columns(
        self,
        policy: Policy,
        lever: Lever,
        services: tuple[str, ...],
        places: NeighbourhoodState,
        groups: npt.NDArray[np.uint8],
    ) -> npt.NDArray[np.bool_]:
        """The columns of a lever's path that a policy moves."""
        if lever.axis == "place":
            return np.ones(1, bool)
        if lever.axis == "neighbourhood":
            return np.array([row.any() for row in _cells(policy, places)], bool)
        mine = np.array([not policy.services or s in policy.services for s in services])
        reached = np.isin(np.arange(int(groups.max()) + 1), np.unique(groups[_cells(policy, places)]))
        if not policy.is_for_some:
            reached[:] = True
        columns: npt.NDArray[np.bool_] = (reached[:, None] & mine[None, :]).ravel()
        return columns

    def params(self) -> dict[str, Params]:
        """The parameters of every mechanism, with this scenario's own values."""
        own: dict[str, dict[str, float]] = {}
        for name, value in self.parameters.items():
            if data_parameters.is_figure(name):
                continue
            group, field = name.split(".", 1)
            own.setdefault(group, {})[field] = value
        return {group: model(**own.get(group, {})) for group, model in parameter_groups().items()}


def _flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """A table of tables as dotted names."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _cells(policy: Policy, places: NeighbourhoodState) -> npt.NDArray[np.bool_]:
    """Whom a policy is for, by neighbourhood and age band."""
    where = np.ones(places.code.size, bool)
    if policy.where is not None:
        where = policy.where.chosen(places.quintile, places.code)
        if not where.any():
            wanted = "some neighbourhoods of this place, at this size"
            raise InputError(policy.lever, None, "where", wanted, Phrase("none of them"))
    who = policy.who.chosen() if policy.who is not None else np.ones(len(AGE_BANDS), bool)
    cells: npt.NDArray[np.bool_] = where[:, None] & who[None, :]
    return cells


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
