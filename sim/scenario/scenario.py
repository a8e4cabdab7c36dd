"""Scenarios: a place, a length of time, and policies on a timeline, checked against everything that they refer to.

A policy is always a difference from a named baseline. Files are TOML, closed to unknown keys; a scenario also states
the question that it asks, the reason why the equations should push in a direction, and the expected results.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from sim.place.place import Place
from sim.policies import LEVER_GROUP, Lever, levers
from sim.scenario import data_parameters
from sim.scenario.expectations import CLAIM, ClaimLimit, Expect
from sim.scenario.parameters import fail, parameter, parameter_groups
from sim.scenario.policy import AgeFilter, NeighbourhoodFilter, Policy
from sim.scenario.timeline import month_name, months_between
from sim.scenario.valuation import VALUATION, Valuation
from sim.schema import errors, toml_files
from sim.schema.errors import InputError, Phrase
from sim.schema.quantities import AGE_BANDS, Closed, Number, Params
from sim.schema.renamed import LEVERS, renamed
from sim.services.catalogue import load_catalogue
from sim.state.codes import MOST_GROUPS
from sim.state.neighbourhoods import NeighbourhoodState

FOLDER = Path(__file__).parents[2] / "scenarios"
LONGEST_YEARS = 60
DATA = ("claims", "outside")
"""Files in the folder of claims that are not scenarios: the claims in words, and the claims outside the model."""


class Scenario(Closed):
    """A question about a place: policies and shocks on a timeline, and a baseline to compare with.

    Attributes
    ----------
    name, label : str
        Name in the library and in results; label in figures.
    question, reason : str
        The question, and the reason why the equations push in a direction.
    place : str
        Name of the place.
    baseline : str
        Name of the scenario to compare with.
    start : str
        First month, YYYY-MM.
    years : int
        Length in years.
    people : int or None
        Size of the place; None for its real size.
    policies, shocks : list of Policy
        Moves of levers, and of shocks such as a recession.
    shows : list of str
        Claims that the scenario shows, such as ``M26``.
    expect : list of Expect
        Expected results.
    stops : list of ClaimLimit
        Limits of the claims.
    parameters : dict of str to float
        Values of parameters, by dotted name.
    recalibrate : bool
        Whether hazards are solved again for these parameters.
    quick : bool
        Whether ``upstream claims --quick`` runs the scenario.

    Examples
    --------
    >>> scenario = Scenario.load("baseline")
    >>> scenario
    <Scenario baseline: 0 policies, 20 years, anytown>
    >>> scenario.with_policy("prevention_share", shift=0.02, start="2026-04", over_months=24).policies[0].shift
    0.02
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    label: str = Field(min_length=1, max_length=80)
    question: str = Field(min_length=10)
    reason: str = Field(min_length=10, description="why the equations push in this direction")
    place: str = "anytown"
    baseline: str = "baseline"
    start: str = Field("2025-04", pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    years: int = Field(20, ge=1, le=LONGEST_YEARS)
    people: int | None = None
    policies: list[Policy] = Field(default_factory=list)
    shocks: list[Policy] = Field(default_factory=list, description="what happens to the place, such as a recession")
    shows: list[str] = Field(default_factory=list)
    expect: list[Expect] = Field(default_factory=list)
    stops: list[ClaimLimit] = Field(default_factory=list, description="limits: where the claim is no longer true")
    parameters: dict[str, Number] = Field(default_factory=dict)
    recalibrate: bool = Field(True, description="whether hazards are solved again for these parameters")
    quick: bool = Field(False, description="whether `upstream claims --quick` runs it")

    def __repr__(self) -> str:
        """Name, size and place in one line."""
        counts = [_counted(len(self.policies), "policy", "policies")]
        counts += [_counted(len(self.shocks), "shock", "shocks")] if self.shocks else []
        counts += [_counted(self.years, "year", "years"), self.place]
        return f"<Scenario {self.name}: {', '.join(counts)}>"

    def _repr_html_(self) -> str:
        """Label, question, and a table of policies and shocks, for a notebook."""
        head = f"<p><strong>{escape(self.label)}</strong><br>{escape(self.question)}</p>"
        if not self.moves:
            return f"{head}<p>No policies.</p>"
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells_of_row(policy)) + "</tr>"
            for policy in self.moves
        )
        titles = "".join(f"<th>{title}</th>" for title in ("lever", "change", "start", "months", "until", "aim"))
        return f"{head}<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"

    @field_validator("parameters", mode="before")
    @classmethod
    def _dotted(cls, value: object) -> object:
        """A file with `services.gp.activity.mean_months = 3` has tables in a table; the model has one dotted name."""
        return dict(_flat(value)) if isinstance(value, dict) else value

    @classmethod
    def load(cls, name_or_path: str | Path) -> Scenario:
        """Read a scenario and check it.

        Parameters
        ----------
        name_or_path : str or Path
            Name in the library, or path of a TOML file.

        Returns
        -------
        Scenario

        Raises
        ------
        InputError
            If there is no such scenario, or its file has a mistake.

        Examples
        --------
        >>> Scenario.load("baseline").months()[:2]
        ['2025-04', '2025-05']
        """
        name = str(name_or_path)
        if isinstance(name_or_path, Path) or name.endswith(".toml") or "/" in name or "\\" in name:
            path = Path(name_or_path)
        else:
            scenarios = library()
            if name not in scenarios:
                wanted = "the name of a scenario, or a path to a .toml file"
                raise InputError(FOLDER, None, "scenario", wanted, name, scenarios)
            path = scenarios[name]
        text = toml_files.read_text(path)
        scenario = toml_files.load_text(text, path, cls)
        scenario.check(path, text)
        return scenario

    def check(self, path: Path | str = "", text: str = "") -> None:
        """Check levers, services, dates, parameters and the place: everything that needs more than this file to judge.

        Parameters
        ----------
        path : Path or str
            Name of the file in messages; by default the name of the scenario.
        text : str
            Text of the file, from which messages take line numbers.

        Raises
        ------
        InputError
            At the first mistake.
        """
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
            both = errors.Phrase("both" if policy.value is not None else "neither")
            raise fail(path, text, key, "one of value and shift", both)
        if lever.kind == "shift" and policy.value is not None:
            raise fail(path, text, (*key, "value"), f"a shift: '{lever.name}' is 0 at baseline", policy.value)
        baseline = self.baseline_of(lever)
        target = policy.value if policy.value is not None else baseline + (policy.shift or 0.0)
        if not lever.low <= target <= lever.high:
            field = "value" if policy.value is not None else "shift"
            low, high = (lever.low, lever.high) if field == "value" else (lever.low - baseline, lever.high - baseline)
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
            target = getattr(policy, aim)
            if target is None and aim in lever.needs:
                raise fail(path, text, (*key, aim), f"the {aim} that '{lever.name}' is for", errors.NOTHING)
            if target is not None and aim not in lever.aims:
                able = tuple(x.name for x in known.values() if aim in x.aims)
                wanted = f"no '{aim}', as '{lever.name}' cannot be aimed at some {some}; these can: {', '.join(able)}"
                raise fail(path, text, (*key, aim), wanted, Phrase("one") if aim != "service" else target)
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
        """Copy the scenario with one more policy. For the form of values see `Policy`.

        Parameters
        ----------
        lever : str
            Name of the lever.
        value : float, optional
            Value to which the lever is moved; either this or `shift`.
        shift : float, optional
            Change of the lever's value.
        start : str, optional
            First month of the change, YYYY-MM; by default one year after the start of the scenario.
        over_months : int
            Months until the change is complete.
        until : str, optional
            First month back at the baseline, YYYY-MM.
        service : str or list of str, optional
            Services that the policy is aimed at; by default all.
        where : NeighbourhoodFilter or dict, optional
            Neighbourhoods that the policy is for; by default all.
        who : AgeFilter or dict, optional
            Ages that the policy is for; by default all.
        name : str, optional
            Name of the copy; by default the present name with that of the lever.

        Returns
        -------
        Scenario

        Raises
        ------
        InputError
            If the policy does not fit the lever or the scenario.

        Examples
        --------
        >>> more = Scenario.load("baseline").with_policy("prevention_share", shift=0.02)
        >>> more.name, more.policies[0].start
        ('baseline-prevention-share', '2026-04')
        """
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
                "reason": self.reason if self.policies else "A policy composed by hand.",
                "policies": [*self.policies, policy],
                "baseline": self.baseline,
            }
        )
        changed.check()
        return changed

    def with_settings(self, **settings: Any) -> Self:
        """Copy the scenario with other settings, without expectations that need more years than the copy has.

        Parameters
        ----------
        **settings
            Fields of the scenario, such as `place`, `people`, `years` or `parameters`. None leaves a field unchanged.

        Returns
        -------
        Scenario

        Raises
        ------
        InputError
            If the settings do not fit the scenario.

        Examples
        --------
        >>> Scenario.load("baseline").with_settings(years=5, people=12_000)
        <Scenario baseline: 0 policies, 5 years, anytown>
        """
        changes = {key: value for key, value in settings.items() if value is not None}
        changed = type(self).model_validate({**self.model_dump(), **changes})
        within = [e for e in changed.expect if e.last <= changed.years]  # a shorter run cannot show the others
        stops = [stop for stop in changed.stops if all(e.last <= changed.years for e in stop.expect)]
        changed = changed.model_copy(update={"expect": within, "stops": stops})
        changed.check()
        return changed

    @property
    def moves(self) -> list[Policy]:
        """Policies, then shocks."""
        return [*self.policies, *self.shocks]

    def months(self) -> list[str]:
        """List every month of the scenario, YYYY-MM."""
        return [month_name(self.start, m) for m in range(12 * self.years)]

    def baseline_of(self, lever: Lever) -> float:
        """Look up a lever's value where no policy moves it: its own, or that of the parameter `levers.NAME`.

        Parameters
        ----------
        lever : Lever
            The lever.

        Returns
        -------
        float
            In the unit of the lever.
        """
        return self.parameters.get(f"{LEVER_GROUP}.{lever.name}", lever.baseline)

    def paths(self, services: tuple[str, ...], places: NeighbourhoodState) -> dict[str, npt.NDArray[np.float64]]:
        """Compute each lever's value by month and column.

        Parameters
        ----------
        services : tuple of str
            Ids of the services, in order.
        places : NeighbourhoodState
            Neighbourhoods of the world.

        Returns
        -------
        dict of str to ndarray of float64, shape (months, columns)
            By lever. For the columns see sim/policies/__init__.py. The array of a lever that nothing moves is
            read-only: one number, broadcast.
        """
        groups = self.groups(places)
        out = {}
        for lever in levers():
            pulled = sorted((p for p in self.moves if p.lever == lever.name), key=lambda p: p.start)
            columns = {
                "place": 1,
                "neighbourhood": places.code.size,
                "service": len(services) * (int(groups.max()) + 1),
            }[lever.axis]
            baseline = self.baseline_of(lever)
            if not pulled:
                out[lever.name] = np.broadcast_to(np.float64(baseline), (12 * self.years, columns))
                continue
            path = np.full((12 * self.years, columns), baseline)
            for policy in pulled:
                first = months_between(self.start, policy.start)
                inside = self._columns(policy, lever, services, places, groups)
                ramp = np.clip((np.arange(12 * self.years) - first + 1) / policy.over_months, 0.0, 1.0)[:, None]
                before = path[max(0, first - 1), inside]
                change = (policy.value - before) if policy.value is not None else (policy.shift or 0.0)
                path[:, inside] += ramp * change
                if policy.until is not None:
                    path[months_between(self.start, policy.until) :, inside] = baseline
            out[lever.name] = np.clip(path, lever.low, lever.high)
        return out

    def groups(self, places: NeighbourhoodState) -> npt.NDArray[np.uint8]:
        """Number the groups of people under targeted policies of services, by neighbourhood and age band.

        Two people under the same policies are in the same group; group 0 has no targeted policy.

        Parameters
        ----------
        places : NeighbourhoodState
            Neighbourhoods of the world.

        Returns
        -------
        ndarray of uint8, shape (neighbourhoods, bands)

        Raises
        ------
        InputError
            If there are more than `MOST_GROUPS` groups.
        """
        inside = np.array([_cells(p, places).ravel() for p in self._for_some()], bool)
        if not inside.size:
            return np.zeros((places.code.size, len(AGE_BANDS)), np.uint8)
        nobody = np.zeros((len(inside), 1), bool)
        kinds, number = np.unique(np.hstack([nobody, inside]), axis=1, return_inverse=True)
        if kinds.shape[1] > MOST_GROUPS:
            wanted = f"policies for some people that form at most {MOST_GROUPS} groups"
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
        """Test which columns of a lever's path a policy moves."""
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

    def valuation(self) -> Valuation:
        """Make the discount rates, with the values of this scenario."""
        names = {f"{VALUATION}.{field}": field for field in Valuation.model_fields}
        return Valuation(**{names[n]: value for n, value in self.parameters.items() if n in names})

    def params(self) -> dict[str, Params]:
        """Make the parameters of every mechanism, with the values of this scenario."""
        values: dict[str, dict[str, float]] = {}
        for name, value in self.parameters.items():
            if data_parameters.is_figure(name) or name.startswith(f"{VALUATION}."):
                continue
            group, field = name.split(".", 1)
            values.setdefault(group, {})[field] = value
        return {group: model(**values.get(group, {})) for group, model in parameter_groups().items()}


