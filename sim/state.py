"""The shared columns: what people, dwellings, ties, neighbourhoods, services and money consist of.

Mechanisms meet here and nowhere else. Axes: person (slots; an empty slot has age 255), domain, service, silo (budget
holder), neighbourhood, level (0 well, 1 emerging, 2 serious, 3 crisis), quintile (0 = most deprived), band (age).
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, get_type_hints

import numpy.typing as npt

from sim.engine.columns import Column, handle_maker

A = npt.NDArray[Any]

NOBODY = 255
"""The age of an empty slot."""
WAITING = 128
"""`help` holds 0 for no help, 1 + service while helped, 128 + service while waiting."""


def _c(dtype: str, axes: str, unit: str, meaning: str) -> Any:
    return Column(dtype, tuple(axes.split()), unit, meaning)


USUAL_TRUST = 0.6
"""Trust at which people ask for help at the usual rate: the zero of its scale, so to say. Calibration absorbs it."""


class People(NamedTuple):
    """One row a slot; the slots of a dwelling are consecutive, the dwellings of a neighbourhood too."""

    age: Annotated[A, _c("u1", "person", "years", "age at last birthday, 255 for an empty slot")]
    band: Annotated[A, _c("u1", "person", "index", "age band")]
    quintile: Annotated[A, _c("u1", "person", "index", "deprivation fifth of the neighbourhood, 0 = most deprived")]
    female: Annotated[A, _c("u1", "person", "0 or 1", "sex recorded as female")]
    neighbourhood: Annotated[A, _c("u4", "person", "index", "neighbourhood of the slot")]
    dwelling: Annotated[A, _c("u4", "person", "index", "dwelling of the slot")]
    level: Annotated[A, _c("u1", "domain person", "0-3", "level of need")]
    before: Annotated[A, _c("u1", "domain person", "0-3", "level of need at the start of the month")]
    worst: Annotated[A, _c("u1", "person", "0-3", "highest level over the domains at the start of the month")]
    help: Annotated[A, _c("u1", "domain person", "code", "no help, helped by, or waiting for a service")]
    resilience: Annotated[A, _c("f4", "person", "log hazard units", "resilience, 0 = its set-point")]
    trust: Annotated[A, _c("f4", "person", "0-1", "trust in services")]
    changed: Annotated[A, _c("u1", "person", "0 or 1", "something of the person changed: bounds are due")]
    up_bound: Annotated[A, _c("u2", "domain person", "2^-16", "no draw above this can make need worse")]
    down_bound: Annotated[A, _c("u2", "domain person", "2^-16", "no draw below its complement can make need better")]
    ask_bound: Annotated[A, _c("u2", "domain person", "2^-16", "no draw further above one half is a help event")]
    death_bound: Annotated[A, _c("u2", "person", "2^-16", "no draw above this is a death")]
    birth_bound: Annotated[A, _c("u2", "person", "2^-16", "no draw below its complement is a birth")]
    door_bound: Annotated[A, _c("u2", "door person", "2^-16", "no draw above this is an attendance")]
    support: Annotated[A, _c("f4", "person", "0-1", "support when last surveyed")]


class Dwellings(NamedTuple):
    """Homes: consecutive slots, of which some are taken."""

    first: Annotated[A, _c("u4", "dwelling_edge", "slot", "first slot; the next dwelling's first ends it")]
    head: Annotated[A, _c("u4", "dwelling", "slot", "the household's reference person")]
    occupants: Annotated[A, _c("u1", "dwelling", "persons", "people living there")]
    donor_ages: Annotated[A, _c("u1", "dwelling place_in_home", "years", "ages of the first household, 255 for none")]


class Ties(NamedTuple):
    """Friends, neighbours and kin outside the home; those of slot i are to[start[i]:start[i + 1]]."""

    start: Annotated[A, _c("u4", "person_edge", "index", "where a slot's ties begin")]
    to: Annotated[A, _c("u4", "tie", "slot", "the other end")]


class Places(NamedTuple):
    """Neighbourhoods."""

    first: Annotated[A, _c("u4", "neighbourhood_edge", "slot", "first slot; the next one's first ends it")]
    first_dwelling: Annotated[A, _c("u4", "neighbourhood_edge", "dwelling", "first dwelling")]
    quintile: Annotated[A, _c("u1", "neighbourhood", "index", "deprivation fifth, 0 = most deprived")]
    energy: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "energy of community groups")]
    weight: Annotated[A, _c("f8", "neighbourhood", "1 = per head", "share of places offered, relative to people")]
    age_mix: Annotated[A, _c("f8", "quintile band", "people", "the age mix that moves keep to")]
    practice: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "how relational services' practice is")]


class Services(NamedTuple):
    """One entry a service: constants of the catalogue first, then what changes."""

    domain: Annotated[A, _c("i8", "service", "index", "domain served")]
    tier: Annotated[A, _c("i8", "service", "index", "0 preventive, 1 responsive, 2 acute, 3 community")]
    silo: Annotated[A, _c("i8", "service", "index", "who pays")]
    statutory: Annotated[A, _c("u1", "service", "0 or 1", "a legal duty")]
    serves: Annotated[A, _c("u1", "service level", "0 or 1", "levels helped")]
    bands: Annotated[A, _c("u1", "service band", "0 or 1", "age bands served")]
    crisis_share: Annotated[A, _c("f8", "service band", "share", "part of the domain's crises that opens here")]
    end: Annotated[A, _c("f8", "service", "per month", "probability that help ends for another reason than recovery")]
    give_up: Annotated[A, _c("f8", "service", "per month", "probability that somebody waiting gives up")]
    protection: Annotated[A, _c("f8", "service", "share", "cut in the hazard of worsening while helped")]
    recovery: Annotated[A, _c("f8", "service", "multiplier", "on the hazard of improving while helped")]
    flow: Annotated[A, _c("f8", "service", "per month", "starts a month for each place at baseline")]
    case_cost: Annotated[A, _c("f8", "service", "pounds a month", "cost of one case's capacity for a month")]
    episode_cost: Annotated[A, _c("f8", "service", "pounds", "cost of opening an acute episode, first month included")]
    month_cost: Annotated[A, _c("f8", "service", "pounds", "cost of each further month of an acute episode")]
    premium: Annotated[A, _c("f8", "service", "share", "extra cost per unit of overload")]
    harm: Annotated[A, _c("f8", "service", "share", "extra scar per unit of overload")]
    hire_months: Annotated[A, _c("f8", "service", "months", "time to fill a new post")]
    turnover: Annotated[A, _c("f8", "service", "per month", "share of staff that leaves")]
    refused_base: Annotated[A, _c("f8", "service", "share", "share of askers turned away at baseline")]
    wait_base: Annotated[A, _c("f8", "service", "months", "mean wait at baseline")]
    base_budget: Annotated[A, _c("f8", "service", "pounds a year", "budget line at baseline")]
    base_places: Annotated[A, _c("f8", "service", "cases", "people who can be helped at once at baseline")]
    base_load: Annotated[A, _c("f8", "service", "share", "acute demand over capacity at baseline")]
    base_demand: Annotated[A, _c("f8", "service", "pounds a month", "acute cost at baseline")]
    granted: Annotated[A, _c("f8", "service", "pounds a year", "money that comes in for the service")]
    plan: Annotated[A, _c("f8", "service", "pounds a year", "what it may spend: granted, less debts, plus savings")]
    posts: Annotated[A, _c("f8", "service", "1 = baseline", "staff in post, relative to the baseline")]
    places: Annotated[A, _c("f8", "service", "cases", "people who can be helped at once now")]
    pressure: Annotated[A, _c("f8", "service", "multiplier", "on refusals, by the queue")]
    refused: Annotated[A, _c("f8", "service", "share", "share of askers turned away now")]
    quality: Annotated[A, _c("f8", "service", "1 = baseline", "effect of an hour of help")]
    wait: Annotated[A, _c("f8", "service", "months", "smoothed mean wait")]
    load: Annotated[A, _c("f8", "service", "share", "smoothed acute demand over capacity")]
    overload: Annotated[A, _c("f8", "service", "share", "how far load exceeds 1")]
    helped: Annotated[A, _c("i8", "service", "persons", "people being helped")]
    queue: Annotated[A, _c("i8", "service", "persons", "people waiting")]
    leaving: Annotated[A, _c("f8", "service", "per month", "probability that a worker leaves")]
    vacancy: Annotated[A, _c("f8", "service", "share", "wanted posts that nobody fills")]
    burnout: Annotated[A, _c("f8", "service", "share", "staff who are burnt out")]
    hours: Annotated[A, _c("f8", "service", "1 = baseline", "productive hours for each person helped")]


class Rates(NamedTuple):
    """Monthly probabilities solved by calibration, and constants of the domains. Read only while a run goes on."""

    up: Annotated[A, _c("f8", "domain level band quintile", "per month", "getting one level worse, modifiers at 1")]
    down: Annotated[A, _c("f8", "domain level band", "per month", "getting one level better, without help")]
    ask: Annotated[A, _c("f8", "service", "per month", "asking a service while in need and without help")]
    asks: Annotated[A, _c("f8", "domain level band", "per month", "asking any service: the sum of `ask`")]
    omega: Annotated[A, _c("f8", "domain domain", "per level", "how the second's level raises the first's hazard")]
    household: Annotated[A, _c("u1", "domain", "0 or 1", "the level belongs to the household")]
    donor_level: Annotated[A, _c("u1", "donor domain", "0-3", "needs of people of the settled baseline, to copy")]
    donor_resilience: Annotated[A, _c("f4", "donor", "log hazard units", "their resilience")]
    donor_trust: Annotated[A, _c("f4", "donor", "0-1", "their trust")]
    donor_range: Annotated[A, _c("i8", "role level band quintile edge", "row", "first and last + 1 donor of a kind")]
    resilience: Annotated[A, _c("f8", "band quintile", "log hazard units", "mean resilience, given to the newborn")]
    trust: Annotated[A, _c("f8", "band quintile", "0-1", "mean trust, given to the newborn")]
    death: Annotated[A, _c("f8", "age quintile", "per month", "dying, level multipliers at 1")]
    door: Annotated[A, _c("i8", "door", "service", "services that anybody may walk into")]
    walk_in: Annotated[A, _c("f8", "door band quintile", "per month", "attending without a crisis, need being helped")]
    knock: Annotated[A, _c("f8", "door domain", "per month", "extra attendances with serious need nobody helps")]
    crisis_arrives: Annotated[A, _c("f8", "door domain", "share", "crises that come through this door too")]
    cared: Annotated[A, _c("u1", "domain", "0 or 1", "adults at home look after serious need")]


class Tally(NamedTuple):
    """What a month counts. `census`, `helped`, `unmet` are stocks kept up to date; the rest starts at 0 each month."""

    census: Annotated[
        A, _c("i4", "domain level quintile band", "persons", "people at each level (heads, if household)")
    ]
    helped: Annotated[A, _c("i4", "service quintile", "persons", "people being helped")]
    waiting: Annotated[A, _c("i4", "service quintile", "persons", "people waiting")]
    unmet: Annotated[A, _c("i4", "domain quintile band", "persons", "people with serious need whom nobody helps")]
    people: Annotated[A, _c("i4", "quintile band", "persons", "people alive and living here")]
    opened: Annotated[A, _c("i4", "service quintile band", "episodes", "acute episodes opened")]
    opened_in: Annotated[A, _c("i4", "service neighbourhood", "episodes", "acute episodes opened, by neighbourhood")]
    asked: Annotated[A, _c("i4", "service quintile", "requests", "requests for help")]
    turned_away: Annotated[A, _c("i4", "service quintile", "requests", "requests refused")]
    gave_up: Annotated[A, _c("i4", "service quintile", "persons", "people who stopped waiting")]
    started: Annotated[A, _c("i4", "service quintile", "persons", "people whose help began")]
    ended: Annotated[A, _c("i4", "service quintile", "persons", "people whose help ended")]
    born: Annotated[A, _c("i4", "quintile", "persons", "births")]
    died: Annotated[A, _c("i4", "quintile band", "persons", "deaths")]
    moved_in: Annotated[A, _c("i4", "quintile", "persons", "people who moved in")]
    moved_out: Annotated[A, _c("i4", "quintile", "persons", "people who moved out")]
    delayed: Annotated[A, _c("i4", "quintile band", "persons", "in a hospital bed only because care is not there")]
    repeated: Annotated[
        A, _c("i4", "service quintile", "requests", "by those turned away, or who gave up, within a year")
    ]
    opened_age: Annotated[A, _c("i4", "service child_age quintile", "episodes", "opened by children, by year of age")]
    residents: Annotated[A, _c("i4", "neighbourhood", "persons", "people surveyed, a twelfth of all each month")]
    children: Annotated[A, _c("i4", "child_age quintile", "persons", "children among them, by year of age")]
    surveyed: Annotated[A, _c("i4", "quintile band", "persons", "adults of 16 and over among them")]
    lonely: Annotated[A, _c("f8", "quintile band", "persons", "adults surveyed lonely often or always, as expected")]
    trusting: Annotated[A, _c("f8", "quintile band", "0-1, summed", "trust of the adults surveyed")]
    resilient: Annotated[A, _c("f8", "quintile band", "log hazard units, summed", "resilience of the adults surveyed")]
    members: Annotated[A, _c("i4", "quintile band", "persons", "adults surveyed who take part in a group")]
    carers: Annotated[A, _c("i4", "quintile band", "persons", "adults surveyed who look after somebody at home")]
    carer_hours: Annotated[A, _c("f8", "quintile band", "hours a week, summed", "what those carers give")]


class Screen(NamedTuple):
    """This month's few candidates: people whose draw may mean something."""

    row: Annotated[A, _c("u4", "domain person", "slot", "candidates of a domain, in order")]
    draw: Annotated[A, _c("u4", "domain person", "2^-32", "their draw")]
    count: Annotated[A, _c("i8", "domain", "candidates", "how many")]  # type: ignore[assignment]  # hides tuple.count
    bits: Annotated[A, _c("u4", "person", "2^-32", "scratch: the draws of one domain")]
    marks: Annotated[A, _c("u1", "person", "0 or 1", "scratch: candidates of one domain")]
    found_row: Annotated[A, _c("u4", "person", "slot", "scratch: who else may be concerned")]
    found_draw: Annotated[A, _c("u4", "person", "2^-32", "scratch: their draw")]
    event_row: Annotated[A, _c("u4", "event", "slot", "whose need changed this month")]
    event_domain: Annotated[A, _c("u1", "event", "index", "in which domain")]
    event_to: Annotated[A, _c("u1", "event", "0-3", "to which level")]
    events: Annotated[A, _c("i8", "one", "events", "how many")]
    renew: Annotated[A, _c("u4", "person", "slot", "people whose bounds are due")]
    renewals: Annotated[A, _c("i8", "one", "persons", "how many")]
    support: Annotated[A, _c("f4", "domain person", "0-1", "support of those whose need may worsen")]


