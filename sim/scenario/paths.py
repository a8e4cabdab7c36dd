"""The value of every lever by month: what several policies for one lever mean together.

The only implementation of these rules; every engine takes its paths from here.

- A policy holds from its `start` to the month before `until`; without `until`, to the end.
- Values never add. In each month and column the most closely aimed policy that holds there replaces the others, and
  among equally aimed ones the one that started last. For the order of aims see `Policy.closeness`. When a policy ends,
  the next one that still holds applies again; if there is none, the baseline.
- Two values for the same people and service with the same start and equally close aims are refused.
- A value is reached over `over_months` in equal steps, from the value that held in the month before its start.
- Shifts add, to one another and to the value that holds. A shift too is reached in equal steps.
- The sum is cut off at the ends of the lever's range.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from sim.place.place import Neighbourhood
from sim.policies import Lever, levers
from sim.scenario.policy import NeighbourhoodFilter, Policy
from sim.scenario.timeline import months_between
from sim.schema.errors import InputError, Phrase
from sim.schema.quantities import AGE_BANDS
from sim.state.codes import MOST_GROUPS, PREVENTION_KINDS
from sim.state.columns import A

F = npt.NDArray[np.float64]
B = npt.NDArray[np.bool_]


class Places(Protocol):
    """The columns of neighbourhoods by which policies select them."""

    @property
    def quintile(self) -> A:
        """Deprivation fifth, 0 = most deprived."""

    @property
    def code(self) -> A:
        """CRC-32 of the name."""


def neighbourhood_columns(neighbourhoods: Sequence[Neighbourhood]) -> Places:
    """Make the columns by which policies select neighbourhoods, without building a world.

    Parameters
    ----------
    neighbourhoods : sequence of Neighbourhood

    Returns
    -------
    Places
    """
    return SimpleNamespace(
        quintile=np.array([n.quintile - 1 for n in neighbourhoods], np.uint8),
        code=np.array([zlib.crc32(n.name.encode()) for n in neighbourhoods], np.uint32),
    )


class Span(NamedTuple):
    """First month of a scenario, its number of months, and its baselines.

    Attributes
    ----------
    start : str
        First month, YYYY-MM.
    months : int
        Number of months.
    baselines : mapping of str to float
        Baselines of levers that parameters of the scenario set, by lever.
    """

    start: str
    months: int
    baselines: Mapping[str, float] = MappingProxyType({})

    def baseline_of(self, lever: Lever) -> float:
        """Look up the value of a lever where no policy moves it, in the unit of the lever."""
        return self.baselines.get(lever.name, lever.baseline)


class ConflictError(ValueError):
    """Raised for two values of one lever of which neither replaces the other.

    Parameters
    ----------
    first, second : int
        Indices of the two policies.
    """

    def __init__(self, first: int, second: int) -> None:
        """Keep the indices."""
        super().__init__(f"policies {first} and {second} set one lever from the same month")
        self.first, self.second = first, second


class TargetColumns:
    """The columns of each lever's path that each policy of a scenario moves.

    Parameters
    ----------
    moves : sequence of Policy
        Policies and shocks.
    services : tuple of str
        Ids of the services, in order.
    places : Places
        Neighbourhoods.
    name : str
        Name of the scenario, for messages.

    Raises
    ------
    InputError
        If a policy is for no neighbourhood, or the policies form more than `MOST_GROUPS` groups of people.
    """

    def __init__(self, moves: Sequence[Policy], services: tuple[str, ...], places: Places, name: str) -> None:
        self.moves, self.services = moves, services
        self.neighbourhoods = places.code.size
        self._axis = {lever.name: lever.axis for lever in levers()}
        self._index = {service: k for k, service in enumerate(services)}
        selected: dict[str, B] = {}
        self._where: list[B | None] = [_selected(policy, places, selected) for policy in moves]
        self.group = self._groups(name)
        self._group_count = int(self.group.max()) + 1 if self.group.size else 1

    def cells(self, k: int) -> B:
        """Test which neighbourhoods and age bands a policy is for. Shape (neighbourhoods, bands)."""
        where = self._where[k]
        rows = np.ones(self.neighbourhoods, bool) if where is None else where
        cells: B = rows[:, None] & self.moves[k].bands()[None, :]
        return cells

    def _groups(self, name: str) -> npt.NDArray[np.uint8]:
        """Number the groups of people: those under the same targeted policies of services are one group."""
        some = [k for k, p in enumerate(self.moves) if p.is_for_some and self._axis[p.lever] == "service"]
        shape = self.neighbourhoods, len(AGE_BANDS)
        if not some:
            return np.zeros(shape, np.uint8)
        inside = np.array([self.cells(k).ravel() for k in some])
        nobody = np.zeros((len(some), 1), bool)
        kinds, number = np.unique(np.hstack([nobody, inside]), axis=1, return_inverse=True)
        if kinds.shape[1] > MOST_GROUPS:
            wanted = f"policies for some people that form at most {MOST_GROUPS} groups"
            raise InputError(name, None, "policies", wanted, Phrase(f"{kinds.shape[1]} groups"))
        return number.ravel()[1:].reshape(shape).astype(np.uint8)

    def count(self, lever: Lever) -> int:
        """The number of columns of a lever's path."""
        sizes = {
            "place": 1,
            "neighbourhood": self.neighbourhoods,
            "service": len(self.services) * self._group_count,
            "prevention": 1 + len(PREVENTION_KINDS),
        }
        return sizes[lever.axis]

    def of(self, k: int) -> npt.NDArray[np.intp]:
        """The indices of the columns that a policy moves."""
        policy = self.moves[k]
        axis = self._axis[policy.lever]
        if axis == "place":
            return np.zeros(1, np.intp)
        if axis == "prevention":
            kind = policy.prevention
            return np.array([0 if kind is None else 1 + PREVENTION_KINDS.index(kind)], np.intp)
        if axis == "neighbourhood":
            where = self._where[k]
            return np.arange(self.neighbourhoods) if where is None else np.flatnonzero(where)
        mine = np.arange(len(self.services))
        if policy.services:
            mine = np.array(sorted(self._index[service] for service in set(policy.services)), np.intp)
        reached = np.arange(self._group_count)
        if policy.is_for_some:
            reached = np.unique(self.group[self.cells(k)]).astype(np.intp)
        return (reached[:, None] * len(self.services) + mine[None, :]).ravel()


