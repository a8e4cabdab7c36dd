"""Checks of policies against levers, services, dates and the place.

Each check raises an error that names the key at fault below the policy; `sim.scenario.scenario` adds file and line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from types import SimpleNamespace

import numpy as np

from sim.place.place import Neighbourhood, Place
from sim.policies import Lever, OtherLever, ServiceTrait, levers
from sim.policies.restructuring import falls_now
from sim.scenario.paths import (
    ConflictError,
    Places,
    Span,
    TargetColumns,
    check_conflicts,
    lever_path,
    neighbourhood_columns,
)
from sim.scenario.policy import NeighbourhoodFilter, Policy
from sim.scenario.timeline import month_name, months_between
from sim.schema import errors
from sim.schema.errors import InputError, Phrase, RequirementError
from sim.schema.renamed import LEVERS, renamed
from sim.services.catalogue import Service, load_catalogue

ANYWHERE: Places = SimpleNamespace(quintile=np.zeros(1, np.uint8), code=np.zeros(1, np.uint32))
"""A single neighbourhood, for policies that do not select any."""


@cache
def levers_by_name() -> dict[str, Lever]:
    """Every lever by its name."""
    return {lever.name: lever for lever in levers()}


@cache
def service_ids() -> tuple[str, ...]:
    """The ids of the services, in order."""
    return tuple(service.id for service in load_catalogue())


def traits(service: Service) -> frozenset[ServiceTrait]:
    """Collect what a lever may require of a service.

    Parameters
    ----------
    service : Service

    Returns
    -------
    frozenset of str
    """
    present: dict[ServiceTrait, bool] = {
        "responsive": service.tier == "responsive",
        "not acute": service.tier != "acute",
        "staffed": service.staff is not None,
        "funded": service.alternative is None,
        "helps by name": service.activity is not None,
    }
    return frozenset(trait for trait, applies in present.items() if applies)


@cache
def services_of(lever: str) -> tuple[str, ...]:
    """List the services on which a lever acts.

    Parameters
    ----------
    lever : str
        Name of the lever.

    Returns
    -------
    tuple of str
        Ids.

    Examples
    --------
    >>> services_of("threshold")[:2]
    ('community_nursing', 'camhs')
    """
    required = set(levers_by_name()[lever].acts_on)
    return tuple(service.id for service in load_catalogue() if required <= traits(service))


class PlaceColumns:
    """The neighbourhoods of a place at one size, made once for all policies of a scenario, and only if one needs them.

    Parameters
    ----------
    place : str
        Name of the place.
    people : int or None
        Size; None for its real size.

    Raises
    ------
    InputError
        If there is no such place.
    """

    def __init__(self, place: str, people: int | None) -> None:
        self.place, self._people = place, people
        self._loaded = Place.load(place)

    @cached_property
    def neighbourhoods(self) -> list[Neighbourhood]:
        """The neighbourhoods of the place at this size."""
        try:
            return self._loaded.neighbourhoods(self._people)
        except InputError as wrong:
            raise RequirementError(wrong.wanted, wrong.came, wrong.choices, below=("people",)) from None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the neighbourhoods."""
        return tuple(n.name for n in self.neighbourhoods)

    @cached_property
    def columns(self) -> Places:
        """The columns by which policies select neighbourhoods."""
        return neighbourhood_columns(self.neighbourhoods)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)

    def check(self, where: NeighbourhoodFilter) -> None:
        """Refuse a filter that names an unknown neighbourhood, or that none meets."""
        for k, name in enumerate(where.names or ()):
            if name not in self._known:
                wanted = f"a neighbourhood of {self.place}"
                raise RequirementError(wanted, name, self.names, below=("where", "names", k))
        if not where.chosen(self.columns.quintile, self.columns.code).any():
            fifths = ", ".join(str(q) for q in sorted({n.quintile for n in self.neighbourhoods}))
            count = len(self.neighbourhoods)
            wanted = f"some of the {count} neighbourhoods of {self.place}, which lie in the fifths {fifths}"
            raise RequirementError(wanted, Phrase("none of them"), below=("where",))


def known_lever(policy: Policy) -> Lever:
    """Look up the lever of a policy.

    Raises
    ------
    RequirementError
        If there is no such lever.
    """
    lever = levers_by_name().get(policy.lever)
    if lever is None and policy.lever in LEVERS:
        raise RequirementError(Phrase(renamed(policy.lever, LEVERS[policy.lever])), policy.lever, below=("lever",))
    if lever is None:
        raise RequirementError("the name of a lever", policy.lever, tuple(levers_by_name()), below=("lever",))
    return lever


