"""Groups the columns of the world into the variables of the loop map, and defines the size and the push of each.

These groups are not a list of loops: links come from the declarations of mechanisms. A column that is not listed in
this file, such as the column of a new mechanism, is a variable by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sim.engine.random import UNIT, fill_bits, month_key, stream
from sim.engine.schedule import Clock, Mechanism, NoParams, Phase
from sim.engine.tables import columns
from sim.services.queue_allocation import find_last_turns
from sim.services.queues import list_waiting
from sim.services.waiting import Waiting
from sim.state.codes import ACUTE, COMMUNITY, EMPTY_SLOT, GONE, PREVENTIVE, WAITING
from sim.state.counters import FLOWS
from sim.state.updates import set_help
from sim.state.world import World, all_tables

A = npt.NDArray[Any]
PICK = stream("who is pushed in the loop map")
LARGEST_LEVEL = 3


@dataclass(frozen=True)
class Variable:
    """One variable of the map."""

    name: str
    label: str
    columns: tuple[str, ...]
    """All columns of the variable; a mechanism that uses one of them uses the variable."""
    summed: tuple[str, ...] = ()
    """Columns whose sum is the size of the variable; by default the first column."""
    signed: bool = False
    """Whether the variable can be negative."""
    tier: Literal["acute", "other"] | None = None
    """The services that the variable covers, where acute care has a separate variable."""

    def size(self, world: World) -> float:
        """The variable as one number."""
        special = _SIZES.get(self.name)
        if special is not None:
            return special(world)
        named = self.summed or self.columns[:1]
        return sum(float(array(world, name)[self.rows(world)].sum(dtype=np.float64)) for name in named)

    def rows(self, world: World) -> Any:
        """The rows of the columns that belong to the variable."""
        if self.tier is None:
            return slice(None)
        return np.flatnonzero((world.services.tier == ACUTE) == (self.tier == "acute"))


def _by_tier(name: str, label: str, *column_names: str) -> tuple[Variable, Variable]:
    """Two variables, one for acute care and one for other services, which have separate money and staff.

    A column without a table is one of `services`.
    """
    columns = tuple(column if "." in column else f"services.{column}" for column in column_names)
    other = Variable(name, label, columns, tier="other")
    return other, Variable(f"acute {name}", f"{label} of acute care", columns, tier="acute")


NAMED = (
    Variable("need", "need", ("people.level", "people.before", "people.worst", "tally.census")),
    Variable(
        "crises",
        "crises",
        ("screen.events", "screen.event_row", "screen.event_domain", "screen.event_to", "screen.event_service",
         "tally.opened", "tally.opened_in", "tally.opened_age"),
    ),
    Variable("help", "people helped",
             ("services.helped", "people.help", "tally.helped", "tally.started", "tally.ended", "tally.unmet")),
    Variable("queue", "queue", ("services.queue", "tally.waiting")),
    Variable("calls", "people called in", ("queue_allocation.called", "services.last_turn", "services.last_row")),
    Variable("requests", "requests", ("tally.asked", "tally.repeated")),
    Variable("refusals", "refusals", ("tally.turned_away", "tally.gave_up", "people.refused")),
    Variable("threshold", "threshold", ("services.refused", "services.pressure", "rationing.wait"),
             ("services.refused", "services.pressure")),
    Variable("trust", "trust", ("people.trust",)),
    Variable("belief", "belief in services", ("places.legitimacy",)),
    Variable("resilience", "resilience", ("people.resilience",), signed=True),
    Variable("support", "support", ("screen.support",)),
    Variable("load", "acute load", ("services.load", "services.overload")),
    Variable(
        "account",
        "silos' accounts",
        ("money.carried", "money.spent", "money.funding", "money.pooled", "money.bailed_out", "money.clawed_back",
         "semi_fixed_costs.cost_gap"),
        signed=True,
    ),
    Variable("shift", "prevention's gain next year", ("overspend_recovery.shift", "money.reinvested"), signed=True),
    *_by_tier("lines", "budget lines", "granted", "double_running.settled"),
    *_by_tier("plan", "money to spend", "plan"),
    *_by_tier("staff", "staff in post", "posts", "establishment", "workforce.employed", "agency", "vacancy", "paid"),
    *_by_tier("leavers", "leavers", "leaving"),
    Variable("helpers", "lay helpers", ("services.lay", "services.lay_share")),
    Variable("part taken", "people taking part", ("services.coproduced",)),
    *_by_tier("rules", "rules and checks", "compliance"),
    *_by_tier("administration", "administration", "admin", "freed", "upheaval"),
    Variable("assessing", "time spent on assessments", ("services.asking",)),
    *_by_tier("workload", "workload", "workload"),
    *_by_tier("burnout", "burnout", "burnout"),
    *_by_tier("time", "time for each person", "hours"),
    Variable("places", "places", ("services.places",)),
    Variable("know-how", "know-how of services", ("non_statutory_closure.knowhow",)),
    Variable("micro-enterprises", "micro-enterprises", ("services.micro",)),
    Variable("quality", "quality of help", ("services.quality", "services.fit"), tier="other"),
    Variable("practice", "practice", ("places.practice",)),
    Variable("learning leaders", "leaders of learning", ("places.leader",)),
    Variable("local fit", "local fit", ("places.fit",)),
    Variable("groups", "community groups", ("places.energy", "places.grown")),
    Variable("bought groups", "groups funded by contracts", ("groups.commissioned",)),
    Variable("group know-how", "know-how of groups", ("groups.knowhow",)),
    Variable("mutual aid", "mutual aid", ("places.aid",)),
    Variable("leaders", "leaders of groups", ("groups.leaders", "groups.led")),
    Variable("fullness", "fullness of groups", ("places.fullness",)),
    Variable("peers", "peers", ("places.peers", "peers.recovered")),
    Variable("exposure", "exposure", ("places.exposure",)),
    Variable("childhood", "help in childhood", ("places.nurture", "places.infants"), signed=True),
    Variable(
        "population",
        "residents",
        ("tally.people", "people.age", "people.band", "people.female", "dwellings.head", "dwellings.occupants",
         "tally.born", "tally.died", "tally.moved_in", "tally.moved_out", "moves.full", "moves.full_in_all"),
    ),
)  # fmt: skip
EXCLUDED = {
    "aims": "the people whom a policy targets: set each month by policies and their budgets",
    "usual": "reference values: measured before the first reported month and then fixed",
    "screen": "scratch columns of candidate thinning, which changes no probability",
    "changed": "marks of people whose bounds must be recomputed",
    "listed": "lists of people who wait, derived from help and levels",
}
"""Columns that are not variables, with the reason."""
QUEUE_LISTS = ("places.queue_row", "places.queue_what", "places.queue_race", "places.queued")
BOTH_SIDES = ("groups.led", "services.agency")
"""Columns that can be negative in a variable that is not."""
ARITHMETIC = (Phase.REMEMBER, Phase.REFRESH, Phase.CANDIDATE_THINNING)
"""Phases that save the state at the start of the month or select candidates, and change no probability."""


def exclusion_reason(column: str) -> str | None:
    """The reason why a column is not a variable of the map; None if it is a variable."""
    table, name = column.split(".")
    if table == "aims":
        return EXCLUDED["aims"]
    if name.startswith("usual_"):
        return EXCLUDED["usual"]
    if column == "people.changed":
        return EXCLUDED["changed"]
    if column in QUEUE_LISTS:
        return EXCLUDED["listed"]
    named_columns = {member for variable in NAMED for member in variable.columns}
    return EXCLUDED["screen"] if table == "screen" and column not in named_columns else None


def variables(mechanisms: Iterable[Mechanism]) -> dict[str, tuple[Variable, ...]]:
    """The variables of each column that a mechanism writes. Levers are excluded: a policy is not part of a loop."""
    by_column: dict[str, tuple[Variable, ...]] = {}
    for variable in NAMED:
        for column in variable.columns:
            by_column[column] = (*by_column.get(column, ()), variable)
    out: dict[str, tuple[Variable, ...]] = {}
    for entry in mechanisms:
        if entry.lever is not None:
            continue
        for column in entry.writes:
            if column in by_column:
                out[column] = by_column[column]
            elif entry.phase not in ARITHMETIC and exclusion_reason(column) is None:
                out[column] = (Variable(column, _meaning(column), (column,)),)
    return out


def _meaning(column: str) -> str:
    table, name = column.split(".")
    spec = dict(columns(all_tables()[table])).get(name)
    return column if spec is None else spec.meaning


def is_flow(variable: Variable) -> bool:
    """Whether the variable is counted from 0 each month."""
    table, name = variable.columns[0].split(".")
    return table == "screen" or (table == "tally" and name in FLOWS)


def array(world: World, column: str) -> A:
    """A column of a world by its name."""
    table, name = column.split(".")
    values: A = getattr(world.table(table), name)
    return values


# A push moves a variable up (amount > 0) or down, within the range of its columns.


def can_be_pushed(variable: Variable) -> bool:
    """Whether the variable can be pushed. The residents cannot: age and number of people have no small push."""
    return variable.name != "population"


def columns_of_push(variable: Variable) -> tuple[str, ...]:
    """The columns that a push may change."""
    pushed = (
        (*HELP_COLUMNS, "people.changed", "people.help") if variable.name in ("help", "queue") else variable.columns
    )
    return (*pushed, *QUEUE_LISTS)


HELP_COLUMNS = (
    "services.helped",
    "services.queue",
    "tally.helped",
    "tally.waiting",
    "tally.started",
    "tally.ended",
    "tally.unmet",
)


def push(world: World, handle: Any, variable: Variable, amount: float, clock: Clock) -> None:
    """Move a variable by a share of its mean size, by the same share in every row.

    Parameters
    ----------
    world : World
        The world, changed in place.
    handle : World
        The handle of the world for compiled kernels.
    variable : Variable
        The variable to push.
    amount : float
        Share of the size, positive or negative.
    clock : Clock
        Seed and month of the random draws of the queue allocation.

    Notes
    -----
    Where people must be selected, the selection is random, and the same in every call.
    """
    special_push = _PUSHES.get(variable.name)
    if special_push is not None:
        special_push(world, handle, amount)
        list_waiting(handle, NoParams().compiled(), clock)  # people who wait, and the service
        if variable.name == "calls":
            find_last_turns(handle, Waiting().compiled(), clock)
        return
    for column in variable.columns:
        values = array(world, column)
        rows = variable.rows(world)
        if values.dtype == np.uint8:  # a flag
            values[_uniform(values.size).reshape(values.shape) < abs(amount)] = amount > 0.0
            continue
        if values.dtype.kind != "f":
            values[:] = np.maximum(0, np.rint(values * (1.0 + amount) + np.sign(amount) * (values > 0)))
            continue
        pushed = values[rows] + amount * (float(np.abs(values[rows]).mean()) or 1.0)
        values[rows] = pushed if variable.signed or column in BOTH_SIDES else np.maximum(pushed, 0.0)


def _uniform(size: int) -> npt.NDArray[np.float64]:
    bits = np.empty(size, np.uint32)
    fill_bits(month_key(np.uint64(0), PICK, 0), 0, bits)
    return bits.astype(np.float64) * UNIT


def _push_need(world: World, _handle: Any, amount: float) -> None:
    people, tally = world.people, world.tally
    selected = (people.age != EMPTY_SLOT) & (_uniform(people.age.size) < abs(amount))
    if amount > 0.0:
        change = selected & (people.level < LARGEST_LEVEL - 1)  # no push into a crisis: a crisis is an event
        for levels in (people.level, people.before):
            levels[change] += 1
    else:
        change = selected & (people.level > 0) & (people.level < LARGEST_LEVEL)
        for levels in (people.level, people.before):
            levels[change & (levels > 0)] -= 1
    people.worst[:] = np.where(people.age == EMPTY_SLOT, GONE, people.before.max(axis=0))
    # Move the counts too; the number of crises rises or falls by at most the people available.
    moved = np.rint(tally.census * abs(amount)).astype(np.int32)
    steps = moved[:, :-1] if amount > 0.0 else -moved[:, 1:]
    steps[:, -1] = np.sign(amount) * np.minimum(moved[:, -1], tally.census[:, -2] - moved[:, -2])
    tally.census[:, :-1] -= steps
    tally.census[:, 1:] += steps


def _push_crises(world: World, _handle: Any, amount: float) -> None:
    screen, tally = world.screen, world.tally
    for counts in (tally.opened, tally.opened_in, tally.opened_age):
        counts[:] = np.maximum(0, np.rint(counts * (1.0 + amount) + np.sign(amount) * (counts > 0)).astype(np.int32))
    n = int(screen.events[0])
    if amount < 0.0:
        crises = np.flatnonzero(screen.event_to[:n] == LARGEST_LEVEL)
        screen.event_to[crises[: max(1, round(-amount * crises.size))]] = LARGEST_LEVEL - 1
        return
    alive = np.flatnonzero(world.people.age != EMPTY_SLOT)
    added = alive[_uniform(alive.size) < amount / 10.0][: screen.event_row.size - n]
    end = n + added.size
    screen.event_row[n:end], screen.event_domain[n:end] = added, 0
    screen.event_to[n:end], screen.event_service[n:end] = LARGEST_LEVEL, -1
    screen.events[0] = end


def _push_help(world: World, handle: Any, amount: float) -> None:
    """More help: some people in need without help receive it, from the first service that serves them."""
    people = world.people
    codes = people.help.astype(int)
    if amount > 0.0:
        _give(world, handle, amount, waits=False)
        return
    for d, i in zip(*np.nonzero((codes > 0) & (codes < WAITING) & (_uniform(people.age.size) < -amount)), strict=True):
        set_help(handle, int(d), int(i), 0)


def _push_calls(world: World, _handle: Any, amount: float) -> None:
    called = world.private.queue_allocation.called
    called[:] = np.maximum(0, np.rint(called * (1.0 + amount) + np.sign(amount) * (called > 0)).astype(np.int64))


def _push_queue(world: World, handle: Any, amount: float) -> None:
    """A longer queue: some people in need without help wait for it."""
    people = world.people
    if amount > 0.0:
        _give(world, handle, amount, waits=True)
        return
    codes = people.help.astype(int)
    for d, i in zip(*np.nonzero((codes >= WAITING) & (_uniform(people.age.size) < -amount)), strict=True):
        set_help(handle, int(d), int(i), 0)


def _give(world: World, handle: Any, amount: float, *, waits: bool) -> None:
    people, services = world.people, world.services
    part = amount * (0.2 if waits else 0.5)
    for s in np.flatnonzero((services.tier != ACUTE) & (services.base_places > 0.0)):
        d = int(services.domain[s])
        counted = people.age != EMPTY_SLOT
        if world.rates.household[d]:
            counted &= world.dwellings.head[people.dwelling] == np.arange(people.age.size)
        fits = services.serves[s][people.level[d]] & services.bands[s][people.band]
        free = counted & (fits == 1) & (people.help[d] == 0) & (_uniform(people.age.size) < part)
        for i in np.flatnonzero(free):
            set_help(handle, d, int(i), WAITING + int(s) if waits else 1 + int(s))


def _by_silo(world: World, mask: A) -> npt.NDArray[np.float64]:
    services = world.services
    return np.bincount(services.silo, services.granted * mask, minlength=world.money.carried.size).astype(np.float64)


def _push_account(world: World, _handle: Any, amount: float) -> None:
    """Move accounts by a share of the silo's yearly budget, in pence."""
    pence = _by_silo(world, np.ones(world.services.silo.size)) * amount * 100.0
    world.money.carried[:] += np.rint(pence).astype(np.int64)
    world.money.spent[:] -= np.rint(world.money.spent * amount).astype(np.int64)


