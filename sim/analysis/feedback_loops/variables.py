"""Which columns of the world are told as one variable of the loop map, how each is summed up, and how it is pushed.

This is a way to read, not a list of loops: links come from what mechanisms declare. A column that is not named here,
such as one that a new mechanism brings along, is a variable of its own.
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
from sim.services.queue_allocation import draw_lots
from sim.services.queues import line_up
from sim.services.waiting import Waiting
from sim.simulation.simulate import FLOWS
from sim.state.tables import ACUTE, COMMUNITY, EMPTY_SLOT, GONE, PREVENTIVE, TABLES, WAITING, World
from sim.state.updates import set_help

A = npt.NDArray[Any]
PICK = stream("who is pushed in the loop map")
LARGEST_LEVEL = 3


@dataclass(frozen=True)
class Variable:
    """One variable of the map."""

    name: str
    label: str
    columns: tuple[str, ...]
    """All that belongs to it; a mechanism that touches one of them touches the variable."""
    summed: tuple[str, ...] = ()
    """Whose sum is its size; the first column, if none is named."""
    signed: bool = False
    """It lies on both sides of 0."""
    tier: Literal["acute", "other"] | None = None
    """Of which services it tells, where acute care has a variable of its own."""

    def size(self, world: World) -> float:
        """The variable as one number."""
        special = _SIZES.get(self.name)
        if special is not None:
            return special(world)
        named = self.summed or self.columns[:1]
        return sum(float(array(world, name)[self.rows(world)].sum(dtype=np.float64)) for name in named)

    def rows(self, world: World) -> Any:
        """The rows of its columns that belong to it."""
        if self.tier is None:
            return slice(None)
        return np.flatnonzero((world.services.tier == ACUTE) == (self.tier == "acute"))


def _by_tier(name: str, label: str, *of: str) -> tuple[Variable, Variable]:
    """The same of acute care and of other services: money and staff for one are not money and staff for the other."""
    columns = tuple(f"services.{column}" for column in of)
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
    Variable("calls", "people called in", ("services.called", "services.last_turn", "services.last_row")),
    Variable("requests", "requests", ("tally.asked", "tally.repeated")),
    Variable("refusals", "refusals", ("tally.turned_away", "tally.gave_up", "people.refused")),
    Variable("threshold", "threshold", ("services.refused", "services.pressure", "services.wait"),
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
         "services.cost_gap"),
        signed=True,
    ),
    Variable("shift", "prevention's gain next year", ("money.shift", "money.reinvested"), signed=True),
    *_by_tier("lines", "budget lines", "granted", "settled"),
    *_by_tier("plan", "money to spend", "plan"),
    *_by_tier("staff", "staff in post", "posts", "establishment", "employed", "agency", "vacancy", "paid"),
    *_by_tier("leavers", "leavers", "leaving"),
    Variable("helpers", "lay helpers", ("services.lay", "services.lay_share")),
    Variable("part taken", "people taking part", ("services.coproduced",)),
    *_by_tier("rules", "rules and checks", "compliance"),
    *_by_tier("administration", "administration", "admin", "freed", "upheaval"),
    Variable("assessing", "time spent on assessing", ("services.asking",)),
    *_by_tier("workload", "workload", "workload"),
    *_by_tier("burnout", "burnout", "burnout"),
    *_by_tier("time", "time for each person", "hours"),
    Variable("places", "places", ("services.places",)),
    Variable("know-how", "know-how of services", ("services.knowhow",)),
    Variable("micro-enterprises", "micro-enterprises", ("services.micro",)),
    Variable("quality", "quality of help", ("services.quality", "services.fit"), tier="other"),
    Variable("practice", "practice", ("places.practice",)),
    Variable("learning leaders", "leaders of learning", ("places.leader",)),
    Variable("local fit", "local fit", ("places.fit",)),
    Variable("groups", "community groups", ("places.energy", "places.grown")),
    Variable("bought groups", "groups kept by contracts", ("places.commissioned",)),
    Variable("group know-how", "know-how of groups", ("places.knowhow",)),
    Variable("mutual aid", "mutual aid", ("places.aid",)),
    Variable("leaders", "leaders of groups", ("places.leaders", "places.led")),
    Variable("fullness", "fullness of groups", ("places.fullness",)),
    Variable("peers", "peers", ("places.peers", "places.recovered")),
    Variable("exposure", "exposure", ("places.exposure",)),
    Variable("childhood", "help in childhood", ("places.nurture", "places.infants"), signed=True),
    Variable(
        "population",
        "who lives here",
        ("tally.people", "people.age", "people.band", "people.female", "dwellings.head", "dwellings.occupants",
         "tally.born", "tally.died", "tally.moved_in", "tally.moved_out", "places.full", "places.full_in_all"),
    ),
)  # fmt: skip
LEFT_OUT = {
    "aims": "which people a policy is for: set by policies and their budgets anew each month",
    "usual": "what is usual, learnt before the first reported month and fixed since",
    "screen": "scratch of the screen, which finds who is looked at and changes no probability",
    "changed": "notes of whose bounds are due",
    "listed": "a list of who waits, which says again what help and levels say",
}
"""Columns that are no variables, and why."""
LISTED = ("places.queue_row", "places.queue_what", "places.queue_race", "places.queued")
BOTH_SIDES = ("places.led", "services.agency")
"""Columns that lie on both sides of 0 in a variable that does not."""
ARITHMETIC = (Phase.REMEMBER, Phase.REFRESH, Phase.CANDIDATE_THINNING)
"""Phases that note how the month began and find who is looked at, and change no probability."""


def left_out(column: str) -> str | None:
    """Why a column is no variable of the map; None if it is one."""
    table, name = column.split(".")
    if table == "aims":
        return LEFT_OUT["aims"]
    if name.startswith("usual_"):
        return LEFT_OUT["usual"]
    if column == "people.changed":
        return LEFT_OUT["changed"]
    if column in LISTED:
        return LEFT_OUT["listed"]
    named = {each for variable in NAMED for each in variable.columns}
    return LEFT_OUT["screen"] if table == "screen" and column not in named else None


def variables(mechanisms: Iterable[Mechanism]) -> dict[str, tuple[Variable, ...]]:
    """The variables of each column that a mechanism writes, levers apart: policies are no part of a loop."""
    of: dict[str, tuple[Variable, ...]] = {}
    for variable in NAMED:
        for column in variable.columns:
            of[column] = (*of.get(column, ()), variable)
    out: dict[str, tuple[Variable, ...]] = {}
    for entry in mechanisms:
        if entry.lever is not None:
            continue
        for column in entry.writes:
            if column in of:
                out[column] = of[column]
            elif entry.phase not in ARITHMETIC and left_out(column) is None:
                out[column] = (Variable(column, _meaning(column), (column,)),)
    return out


def _meaning(column: str) -> str:
    table, name = column.split(".")
    told = dict(columns(TABLES[table])).get(name)
    return column if told is None else told.meaning


def is_flow(variable: Variable) -> bool:
    """Whether it is counted anew each month."""
    table, name = variable.columns[0].split(".")
    return table == "screen" or (table == "tally" and name in FLOWS)


def array(world: World, column: str) -> A:
    """A column of a world by its name."""
    table, name = column.split(".")
    found: A = getattr(getattr(world, table), name)
    return found


# How a variable is pushed, up (amount > 0) or down, without leaving what its columns can hold.


def can_be_pushed(variable: Variable) -> bool:
    """Who lives here is not pushed: a person is not made a little older, or a little more."""
    return variable.name != "population"


def touched_by_push(variable: Variable) -> tuple[str, ...]:
    """Columns that a push may change."""
    own = (*of_help, "people.changed", "people.help") if variable.name in ("help", "queue") else variable.columns
    return (*own, *LISTED)


of_help = (
    "services.helped",
    "services.queue",
    "tally.helped",
    "tally.waiting",
    "tally.started",
    "tally.ended",
    "tally.unmet",
)


def push(world: World, seen: Any, variable: Variable, amount: float, clock: Clock) -> None:
    """Move a variable by a part of its usual size, everywhere alike; people are picked by lot, the same each time."""
    special = _PUSHES.get(variable.name)
    if special is not None:
        special(world, seen, amount)
        line_up(seen, NoParams().compiled(), clock)  # who waits, and for what
        if variable.name == "calls":
            draw_lots(seen, Waiting().compiled(), clock)
        return
    for column in variable.columns:
        values = array(world, column)
        rows = variable.rows(world)
        if values.dtype == np.uint8:  # a flag
            values[_lot(values.size).reshape(values.shape) < abs(amount)] = amount > 0.0
            continue
        if values.dtype.kind != "f":
            values[:] = np.maximum(0, np.rint(values * (1.0 + amount) + np.sign(amount) * (values > 0)))
            continue
        moved = values[rows] + amount * (float(np.abs(values[rows]).mean()) or 1.0)
        values[rows] = moved if variable.signed or column in BOTH_SIDES else np.maximum(moved, 0.0)


def _lot(size: int) -> npt.NDArray[np.float64]:
    drawn = np.empty(size, np.uint32)
    fill_bits(month_key(np.uint64(0), PICK, 0), 0, drawn)
    return drawn.astype(np.float64) * UNIT


def _push_need(world: World, _seen: Any, amount: float) -> None:
    people, tally = world.people, world.tally
    picked = (people.age != EMPTY_SLOT) & (_lot(people.age.size) < abs(amount))
    if amount > 0.0:
        change = picked & (people.level < LARGEST_LEVEL - 1)  # nobody is pushed into a crisis: that is an event
        for levels in (people.level, people.before):
            levels[change] += 1
    else:
        change = picked & (people.level > 0) & (people.level < LARGEST_LEVEL)
        for levels in (people.level, people.before):
            levels[change & (levels > 0)] -= 1
    people.worst[:] = np.where(people.age == EMPTY_SLOT, GONE, people.before.max(axis=0))
    # The counts likewise; of crises, so many more or fewer as there are.
    moved = np.rint(tally.census * abs(amount)).astype(np.int32)
    steps = moved[:, :-1] if amount > 0.0 else -moved[:, 1:]
    steps[:, -1] = np.sign(amount) * np.minimum(moved[:, -1], tally.census[:, -2] - moved[:, -2])
    tally.census[:, :-1] -= steps
    tally.census[:, 1:] += steps


def _push_crises(world: World, _seen: Any, amount: float) -> None:
    screen, tally = world.screen, world.tally
    for counts in (tally.opened, tally.opened_in, tally.opened_age):
        counts[:] = np.maximum(0, np.rint(counts * (1.0 + amount) + np.sign(amount) * (counts > 0)).astype(np.int32))
    n = int(screen.events[0])
    if amount < 0.0:
        crises = np.flatnonzero(screen.event_to[:n] == LARGEST_LEVEL)
        screen.event_to[crises[: max(1, round(-amount * crises.size))]] = LARGEST_LEVEL - 1
        return
    alive = np.flatnonzero(world.people.age != EMPTY_SLOT)
    more = alive[_lot(alive.size) < amount / 10.0][: screen.event_row.size - n]
    last = n + more.size
    screen.event_row[n:last], screen.event_domain[n:last] = more, 0
    screen.event_to[n:last], screen.event_service[n:last] = LARGEST_LEVEL, -1
    screen.events[0] = last


def _push_help(world: World, seen: Any, amount: float) -> None:
    """More help: of those in need without help some get it, from the first service that serves them."""
    people = world.people
    codes = people.help.astype(int)
    if amount > 0.0:
        _give(world, seen, amount, waits=False)
        return
    for d, i in zip(*np.nonzero((codes > 0) & (codes < WAITING) & (_lot(people.age.size) < -amount)), strict=True):
        set_help(seen, int(d), int(i), 0)


def _push_calls(world: World, _seen: Any, amount: float) -> None:
    called = world.services.called
    called[:] = np.maximum(0, np.rint(called * (1.0 + amount) + np.sign(amount) * (called > 0)).astype(np.int64))


def _push_queue(world: World, seen: Any, amount: float) -> None:
    """A longer queue: of those in need without help some wait for it."""
    people = world.people
    if amount > 0.0:
        _give(world, seen, amount, waits=True)
        return
    codes = people.help.astype(int)
    for d, i in zip(*np.nonzero((codes >= WAITING) & (_lot(people.age.size) < -amount)), strict=True):
        set_help(seen, int(d), int(i), 0)


def _give(world: World, seen: Any, amount: float, *, waits: bool) -> None:
    people, services = world.people, world.services
    part = amount * (0.2 if waits else 0.5)
    for s in np.flatnonzero((services.tier != ACUTE) & (services.base_places > 0.0)):
        d = int(services.domain[s])
        counted = people.age != EMPTY_SLOT
        if world.rates.household[d]:
            counted &= world.dwellings.head[people.dwelling] == np.arange(people.age.size)
        fits = services.serves[s][people.level[d]] & services.bands[s][people.band]
        free = counted & (fits == 1) & (people.help[d] == 0) & (_lot(people.age.size) < part)
        for i in np.flatnonzero(free):
            set_help(seen, d, int(i), WAITING + int(s) if waits else 1 + int(s))


def _by_silo(world: World, chosen: A) -> npt.NDArray[np.float64]:
    services = world.services
    return np.bincount(services.silo, services.granted * chosen, minlength=world.money.carried.size).astype(np.float64)


def _push_account(world: World, _seen: Any, amount: float) -> None:
    """By a part of the silo's year, in pence."""
    pence = _by_silo(world, np.ones(world.services.silo.size)) * amount * 100.0
    world.money.carried[:] += np.rint(pence).astype(np.int64)
    world.money.spent[:] -= np.rint(world.money.spent * amount).astype(np.int64)


def _push_shift(world: World, _seen: Any, amount: float) -> None:
    """By a part of the silo's prevention, in pounds."""
    tier = world.services.tier
    world.money.shift[:] += amount * _by_silo(world, (tier == PREVENTIVE) | (tier == COMMUNITY))


def _push_resilience(world: World, _seen: Any, amount: float) -> None:
    world.people.resilience[:] = np.clip(world.people.resilience + amount, -1.0, 1.0)


def _crises(world: World) -> float:
    """Crises that have begun this month, and episodes that have opened."""
    begun = world.screen.event_to[: int(world.screen.events[0])] == LARGEST_LEVEL
    return float(begun.sum() + world.tally.opened.sum())


def _needs(world: World) -> float:
    """Levels added up over people and domains."""
    return float(world.people.level[:, world.people.age != EMPTY_SLOT].sum(dtype=np.int64))


def _given(world: World) -> float:
    """Support of those whose need may get worse, a mean."""
    given = [world.screen.support[d, : int(n)].sum(dtype=np.float64) for d, n in enumerate(world.screen.worse)]
    return float(sum(given))


_SIZES: dict[str, Callable[[World], float]] = {"crises": _crises, "need": _needs, "support": _given}
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