def check_policy(policy: Policy, span: Span, place: PlaceColumns) -> None:
    """Check one policy by itself.

    Parameters
    ----------
    policy : Policy
    span : Span
        Of the scenario.
    place : PlaceColumns

    Raises
    ------
    RequirementError
        At the first mistake.
    """
    lever = known_lever(policy)
    _check_amount(policy, lever, span.baseline_of(lever))
    _check_dates(policy, span)
    _check_aims(policy, lever)
    if policy.where is not None:
        place.check(policy.where)
    if lever.acts == "year end" and not lever.acts_with:
        _check_acts(policy, lever, (), span)


def _check_amount(policy: Policy, lever: Lever, baseline: float) -> None:
    if (policy.value is None) == (policy.shift is None):
        raise RequirementError("one of value and shift", Phrase("both" if policy.value is not None else "neither"))
    if lever.kind == "shift" and policy.value is not None:
        raise RequirementError(f"a shift: '{lever.name}' is 0 at baseline", policy.value, below=("value",))
    target = policy.value if policy.value is not None else baseline + (policy.shift or 0.0)
    if not lever.low <= target <= lever.high:
        field, came, zero = ("value", policy.value, 0.0)
        if policy.value is None:
            field, came, zero = ("shift", policy.shift, baseline)
        wanted = f"{lever.low - zero:g} to {lever.high - zero:g} ({lever.unit}) for '{lever.name}'"
        raise RequirementError(wanted, came, below=(field,))


def _check_dates(policy: Policy, span: Span) -> None:
    last = month_name(span.start, span.months - 1)
    for field in ("start", "until"):
        date = getattr(policy, field)
        if date is None:
            continue
        month = months_between(span.start, date)
        if month >= span.months:
            came = date if field == "until" else Phrase(f"'{date}': nothing of the policy lies in the scenario")
            raise RequirementError(f"a month of the scenario, {span.start} to {last}", came, below=(field,))
        if month < 0:
            raise RequirementError(f"a month from the scenario's start, {span.start}, on", date, below=(field,))
    if policy.until is not None and months_between(policy.start, policy.until) <= 0:
        wanted = f"a month after the policy's start, {policy.start}"
        raise RequirementError(wanted, policy.until, below=("until",))


def _check_aims(policy: Policy, lever: Lever) -> None:
    for aim, some in (("service", "services"), ("where", "neighbourhoods"), ("who", "ages")):
        target = getattr(policy, aim)
        if target is None and aim in lever.needs and not (aim == "service" and policy.prevention is not None):
            raise RequirementError(f"the {aim} that '{lever.name}' is for", errors.NOTHING, below=(aim,))
        if target is not None and aim not in lever.aims:
            able = ", ".join(x.name for x in levers() if aim in x.aims)
            wanted = f"no '{aim}', as '{lever.name}' cannot be aimed at some {some}; these can: {able}"
            raise RequirementError(wanted, Phrase("one") if aim != "service" else target, below=(aim,))
    if policy.service == []:
        raise RequirementError("at least one service", policy.service, below=("service",))
    acting = services_of(lever.name)
    if policy.prevention is not None:
        _check_prevention(policy, lever, acting)
        return
    for k, service in enumerate(policy.services):
        where: errors.KeyPath = ("service",) if isinstance(policy.service, str) else ("service", k)
        if service not in service_ids():
            raise RequirementError("the id of a service", service, service_ids(), below=where)
        if service not in acting:
            raise RequirementError(f"a service on which '{lever.name}' acts", service, acting, below=where)


def _check_prevention(policy: Policy, lever: Lever, acting: tuple[str, ...]) -> None:
    """Refuse a kind of prevention for a lever that cannot be aimed at it, or that does not act on all its services."""
    if not lever.by_prevention:
        able = ", ".join(x.name for x in levers() if x.by_prevention)
        wanted = f"no 'prevention', as '{lever.name}' cannot be aimed at a kind of prevention; these can: {able}"
        raise RequirementError(wanted, policy.prevention, below=("prevention",))
    if lever.axis != "prevention":
        for service in policy.services:
            if service not in acting:
                wanted = f"a kind of prevention on all of whose services '{lever.name}' acts"
                came = Phrase(f"'{policy.prevention}' with '{service}'")
                raise RequirementError(wanted, came, acting, below=("prevention",))