def _counted(number: int, singular: str, plural: str) -> str:
    return f"{number} {singular if number == 1 else plural}"


def _cells_of_row(policy: Policy) -> tuple[str, ...]:
    """The cells of a policy in a table: lever, change, start, months, end and aim."""
    change = f"to {policy.value:g}" if policy.value is not None else f"by {policy.shift or 0.0:+g}"
    aims = [*policy.services]
    if policy.where is not None:
        aims += [f"{key} {value}" for key, value in policy.where.model_dump(exclude_none=True).items()]
    if policy.who is not None:
        aims.append(f"ages {policy.who.ages[0]} to {policy.who.ages[1]}")
    return policy.lever, change, policy.start, f"{policy.over_months}", policy.until or "", "; ".join(aims)


def _flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Iterate over a table of tables with dotted names."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _cells(policy: Policy, places: NeighbourhoodState) -> npt.NDArray[np.bool_]:
    """Test which neighbourhoods and age bands a policy is for."""
    where = np.ones(places.code.size, bool)
    if policy.where is not None:
        where = policy.where.chosen(places.quintile, places.code)
        if not where.any():
            wanted = "some neighbourhoods of this place, at this size"
            raise InputError(policy.lever, None, "where", wanted, Phrase("none of them"))
    ages = policy.who.chosen() if policy.who is not None else np.ones(len(AGE_BANDS), bool)
    cells: npt.NDArray[np.bool_] = where[:, None] & ages[None, :]
    return cells


def scenario_names() -> tuple[str, ...]:
    """List the main scenarios of the library, the baseline first. `library` also has those that each show a claim.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> scenario_names()[0]
    'baseline'
    """
    names = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return tuple(sorted(names, key=lambda name: (name != "baseline", name)))


def library() -> dict[str, Path]:
    """Collect the file of every scenario by name: the main ones first, then those that each show a claim."""
    files = {name: FOLDER / f"{name}.toml" for name in scenario_names()}
    for path in sorted((FOLDER / "claims").glob("*.toml")):
        if path.stem not in DATA:
            files.setdefault(path.stem, path)
    return files