class Money(NamedTuple):
    """Pence, whole ones. Monthly flows by service; the account of each silo."""

    funding: Annotated[A, _c("i8", "service", "pence", "money that came in for the service this month")]
    spent: Annotated[A, _c("i8", "service", "pence", "money that went out this month")]
    carried: Annotated[A, _c("i8", "silo", "pence", "what the silo has left, or owes, after this month")]
    bailed_out: Annotated[A, _c("i8", "silo", "pence", "paid in by the centre this month to cover an overspend")]
    clawed_back: Annotated[A, _c("i8", "silo", "pence", "taken by the centre this month out of a saving")]
    reinvested: Annotated[A, _c("i8", "silo", "pence", "saving kept this month for prevention in the year ahead")]
    shift: Annotated[A, _c("f8", "silo", "pounds a year", "added to (or taken from) prevention this year")]
    kappa: Annotated[A, _c("f8", "silo", "share", "part of an overspend that next year's prevention bears")]
    rho: Annotated[A, _c("f8", "silo", "share", "part of a saving that is kept and reinvested")]


class World(NamedTuple):
    """Everything that a month reads and writes."""

    people: People
    dwellings: Dwellings
    ties: Ties
    places: Places
    services: Services
    rates: Rates
    tally: Tally
    screen: Screen
    money: Money


TABLES: dict[str, type] = get_type_hints(World)

PREVENTIVE, RESPONSIVE, ACUTE, COMMUNITY = 0, 1, 2, 3
CHILD_AGES = 18
"""Years of age, from 0, by which children's acute episodes are counted."""
SILOS: tuple[str, ...] = ("nhs", "adult_care", "children", "housing_welfare", "police")

handle = handle_maker(World)
"""From a world to what its kernels are given: the same memory, behind one pointer."""
