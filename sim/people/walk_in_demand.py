"""People whose need is not helped attend where nobody can be refused: A&E also has visitors who are not in crisis.

Claim     P(attendance this month) = walk_in[a,q] + sum over domains of knock[d, level] while a need there that is
          emerging or serious is not helped. While it is helped, the part of knock by which the effect of help is below
          baseline counts: knock * max(0, 1 - effect), as rushed help sends people back. Nobody attends at an age at
          which nobody walks in (a baby commits no offence). A crisis arrives through this service with probability
          crisis_arrives[d].
Evidence  walk_in is solved so that all attendances of an age band and fifth meet the published rate (B01, B03, B05).
          knock: bounded by F04/F05 (social care cut by 31 %: +0.07 to +0.09 visits per resident over 65 a year).
Limits    At most one attendance a person and month apart from crises.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import bits, month_key, stream, uniform
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.engine.thinning import bound_of, find_low, is_low
from sim.people.need import help_effect
from sim.state.codes import CHILD_AGES, EMPTY_SLOT, LEVEL
from sim.state.columns import A, column
from sim.state.updates import counted, is_helped
from sim.state.world import World

KNOCK = stream("last resort")
ARRIVE = stream("crisis arrives by another door")


class WalkInDemandState(NamedTuple):
    """Bounds of this month's draws."""

    door_bound: Annotated[A, column("u1", "door person", "bound", "no draw above this is an attendance")]


@kernel
def attendance_probability(w: World, door: int, i: Int) -> float:
    """Probability of an attendance this month without a crisis."""
    people = w.people
    p: float = w.rates.walk_in[door, people.band[i], people.quintile[i]]
    if w.rates.walks_in[door, people.band[i]] == 0:
        return 0.0
    for d in range(people.level.shape[0]):
        knocks = w.rates.knock[door, d, people.level[d, i]]
        if knocks > 0.0 and counted(w, d, i):
            code = np.int64(people.help[d, i])
            if is_helped(code):
                knocks *= max(0.0, 1.0 - help_effect(w, code - 1, people.neighbourhood[i]))
            p += knocks
    return p


@kernel
def _attends(w: World, door: int, i: Int, u: float) -> bool:
    """Whether a person attends, by the random number u.

    Most attendances do not depend on need, so that need is evaluated for the others only.
    """
    b = w.people.band[i]
    if w.rates.walks_in[door, b] == 0:
        return False
    attends: bool = u < w.rates.walk_in[door, b, w.people.quintile[i]] or u < attendance_probability(w, door, i)
    return attends


@kernel
def _first_rise(w: World, door: int, d: Int, i: Int) -> bool:
    """Whether a person's need rose in this domain this month, and in no earlier domain that raises attendance."""
    level, before = w.people.level, w.people.before
    if level[d, i] <= before[d, i]:
        return False
    for e in range(d):
        if level[e, i] > before[e, i] and w.rates.knock[door, e, level[e, i]] > 0.0 and counted(w, e, i):
            return False
    return True


@kernel
def _count_attendance(w: World, s: Int, i: Int) -> None:
    """Count an attendance."""
    people = w.people
    w.tally.opened[s, people.quintile[i], people.band[i]] += 1
    w.tally.opened_in[s, people.neighbourhood[i]] += 1
    if people.age[i] < CHILD_AGES:
        w.tally.opened_age[s, people.age[i], people.quintile[i]] += 1


@mechanism(
    Phase.WALK_IN_DEMAND,
    state=WalkInDemandState,
    reads="services.quality places.practice places.fit people.level people.before people.help people.age "
    "walk_in_demand.door_bound people.band people.quintile people.neighbourhood dwellings.head screen.event_row "
    "screen.event_domain screen.event_to screen.events",
    writes="tally.opened tally.opened_in tally.opened_age screen.tops screen.marks screen.found_row",
    after="acute_episodes",
    by_part=True,
)
@kernel
def attend(w: World, p: NoParams, clock: Clock) -> None:
    scratch = w.screen
    state: WalkInDemandState = w.private.walk_in_demand
    first, last = w.part.person[0], w.part.person[1]
    row = scratch.found_row
    for door in range(w.rates.door.size):
        s = w.rates.door[door]
        key = month_key(clock.seed, KNOCK + np.uint64(door), clock.month)
        i: Int
        for k in range(find_low(key, first, state.door_bound[door, first:last], scratch.tops, scratch.marks, row)):
            i = np.int64(row[k])
            if _attends(w, door, i, uniform(key, i)):
                _count_attendance(w, s, i)
        for k in range(w.screen.events[0]):
            i, d = np.int64(w.screen.event_row[k]), np.int64(w.screen.event_domain[k])
            if w.rates.knock[door, d, w.screen.event_to[k]] > 0.0 and _first_rise(w, door, d, i):
                top = np.uint32(bits(key, i) >> np.uint32(16))
                if not is_low(top, state.door_bound[door, i]) and _attends(w, door, i, uniform(key, i)):
                    _count_attendance(w, s, i)  # only people who were not candidates above
            if w.screen.event_to[k] != 3 or w.rates.crisis_arrives[door, d] <= 0.0:
                continue
            if (
                uniform(month_key(clock.seed, ARRIVE + np.uint64(64 * door + d), clock.month), i)
                < (w.rates.crisis_arrives[door, d])
            ):
                _count_attendance(w, s, i)


@mechanism(
    Phase.REFRESH,
    state=WalkInDemandState,
    reads="people.level people.age people.band people.quintile screen.renew screen.reason "
    "screen.renewals dwellings.head",
    writes="walk_in_demand.door_bound",
    name="walk_in_demand_bounds",
    after="bound_updates",
    by_part=True,
)
@kernel
def bound(w: World, p: NoParams, clock: Clock) -> None:
    people, walk_in, knock = w.people, w.rates.walk_in, w.rates.knock
    state: WalkInDemandState = w.private.walk_in_demand
    level_of, age = people.level, people.age
    band, quintile, dwelling, head_of = people.band, people.quintile, people.dwelling, w.dwellings.head
    household, door_bound = w.rates.household, state.door_bound
    renew, reason = w.screen.renew, w.screen.reason
    # By the time the bound is used, a level may have fallen and help may have ended. People whose level rose this month
    # are evaluated separately.
    most_knock = knock.copy()
    for door in range(knock.shape[0]):
        for d in range(knock.shape[1]):
            for level in range(1, knock.shape[2]):
                most_knock[door, d, level] = max(most_knock[door, d, level], most_knock[door, d, level - 1])
    for k in range(w.screen.renewals[0]):
        if not reason[k] & LEVEL:
            continue
        i = np.int64(renew[k])
        head = head_of[dwelling[i]] == i
        for door in range(door_bound.shape[0]):
            most = 0.0
            if age[i] != EMPTY_SLOT and w.rates.walks_in[door, band[i]] == 1:
                most = walk_in[door, band[i], quintile[i]]
                for d in range(level_of.shape[0]):
                    if household[d] == 0 or head:
                        most += most_knock[door, d, level_of[d, i]]
            door_bound[door, i] = bound_of(most)
