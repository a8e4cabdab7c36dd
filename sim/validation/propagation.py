"""Whether an expectation is on a column that a scenario's own levers determine (direct), or beyond it (propagated).

A claim for which a lever was written is shown by the lever's own formula wherever the measure is a variable that the
formula computes. Such an expectation can hardly fail, so it is no evidence. The distinction is made from declarations
(`reads` and `writes` of mechanisms, the columns that a measure is made of), never from results:

- The *own columns* of a lever are those that its kernel writes, and those that mechanisms of the phase of policies
  write from them, the money of each line after that (`PASSED_ON`) included. Columns of the groups that a policy is
  aimed at count only where it is aimed at some people.
- Own columns that no mechanism of a later phase writes are *settings*: nothing else moves them.
- The *formula* of a lever is every mechanism that reads a setting of it and, one after another, every mechanism of
  supply (`SUPPLY`: staff, services and communities, before people act) that reads what these have written. A lever's
  money that opens posts, and their load that tires staff, are one formula.
- An expectation is **direct** if its measure is made of an own column or of a column that the formula writes. All other
  expectations are **propagated**: the effect has passed through people (need, requests, queues, episodes, deaths) or
  through the accounts, where it could have been absorbed or turned round.
- A count of the survey is a count of what the survey asks about (`SURVEYED`).
- A policy aimed at some services determines nothing, in a column by service, of other services.
- The levers of an expectation are those by which the scenario differs from the scenarios with which it is compared.

Limits    A mechanism is one step, however much it computes: all columns that it writes count as written from all that
          it reads. So staff who tire because more people fall ill are called direct under a lever of staffing: the rule
          understates the evidence. An expectation states its effect, with the reason, where the rule is wrong
          (`effect`, `effect_reason`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sim.engine.schedule import REGISTRY, Mechanism, Phase
from sim.engine.tables import columns
from sim.results.expectation_tests import Parts, blank_record
from sim.results.metric_types import Metric
from sim.results.metrics import metric
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record, RecordedArray
from sim.scenario.expectations import Effect, Expect, MeasureSpec
from sim.scenario.parameters import parameter_groups
from sim.scenario.policy import Policy
from sim.scenario.registry import check_declarations
from sim.scenario.scenario import Scenario
from sim.state.world import all_tables

SUPPLY = (Phase.WORKFORCE, Phase.COMMUNITY)
"""Phases in which staff, services and communities change, before people act."""
BESIDE_PEOPLE = (*SUPPLY, Phase.ACCOUNTS)
"""Phases in which no person changes."""
PASSED_ON = "passing_on"
"""The mechanism that hands a line the money that policies leave it: what it writes is a lever's own."""
SURVEYED: Mapping[str, tuple[str, ...]] = {
    "tally.trusting": ("people.trust",),
    "tally.resilient": ("people.resilience",),
    "tally.members": ("places.energy",),
    "tally.lonely": ("screen.company", "places.energy"),
}
"""What the survey asks about: columns of which its counts are counts, without anybody having changed in between."""
AIMED = "aims."
"""Columns of the groups of people that policies are aimed at."""


class Reach(NamedTuple):
    """What a lever determines by itself.

    Attributes
    ----------
    columns : frozenset of str
        Columns that the lever writes.
    formula : mapping of str to str
        Columns that the mechanisms write that read its settings, and the first of these mechanisms.
    """

    columns: frozenset[str]
    formula: Mapping[str, str]

    def column(self, measured: Iterable[str]) -> str | None:
        """Find a measured column that the lever determines, its own columns first."""
        ordered = sorted(measured)
        return next((c for c in ordered if c in self.columns), next((c for c in ordered if c in self.formula), None))


class EffectKind(NamedTuple):
    """Whether an expectation is direct, and why.

    Attributes
    ----------
    effect : str
        `direct` or `propagated`.
    reason : str
        The lever and the column that it determines, or the reason that the expectation states.
    is_stated : bool
        Whether the expectation states it, against the rule or with it.
    """

    effect: Effect
    reason: str
    is_stated: bool = False


class _Noted(Mapping[str, Any]):
    """Arrays of a record; notes which are used."""

    def __init__(self, arrays: Mapping[str, Any], recorded: Mapping[str, RecordedArray], used: set[str]) -> None:
        self._arrays, self._recorded, self._used = arrays, recorded, used

    def __getitem__(self, name: str) -> Any:
        array = self._recorded[name]
        self._used.add(f"{array.table}.{array.column}")
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def columns_of(measure: Metric, axes: Iterable[str] = ()) -> frozenset[str]:
    """List the columns of state that a measure is made of, above and below the line.

    Parameters
    ----------
    measure : Metric
        The measure.
    axes : iterable of str
        Axes of the groups for which it is made.

    Returns
    -------
    frozenset of str
        Names, table.column.
    """
    blank, used = blank_record(), set[str]()
    record = Record(0, _Noted(blank.monthly, RECORDED, used), _Noted(blank.yearly, RECORDED_BY_YEAR, used))
    makers: list[Callable[[Record], Any] | None] = [measure.finer[axis] for axis in axes if axis in measure.finer]
    makers += [measure.parts, None if measure.derived is None else measure.derived.sums]
    make = next((maker for maker in makers if maker is not None), None)
    if make is not None:
        make(record)
    return frozenset(used)


