"""Scenarios: a place, a length of time, and policies on a timeline, checked against everything that they refer to.

A policy is always a difference from a named baseline. Files are TOML, closed to unknown keys; a scenario also states
the question that it asks, the reason why the equations should push in a direction, and the expected results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from sim.policies import LEVER_GROUP
from sim.scenario import data_parameters
from sim.scenario.calibration_mode import CALIBRATE_MEANING, Calibrate
from sim.scenario.expectations import CLAIM, ClaimLimit, Expect
from sim.scenario.headings import LONGEST_LABEL, joined_label, policy_label
from sim.scenario.parameters import fail, parameter, parameter_groups
from sim.scenario.paths import ConflictError, Places, Span, TargetColumns, check_conflicts, lever_paths
from sim.scenario.policy import AgeFilter, NeighbourhoodFilter, Policy
from sim.scenario.policy_checks import (
    PlaceColumns,
    check_acting,
    check_policy,
    check_together,
    conflict_words,
    levers_by_name,
    service_ids,
)
from sim.scenario.timeline import month_name
from sim.scenario.valuation import VALUATION, Valuation
from sim.schema import extensions, toml_files
from sim.schema.errors import InputError, KeyPath, Phrase, RequirementError
from sim.schema.quantities import Closed, Number, Params
from sim.state.codes import PreventionKind

FOLDER = Path(__file__).parents[2] / "scenarios"
LONGEST_YEARS = 60
MONTHS_BEFORE_POLICY = 12
"""Months from the start of a scenario to a policy that is composed without a start."""
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
    calibrate : {"none", "fast", "full"}
        How hazards are solved for these parameters (`sim/scenario/calibration_mode.py`).
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
    label: str = Field(min_length=1, max_length=LONGEST_LABEL)
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
    calibrate: Calibrate = Field("fast", description=CALIBRATE_MEANING)
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
        scenario.check_acting(path, text)
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
        place = PlaceColumns(self.place, self.people)
        for k, policy in enumerate(self.policies):
            self._check_policy(policy, ("policies", k), place, path, text)
        shocks = tuple(lever.name for lever in levers_by_name().values() if lever.shock)
        for k, policy in enumerate(self.shocks):
            if policy.lever not in shocks:
                raise fail(path, text, ("shocks", k, "lever"), "the name of a shock", policy.lever, shocks)
            self._check_policy(policy, ("shocks", k), place, path, text)
        try:
            check_together(self.moves, place, self.name)
        except ConflictError as conflict:
            wanted, came = conflict_words(self.moves, conflict)
            raise fail(path or self.name, text, self._key(conflict.second), wanted, came) from None
        for name, value in self.parameters.items():
            parameter(name, value, path or self.name, text, self.place)
        for k, claim in enumerate(self.shows):
            if not re.fullmatch(CLAIM, claim):
                raise fail(path, text, ("shows", k), "a claim, M1 to M94", claim)
        self._check_expect(self.expect, ("expect",), path, text)
        for k, stop in enumerate(self.stops):
            for j, policy in enumerate(stop.policies):
                self._check_policy(policy, ("stops", k, "policies", j), place, path, text)
            for name, value in stop.change.items():
                try:
                    parameter(name, value, place=self.place)
                except InputError as wrong:
                    key = ("stops", k, "change", name)
                    raise fail(path, text, key, wrong.wanted, wrong.came, tuple(map(str, wrong.choices))) from None
            self._check_expect(stop.expect, ("stops", k, "expect"), path, text)

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
        self, policy: Policy, key: tuple[str | int, ...], place: PlaceColumns, path: Path | str, text: str
    ) -> None:
        try:
            check_policy(policy, self.span, place)
        except RequirementError as unmet:
            key = () if unmet.below == ("people",) else key
            choices = tuple(map(str, unmet.choices))
            raise fail(path or self.name, text, (*key, *unmet.below), unmet.wanted, unmet.came, choices) from None

    def check_acting(self, path: Path | str = "", text: str = "") -> None:
        """Check that each policy is read while it holds, and that policies on which others depend are there.

        A scenario that is composed policy by policy in Python is not refused: a note beside its result says so.

        Parameters
        ----------
        path, text
            As for `check`.

        Raises
        ------
        InputError
            At the first policy that would change nothing.
        """
        moves = self.moves
        for k in range(len(moves)):
            try:
                check_acting(moves, k, self.span)
            except RequirementError as unmet:
                key = (*self._key(k), *unmet.below)
                raise fail(path or self.name, text, key, unmet.wanted, unmet.came) from None

    def _key(self, move: int) -> KeyPath:
        """The key of one of `moves` in the scenario's file."""
        policies = len(self.policies)
        return ("policies", move) if move < policies else ("shocks", move - policies)

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
        prevention: PreventionKind | None = None,
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
        prevention : str, optional
            Kind of prevention that the policy is aimed at.
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
            start=start or month_name(self.start, MONTHS_BEFORE_POLICY),
            over_months=over_months,
            until=until,
            service=service,
            prevention=prevention,
            where=NeighbourhoodFilter.model_validate(where) if where is not None else None,
            who=AgeFilter.model_validate(who) if who is not None else None,
        )
        label = joined_label(self.label, policy_label(policy)) if self.moves else policy_label(policy)
        changed = self.model_copy(
            update={
                "name": name or f"{self.name}-{lever.replace('_', '-')}",
                "label": label,
                "reason": self.reason if self.moves else "A policy composed by hand.",
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

    @property
    def span(self) -> Span:
        """First month, number of months, and the baselines of levers that parameters set."""
        prefix = f"{LEVER_GROUP}."
        baselines = {n.removeprefix(prefix): v for n, v in self.parameters.items() if n.startswith(prefix)}
        return Span(self.start, 12 * self.years, baselines)

    def paths(self, services: tuple[str, ...], places: Places) -> dict[str, npt.NDArray[np.float64]]:
        """Compute each lever's value by month and column. For several policies of one lever see `sim.scenario.paths`.

        Parameters
        ----------
        services : tuple of str
            Ids of the services, in order.
        places : Places
            Neighbourhoods of the world.

        Returns
        -------
        dict of str to ndarray of float64, shape (months, columns)
            By lever. For the columns see sim/policies/__init__.py. The array of a lever that nothing moves is
            read-only: one number, broadcast.

        Raises
        ------
        InputError
            If two policies contradict each other in these neighbourhoods.
        """
        columns = TargetColumns(self.moves, services, places, self.name)
        try:
            check_conflicts(columns)
        except ConflictError as conflict:
            wanted, came = conflict_words(self.moves, conflict)
            raise fail(self.name, "", self._key(conflict.second), wanted, came) from None
        return lever_paths(columns, self.span)

    def groups(self, places: Places) -> npt.NDArray[np.uint8]:
        """Number the groups of people under targeted policies of services, by neighbourhood and age band.

        Two people under the same policies are in the same group; group 0 has no targeted policy.

        Parameters
        ----------
        places : Places
            Neighbourhoods of the world.

        Returns
        -------
        ndarray of uint8, shape (neighbourhoods, bands)

        Raises
        ------
        InputError
            If there are more than `MOST_GROUPS` groups.
        """
        return TargetColumns(self.moves, service_ids(), places, self.name).group

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
    aims = [*policy.services] if policy.prevention is None else [f"prevention {policy.prevention}"]
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


def scenario_names() -> tuple[str, ...]:
    """List the main scenarios of the library, the baseline first, and those of extensions in use.

    `library` also has those that each show a claim.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> scenario_names()[0]
    'baseline'
    """
    return tuple(_main_files())


def _main_files() -> dict[str, Path]:
    listed = (FOLDER.glob("*.toml"), *extensions.files("scenarios"))
    files = {path.stem: path for some in listed for path in some}
    return dict(sorted(files.items(), key=lambda item: (item[0] != "baseline", item[0])))


def library() -> dict[str, Path]:
    """Collect the file of every scenario by name: the main ones first, then those that each show a claim."""
    files = _main_files()
    for path in sorted((FOLDER / "claims").glob("*.toml")):
        if path.stem not in DATA:
            files.setdefault(path.stem, path)
    return files