def _push_shift(world: World, _handle: Any, amount: float) -> None:
    """Move the shift by a share of the silo's prevention budget, in pounds."""
    tier = world.services.tier
    world.private.overspend_recovery.shift[:] += amount * _by_silo(world, (tier == PREVENTIVE) | (tier == COMMUNITY))


def _push_resilience(world: World, _handle: Any, amount: float) -> None:
    world.people.resilience[:] = np.clip(world.people.resilience + amount, -1.0, 1.0)


def _crises(world: World) -> float:
    """Crises that began this month, plus episodes that opened."""
    begins = world.screen.event_to[: int(world.screen.events[0])] == LARGEST_LEVEL
    return float(begins.sum() + world.tally.opened.sum())


def _needs(world: World) -> float:
    """The sum of levels over people and domains."""
    return float(world.people.level[:, world.people.age != EMPTY_SLOT].sum(dtype=np.int64))


def _support(world: World) -> float:
    """The sum of support over people whose need may get worse."""
    totals = [world.screen.support[d, : int(n)].sum(dtype=np.float64) for d, n in enumerate(world.screen.worse)]
    return float(sum(totals))


_SIZES: dict[str, Callable[[World], float]] = {"crises": _crises, "need": _needs, "support": _support}
_PUSHES: dict[str, Callable[[World, Any, float], None]] = {
    "need": _push_need,
    "crises": _push_crises,
    "help": _push_help,
    "queue": _push_queue,
    "calls": _push_calls,
    "account": _push_account,
    "shift": _push_shift,
    "resilience": _push_resilience,
}