@cache
def _mechanisms() -> tuple[Mechanism, ...]:
    check_declarations()
    return tuple(entry for entry in REGISTRY.month() if entry.lever is None)


@cache
def _axes() -> dict[str, tuple[str, ...]]:
    return {f"{name}.{c}": spec.axes for name, table in all_tables().items() for c, spec in columns(table)}


@cache
def reach(lever: str, *, is_for_some: bool = False) -> Reach:
    """List the columns that a lever determines by itself.

    Parameters
    ----------
    lever : str
        Name of the lever.
    is_for_some : bool
        Whether the policy is for some people only.

    Returns
    -------
    Reach

    Examples
    --------
    >>> sorted(reach("devolution").columns), dict(reach("devolution").formula)
    (['rules.devolution'], {'places.fit': 'local_fit'})
    """
    mechanisms = _mechanisms()
    moved = {column for entry in REGISTRY.month() if entry.lever == lever for column in entry.writes}
    moved = {column for column in moved if is_for_some or not column.startswith(AIMED)}
    policies = [entry for entry in mechanisms if entry.phase is Phase.POLICY or entry.name == PASSED_ON]
    for _ in policies:  # one may follow another
        moved |= {column for entry in policies if moved & set(entry.reads) for column in entry.writes}
    later = [entry for entry in mechanisms if entry.phase > Phase.POLICY and entry not in policies]
    settings = moved - {column for entry in later for column in entry.writes}
    formula = [entry for entry in later if settings & set(entry.reads)]
    supply = [entry for entry in mechanisms if entry.phase in SUPPLY]
    for _ in supply:
        reached = moved | {column for entry in formula if entry.phase in BESIDE_PEOPLE for column in entry.writes}
        formula += [entry for entry in supply if entry not in formula and reached & {*entry.reads, *entry.writes}]
    written: dict[str, str] = {}
    for entry in formula:
        for column in entry.writes:
            written.setdefault(column, entry.name)
    return Reach(frozenset(moved), written)


def _moved(scenario: Scenario, others: Sequence[Scenario]) -> list[Policy]:
    """The policies and shocks by which a scenario differs from others; both ways, because both make the difference."""
    moves: list[Policy] = []
    for other in others:
        moves += [move for move in scenario.moves if move not in other.moves]
        moves += [move for move in other.moves if move not in scenario.moves]
    return moves


def _changed_parameters(scenario: Scenario, others: Sequence[Scenario]) -> list[str]:
    """The parameters by which a scenario differs from others."""
    return sorted(
        {
            name
            for other in others
            for name in {*scenario.parameters, *other.parameters}
            if scenario.parameters.get(name) != other.parameters.get(name)
        }
    )


def _measured(measured: MeasureSpec, services: tuple[str, ...]) -> Iterator[str]:
    """The columns of a measure that a policy aimed at these services can determine; all of them for no services."""
    groups: Parts = measured.groups()
    made_of, services_of_measure = _made_of(measured.metric, tuple(groups))
    of_services = groups.get("service") or services_of_measure
    elsewhere = bool(services) and of_services is not None and not set(of_services) & set(services)
    for column in made_of:
        for part in (column, *SURVEYED.get(column, ())):
            if not (elsewhere and "service" in _axes()[part]):
                yield part


@cache
def _made_of(name: str, axes: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...] | None]:
    """The columns of a measure, and the services on its service axis where those are not all."""
    measure = metric(name)
    services = None
    if measure.derived is not None:
        services = measure.derived.services
    elif measure.parts is not None:
        services = measure.parts(blank_record()).services
    return columns_of(measure, axes), services


def effect_kind(measured: MeasureSpec, scenario: Scenario, others: Sequence[Scenario]) -> EffectKind:
    """Decide whether an expectation is direct or propagated.

    Parameters
    ----------
    measured : MeasureSpec
        The measure of the expectation. An expectation may state its effect.
    scenario : Scenario
        The scenario.
    others : sequence of Scenario
        The scenarios from which the difference is taken.

    Returns
    -------
    EffectKind
    """
    if isinstance(measured, Expect) and measured.effect is not None:
        return EffectKind(measured.effect, measured.effect_reason, is_stated=True)
    for policy in _moved(scenario, others):
        determined = reach(policy.lever, is_for_some=policy.is_for_some)
        column = determined.column(_measured(measured, policy.services))
        if column is not None:
            through = "" if column in determined.columns else f" through {determined.formula[column]}"
            return EffectKind("direct", f"{policy.lever} writes {column}{through}")
    groups = parameter_groups()
    for name in _changed_parameters(scenario, others):
        params = groups.get(name.partition(".")[0])
        written = {c for entry in _mechanisms() if entry.params is params for c in entry.writes}
        column = next((c for c in sorted(_measured(measured, ())) if c in written), None)
        if column is not None:
            return EffectKind("direct", f"{name} is a parameter of a mechanism that writes {column}")
    return EffectKind("propagated", "")