def check_together(moves: Sequence[Policy], place: PlaceColumns, name: str) -> None:
    """Check the policies of a scenario together: no two values contradict each other.

    Parameters
    ----------
    moves : sequence of Policy
        Policies and shocks; each has passed `check_policy`.
    place : PlaceColumns
    name : str
        Name of the scenario.

    Raises
    ------
    InputError
        If the policies form too many groups of people.
    ConflictError
        If two values with the same start are for the same people and service.
    """
    if moves:
        columns = place.columns if any(policy.where is not None for policy in moves) else ANYWHERE
        check_conflicts(TargetColumns(moves, service_ids(), columns, name))


def conflict_words(moves: Sequence[Policy], conflict: ConflictError) -> tuple[str, Phrase]:
    """Describe two values that contradict each other: the text after "wanted", and what came."""
    first, second = moves[conflict.first], moves[conflict.second]
    wanted = (
        f"one value of '{second.lever}' from {second.start}, as values replace each other and do not add "
        "(use shift to add, another start, or a closer aim)"
    )
    return wanted, Phrase(f"two for the same people and services, {first.value:g} and {second.value:g}")


def check_acting(moves: Sequence[Policy], k: int, span: Span) -> None:
    """Refuse a policy that is over before its lever is read, or that lacks the policy to which its lever responds.

    Parameters
    ----------
    moves : sequence of Policy
        Policies and shocks of the scenario.
    k : int
        Index of the policy.
    span : Span

    Raises
    ------
    RequirementError
        With the month in which the lever is read.
    """
    lever = levers_by_name()[moves[k].lever]
    if lever.acts != "every month":
        _check_acts(moves[k], lever, [*moves[:k], *moves[k + 1 :]], span)


def _check_acts(policy: Policy, lever: Lever, others: Sequence[Policy], span: Span) -> None:
    first = months_between(span.start, policy.start)
    end = span.months if policy.until is None else months_between(span.start, policy.until)
    if lever.acts == "when due":
        alike = [other for other in (policy, *others) if other.lever == lever.name]
        columns = TargetColumns(alike, service_ids(), ANYWHERE, "")
        path = lever_path(lever, columns, span)
        falls = getattr(falls_now, "py_func", falls_now)
        if not any(falls(path, month) for month in range(first, span.months)):
            wanted = f"values of '{lever.name}' ({lever.unit}) that add up to one half by the end of the scenario"
            came = Phrase(f"{path[:, 0].sum() / 12.0:.3g} by {month_name(span.start, span.months - 1)}")
            raise RequirementError(wanted, came, below=("value" if policy.value is not None else "shift",))
        return
    if lever.acts == "year end" and any(month % 12 == 11 for month in range(first, end)):
        return
    responses = [_months_of(response, others, span) for response in lever.acts_with]
    if any(start < end and first < stop for spans in responses for start, stop in spans):
        return
    came = Phrase(f"{policy.start} to {month_name(span.start, end - 1)}")
    if lever.acts == "year end":
        read = month_name(span.start, first + (11 - first) % 12)
        wanted = f"months that include the last of a year, {read}, in which '{lever.name}' is read"
    else:
        wanted = f"months in which '{lever.name}' acts"
    if lever.acts_with:
        made = ", ".join(
            f"'{response.lever}' {response.side} its baseline"
            + (f" for {' or '.join(response.tiers)} services" if response.tiers else "")
            for response in lever.acts_with
        )
        wanted += f"{', or' if lever.acts == 'year end' else ':'} those of another policy with {made}"
    raise RequirementError(wanted, came, below=("until" if policy.until is not None else "start",))


def _months_of(response: OtherLever, others: Sequence[Policy], span: Span) -> list[tuple[int, int]]:
    """The months, first and the one after the last, of the policies that make a change to which a lever responds."""
    baseline = span.baseline_of(levers_by_name()[response.lever])
    tiers = {service.id: service.tier for service in load_catalogue()}
    spans = []
    for policy in others:
        moved = policy.value - baseline if policy.value is not None else policy.shift or 0.0
        is_on_side = moved < 0.0 if response.side == "below" else moved > 0.0
        reached = policy.services or service_ids()
        if policy.lever == response.lever and is_on_side:
            if not response.tiers or any(tiers[service] in response.tiers for service in reached):
                end = span.months if policy.until is None else months_between(span.start, policy.until)
                spans.append((months_between(span.start, policy.start), end))
    return spans
