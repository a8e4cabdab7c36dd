"""Updates of a person's level, help, age or presence that keep every count correct.

Mechanisms change people only through these functions, so that a recount always equals the running counts (a law that
the tests apply to every scenario).
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import Int, kernel
from sim.state.codes import ANYTHING, EMPTY_SLOT, HELP_ONLY, LEVEL, WAITING
from sim.state.world import World

EMPTY_AGE = np.uint8(EMPTY_SLOT)
HELP_DOMAINS = HELP_ONLY.bit_length()
"""Number of domains whose help has a separate bit in `changed`."""
HALF_A_YEAR = 6
"""Months between a birthday and the survey: the middle of a year of age."""


@kernel
def birthday_slots(w: World, month: Int) -> tuple[Int, Int]:
    """Slots of the people with a birthday in a month: those of the part whose number modulo 12 equals the month's.

    Parameters
    ----------
    w : World
        The world.
    month : int
        Month of the run, counted from 0.

    Returns
    -------
    first : int
        First slot; the others follow in steps of 12.
    end : int
        End of the part.
    """
    first = w.part.person[0]
    return first + (month - first) % 12, w.part.person[1]


@kernel
def survey_slots(w: World, month: Int) -> tuple[Int, Int, Int]:
    """Slots of the people whom a survey asks in a month.

    Parameters
    ----------
    w : World
        The world.
    month : int
        Month of the run, counted from 0.

    Returns
    -------
    first : int
        First slot.
    end : int
        End of the part.
    step : int
        Distance from a slot to the next.
    """
    first, step = w.part.person[0], 12 * w.rates.asked_every[0]
    return first + (month + HALF_A_YEAR - first) % step, w.part.person[1], step


@kernel
def counted(w: World, d: Int, i: Int) -> bool:
    """Test whether the person's level in a domain is counted: a household's level is that of its reference person.

    Parameters
    ----------
    w : World
        The world.
    d, i : int
        Domain, and slot of the person.

    Returns
    -------
    bool
    """
    leads: bool = w.rates.household[d] == 0 or w.dwellings.head[w.people.dwelling[i]] == i
    return leads


@kernel
def is_helped(code: Int) -> bool | np.bool:
    """Test whether a help code stands for present help by a service. Codes: see `sim.state.codes.WAITING`."""
    return 0 < code < WAITING


@kernel
def count_person(w: World, i: Int, sign: int) -> None:
    """Add a person to all stocks, or remove the person from them.

    Parameters
    ----------
    w : World
        The world.
    i : int
        Slot of the person.
    sign : int
        1 to add, -1 to remove.
    """
    q, b = w.people.quintile[i], w.people.band[i]
    leads = w.dwellings.head[w.people.dwelling[i]] == i
    w.tally.people[q, b] += sign
    for d in range(w.people.level.shape[0]):
        if leads or w.rates.household[d] == 0:
            level, code = w.people.level[d, i], np.int64(w.people.help[d, i])
            w.tally.census[d, level, q, b] += sign
            if level == 2 and not is_helped(code):
                w.tally.unmet[d, q, b] += sign
            if code >= WAITING:
                w.services.queue[code - WAITING] += sign
                w.tally.waiting[code - WAITING, q] += sign
            elif code > 0:
                w.services.helped[code - 1] += sign
                w.tally.helped[code - 1, q] += sign


@kernel
def set_help(w: World, d: Int, i: Int, code: Int) -> None:
    """Begin, change or end a person's help in a domain.

    Parameters
    ----------
    w : World
        The world.
    d, i : int
        Domain, and slot of the person.
    code : int
        New help code, see `sim.state.codes.WAITING`.
    """
    old = np.int64(w.people.help[d, i])
    if old == code:
        return
    q, b = w.people.quintile[i], w.people.band[i]
    if old >= WAITING:
        w.services.queue[old - WAITING] -= 1
        w.tally.waiting[old - WAITING, q] -= 1
    elif old > 0:
        w.services.helped[old - 1] -= 1
        w.tally.helped[old - 1, q] -= 1
        w.tally.ended[old - 1, q] += 1
    if code >= WAITING:
        w.services.queue[code - WAITING] += 1
        w.tally.waiting[code - WAITING, q] += 1
    elif code > 0:
        w.services.helped[code - 1] += 1
        w.tally.helped[code - 1, q] += 1
        w.tally.started[code - 1, q] += 1
    if w.people.level[d, i] == 2:
        w.tally.unmet[d, q, b] += np.int64(is_helped(old)) - np.int64(is_helped(code))
    w.people.help[d, i] = np.uint8(code)
    w.people.changed[i] |= np.uint8(1 << d if d < HELP_DOMAINS else ANYTHING)


@kernel
def still_served(w: World, d: int, i: Int) -> bool:
    """Test whether the service that helps the person, or is waited for, serves the person's present level and age.

    Parameters
    ----------
    w : World
        The world.
    d, i : int
        Domain, and slot of the person.

    Returns
    -------
    bool
    """
    code = np.int64(w.people.help[d, i])
    s = code - WAITING if code >= WAITING else code - 1
    served: bool = w.services.serves[s, w.people.level[d, i]] == 1 and w.services.bands[s, w.people.band[i]] == 1
    return served


@kernel
def set_level(w: World, d: int, i: Int, level: int) -> None:
    """Change a person's level in a domain, end help that no longer fits, and add the change to the events of the month.

    In a household domain, everybody in the dwelling gets the level.

    Parameters
    ----------
    w : World
        The world.
    d, i : int
        Domain, and slot of the person.
    level : int
        New level of need, 0 to 3.

    Notes
    -----
    A lower level leaves the bounds of other domains and mechanisms above the true probabilities, which is all that
    thinning requires of a bound.
    """
    old = w.people.level[d, i]
    if old == level:
        return
    q, b = w.people.quintile[i], w.people.band[i]
    helped = is_helped(np.int64(w.people.help[d, i]))
    w.tally.census[d, old, q, b] -= 1
    w.tally.census[d, level, q, b] += 1
    if not helped:
        w.tally.unmet[d, q, b] += np.int64(level == 2) - np.int64(old == 2)
    w.people.level[d, i] = np.uint8(level)
    risen = np.uint8(LEVEL if level > old else 0)
    w.people.changed[i] |= np.uint8(risen | 1 << d if d < HELP_DOMAINS else ANYTHING)
    if w.rates.household[d] == 1:
        home = np.int64(w.people.dwelling[i])
        for j in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
            if w.people.age[j] != EMPTY_AGE:
                w.people.level[d, j] = np.uint8(level)
                w.people.changed[j] |= risen
    # Waiting or help ends when the service does not serve the new level.
    if w.people.help[d, i] > 0 and not still_served(w, d, i):
        set_help(w, d, i, 0)
    n = w.screen.events[0]
    if n < w.screen.event_row.size:
        w.screen.event_row[n] = np.uint32(i)
        w.screen.event_domain[n] = np.uint8(d)
        w.screen.event_to[n] = np.uint8(level)
        w.screen.events[0] = n + 1


@kernel
def set_age(w: World, i: Int, age: Int, band: int) -> None:
    """Change a person's age; a person who enters another age band is counted there.

    Parameters
    ----------
    w : World
        The world.
    i : int
        Slot of the person.
    age : int
        New age, in years.
    band : int
        Age band of that age.
    """
    if band != w.people.band[i]:
        count_person(w, i, -1)
        w.people.age[i] = np.uint8(age)
        w.people.band[i] = np.uint8(band)
        count_person(w, i, 1)
        w.people.changed[i] = ANYTHING
    else:
        w.people.age[i] = np.uint8(age)


@kernel
def _empty(w: World, i: Int) -> None:
    """Clear a slot, and remove its person from the counts."""
    count_person(w, i, -1)
    w.people.age[i] = EMPTY_AGE
    w.people.changed[i] = ANYTHING
    for d in range(w.people.level.shape[0]):
        w.people.level[d, i] = 0
        w.people.help[d, i] = 0


@kernel
def vacate_home(w: World, home: Int) -> Int:
    """Remove all people from a dwelling.

    Parameters
    ----------
    w : World
        The world.
    home : int
        The dwelling.

    Returns
    -------
    int
        Number of people removed.
    """
    left = np.int64(w.dwellings.occupants[home])
    for i in range(np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])):
        if w.people.age[i] != EMPTY_AGE:
            _empty(w, i)
    w.dwellings.occupants[home] = 0
    return left


@kernel
def vacate(w: World, i: Int) -> None:
    """Remove a person from a slot.

    If the person was the reference person of the household, the oldest adult left takes over, with the household's
    level and help; children left alone leave too, and count as moved out.

    Parameters
    ----------
    w : World
        The world.
    i : int
        Slot of the person.
    """
    home = np.int64(w.people.dwelling[i])
    first, last = np.int64(w.dwellings.first[home]), np.int64(w.dwellings.first[home + 1])
    was_head = w.dwellings.head[home] == i
    inherited = w.people.help[:, i].copy()
    _empty(w, i)
    w.dwellings.occupants[home] -= np.uint8(1)
    if was_head and w.dwellings.occupants[home] > 0:
        heir = -1
        for j in range(first, last):
            if w.people.age[j] != EMPTY_AGE and w.people.age[j] >= 16:
                if heir < 0 or w.people.age[j] > w.people.age[heir]:
                    heir = j
        if heir >= 0:
            count_person(w, heir, -1)
            w.dwellings.head[home] = np.uint32(heir)
            for d in range(w.people.level.shape[0]):
                if w.rates.household[d] == 1:
                    w.people.help[d, heir] = inherited[d]
            count_person(w, heir, 1)
            w.people.changed[heir] = ANYTHING
            for d in range(w.people.level.shape[0]):
                if w.people.help[d, heir] > 0 and not still_served(w, d, heir):
                    set_help(w, d, heir, 0)
        else:
            for j in range(first, last):
                if w.people.age[j] != EMPTY_AGE:
                    _empty(w, j)
                    w.tally.moved_out[w.people.quintile[j]] += 1
            w.dwellings.occupants[home] = 0


@kernel
def occupy(w: World, i: Int, age: int, band: int, female: int, resilience: float, trust: float) -> None:
    """Put a new person, without needs yet, into an empty slot. The caller counts the person with `count_person`.

    Parameters
    ----------
    w : World
        The world.
    i : int
        The empty slot.
    age : int
        Age, in years.
    band : int
        Age band of that age.
    female : int
        1 for sex recorded as female, else 0.
    resilience : float
        Resilience, log hazard units.
    trust : float
        Trust in services, 0 to 1.
    """
    w.people.age[i] = np.uint8(age)
    w.people.band[i] = np.uint8(band)
    w.people.female[i] = np.uint8(female)
    w.people.resilience[i] = np.float32(resilience)
    w.people.trust[i] = np.float32(trust)
    w.people.refused[i] = 0
    w.people.changed[i] = ANYTHING
    w.dwellings.occupants[w.people.dwelling[i]] += np.uint8(1)
    for d in range(w.people.level.shape[0]):
        w.people.level[d, i] = 0
        w.people.before[d, i] = 0
        w.people.help[d, i] = 0


# Policies for some people only: the groups of `sim.state.aim_groups`.

GROUP_COLUMNS = (
    "services.domain services.base_places services.bands people.age people.band people.neighbourhood people.help "
    "people.level people.dwelling dwellings.head rates.household aims.groups aims.group aims.offer aims.part"
)
"""Columns that `fund` and `set_group_parts` read."""


@kernel
def group_of(w: World, i: Int) -> Int:
    """Group of a person under targeted policies, by neighbourhood and age band.

    Parameters
    ----------
    w : World
        The world.
    i : int
        Slot of the person.

    Returns
    -------
    int
        Index of the group.
    """
    return np.int64(w.aims.group[w.people.neighbourhood[i], w.people.band[i]])


@kernel
def still_asks(w: World, s: Int, i: Int, u: float) -> bool:
    """Test whether a person who would ask a service for help still asks under targeted policies.

    Parameters
    ----------
    w : World
        The world.
    s, i : int
        Service, and slot of the person.
    u : float
        A draw from 0 to 1, compared with the group's share of people who still ask.

    Returns
    -------
    bool
    """
    if w.aims.groups[0] == 0:
        return True
    g = group_of(w, i)
    asks: bool = w.aims.offer[g, s] > 0.0 and u < w.aims.ask[g, s]
    return asks


@kernel
def refused_share(w: World, s: Int, i: Int) -> float:
    """Share of requests from the person's group that a service refuses; with targeted policies at most `most_refused`.

    Parameters
    ----------
    w : World
        The world.
    s, i : int
        Service, and slot of the person.

    Returns
    -------
    float
    """
    share: float = w.services.refused[s]
    if w.aims.groups[0] > 0:
        share = min(w.rules.most_refused[0], max(0.0, share + w.aims.refuse[group_of(w, i), s]))
    return share


@kernel
def is_split(w: World, s: Int) -> bool:
    """Test whether a service offers different amounts to different groups.

    Parameters
    ----------
    w : World
        The world.
    s : int
        The service.

    Returns
    -------
    bool
    """
    differ = False
    for g in range(1, w.aims.groups[0]):
        differ = differ or w.aims.offer[g, s] != w.aims.offer[0, s]
    return differ


@kernel
def total_offer(w: World, s: Int) -> float:
    """Offer of a service to all groups together, relative to the offer before any targeted policy.

    Parameters
    ----------
    w : World
        The world.
    s : int
        The service.

    Returns
    -------
    float
        1 = unchanged.
    """
    total = 0.0
    for g in range(w.aims.groups[0]):
        total += w.aims.part[g, s] * w.aims.offer[g, s]
    return total


@kernel
def set_group_parts(w: World, s: Int) -> None:
    """Store each group's part of a service, once, when the first targeted policy begins.

    Parameters
    ----------
    w : World
        The world.
    s : int
        The service.

    Notes ----- The part is a group's share of the people helped or waiting; for services without a register of people,
    of the people with serious need or a crisis in the domain. One person's worth of the service is divided by the sizes
    of the groups.
    """
    aims, people, services = w.aims, w.people, w.services
    if aims.part[:, s].sum() > 0.0:
        return
    groups = aims.groups[0]
    known, heads, served = np.zeros(groups), np.zeros(groups), np.zeros(groups)
    d = services.domain[s]
    by_name = services.base_places[s] > 0.0
    for i in range(people.age.size):
        if people.age[i] == EMPTY_AGE:
            continue
        g = group_of(w, i)
        heads[g] += 1.0
        if services.bands[s, people.band[i]] == 1:
            served[g] += 1.0
            code = np.int64(people.help[d, i])
            if by_name:
                known[g] += np.float64(code == 1 + s or code == WAITING + s)
            elif people.level[d, i] >= 2 and counted(w, d, i):
                known[g] += 1.0
    for g in range(groups):
        aims.heads[g] = heads[g]
        aims.part[g, s] = (known[g] + served[g] / max(1.0, served.sum())) / (known.sum() + 1.0)


@kernel
def fund(w: World, path: np.ndarray, month: Int, s: Int) -> None:
    """Multiply the budget line of a service by the values of a lever, group by group.

    Parameters
    ----------
    w : World
        The world.
    path : ndarray of float64, shape (months, groups * services)
        Value of the lever by month and column; the columns of a group are consecutive, one for each service.
    month : int
        Month of the run, counted from 0.
    s : int
        The service.

    Notes
    -----
    If all groups have the same value, the line is multiplied by it. Otherwise each group has its part of the money.
    """
    aims, services = w.aims, w.services
    n = services.domain.size
    common_value = path[month, s]
    alike = True
    for g in range(1, aims.groups[0]):
        alike = alike and path[month, g * n + s] == common_value
    if alike:
        services.granted[s] *= common_value
        return
    set_group_parts(w, s)
    before = total_offer(w, s)
    common = common_value if common_value > 0.0 else 1.0
    for g in range(aims.groups[0]):
        aims.offer[g, s] *= path[month, g * n + s] / common
    services.granted[s] *= common * total_offer(w, s) / before if before > 0.0 else common_value


@kernel
def offer_to(w: World, s: Int, n: Int, b: Int) -> float:
    """Offer of a service to an age band of a neighbourhood, relative to the place as a whole.

    Parameters
    ----------
    w : World
        The world.
    s, n, b : int
        Service, neighbourhood and age band.

    Returns
    -------
    float
        1 = as in the place.
    """
    if not is_split(w, s):
        return 1.0
    offer: float = w.aims.offer[w.aims.group[n, b], s] / max(1e-9, total_offer(w, s))
    return offer


@kernel
def offer_in(w: World, s: Int, n: Int) -> float:
    """Offer of a service in a neighbourhood, relative to the place as a whole; age bands have equal weights.

    Parameters
    ----------
    w : World
        The world.
    s, n : int
        Service and neighbourhood.

    Returns
    -------
    float
        1 = as in the place.
    """
    if not is_split(w, s):
        return 1.0
    total = 0.0
    for b in range(w.aims.group.shape[1]):
        total += w.aims.offer[w.aims.group[n, b], s]
    relative: float = total / w.aims.group.shape[1] / max(1e-9, total_offer(w, s))
    return relative