def _selected(policy: Policy, places: Places, known: dict[str, B]) -> B | None:
    """Test which neighbourhoods a policy is for; None for all."""
    if policy.where is None:
        return None
    key = policy.where.model_dump_json()
    if key not in known:
        known[key] = chosen_neighbourhoods(policy.where, places, policy.lever)
    return known[key]


def chosen_neighbourhoods(where: NeighbourhoodFilter, places: Places, lever: str) -> B:
    """Test each neighbourhood, and refuse a filter that no neighbourhood meets.

    Parameters
    ----------
    where : NeighbourhoodFilter
    places : Places
    lever : str
        Name of the lever, for messages.

    Returns
    -------
    ndarray of bool, shape (neighbourhoods,)

    Raises
    ------
    InputError
        If no neighbourhood meets the filter.
    """
    chosen = where.chosen(places.quintile, places.code)
    if not chosen.any():
        raise InputError(lever, None, "where", "some neighbourhoods of this place, at this size", Phrase("none"))
    return chosen


def in_order(moves: Sequence[Policy]) -> Iterator[tuple[int, Policy]]:
    """Iterate over policies by start, those with the same start from the widest to the most closely aimed."""
    yield from sorted(enumerate(moves), key=lambda item: (item[1].start, item[1].closeness))


def check_conflicts(columns: TargetColumns) -> None:
    """Refuse two values of one lever of which neither replaces the other.

    Parameters
    ----------
    columns : TargetColumns

    Raises
    ------
    ConflictError
        If two values with the same start and equally close aims are for the same people and service.
    """
    together: dict[tuple[str, str, int], list[int]] = {}
    for k, policy in enumerate(columns.moves):
        if policy.value is not None:
            together.setdefault((policy.lever, policy.start, policy.closeness), []).append(k)
    for indices in together.values():
        holder: dict[int, int] = {}
        for k in indices if len(indices) > 1 else ():
            for column in columns.of(k).tolist():
                if column in holder:
                    raise ConflictError(holder[column], k)
                holder[column] = k


def lever_path(lever: Lever, columns: TargetColumns, span: Span, left_out: Iterable[int] = ()) -> F:
    """Compute a lever's value by month and column from all of its policies, before it is cut off at its range.

    Parameters
    ----------
    lever : Lever
    columns : TargetColumns
        The policies, and the columns that each of them moves.
    span : Span
    left_out : iterable of int
        Indices of policies that are left out.

    Returns
    -------
    ndarray of float64, shape (months, columns)
    """
    baseline = span.baseline_of(lever)
    path = np.full((span.months, columns.count(lever)), baseline)
    closeness = np.full(path.shape, -1, np.int8)
    omitted = set(left_out)
    ordered = [(k, p) for k, p in in_order(columns.moves) if p.lever == lever.name and k not in omitted]
    for k, policy in ordered:
        if policy.value is not None:
            first, end, ramp = _window(policy, span)
            at = np.ix_(np.arange(first, end), columns.of(k))
            before = path[first - 1, at[1]] if first > 0 else np.full((1, at[1].size), baseline)
            holds = closeness[at] <= policy.closeness
            path[at] = np.where(holds, before + ramp * (policy.value - before), path[at])
            closeness[at] = np.where(holds, policy.closeness, closeness[at])
    for k, policy in ordered:
        if policy.shift is not None:
            first, end, ramp = _window(policy, span)
            path[np.ix_(np.arange(first, end), columns.of(k))] += ramp * policy.shift
    return path


def _window(policy: Policy, span: Span) -> tuple[int, int, F]:
    """The first month of a policy, the month after its last, and the part of its change that is reached in each."""
    first = max(0, months_between(span.start, policy.start))
    end = span.months if policy.until is None else min(span.months, months_between(span.start, policy.until))
    months_held = np.arange(first, end) - months_between(span.start, policy.start) + 1
    return first, end, np.clip(months_held / policy.over_months, 0.0, 1.0)[:, None]


def lever_paths(columns: TargetColumns, span: Span) -> dict[str, F]:
    """Compute each lever's value by month and column.

    Parameters
    ----------
    columns : TargetColumns
        The policies, and the columns that each of them moves.
    span : Span

    Returns
    -------
    dict of str to ndarray of float64, shape (months, columns)
        By lever, within its range. The array of a lever that nothing moves is read-only: one number, broadcast.
    """
    moved = {policy.lever for policy in columns.moves}
    out: dict[str, F] = {}
    for lever in levers():
        if lever.name in moved:
            out[lever.name] = np.clip(lever_path(lever, columns, span), lever.low, lever.high)
        else:
            out[lever.name] = np.broadcast_to(np.float64(span.baseline_of(lever)), (span.months, columns.count(lever)))
    return out
