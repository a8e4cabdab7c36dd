"""The shared columns: what people, dwellings, ties, neighbourhoods, services and money consist of.

Mechanisms meet here and nowhere else. Axes: person (slots; an empty slot has age 255), domain, service, silo (budget
holder), neighbourhood, level (0 well, 1 emerging, 2 serious, 3 crisis), quintile (0 = most deprived), band (age).
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, get_type_hints

import numpy.typing as npt

from sim.engine.tables import Column, handle_maker

A = npt.NDArray[Any]

EMPTY_SLOT = 255
"""The age of an empty slot."""
WAITING = 128
"""`help` holds 0 for no help, 1 + service while helped, 128 + service while waiting."""


def _c(dtype: str, axes: str, unit: str, meaning: str) -> Any:
    return Column(dtype, tuple(axes.split()), unit, meaning)


HELP_ONLY, RESILIENCE_ONLY, TRUST_ONLY, LEVEL, ANYTHING = 31, 32, 64, 128, 255
"""Bits of `changed`: help, or a level that fell, in one of the first five domains (a bit each), resilience lower, trust
higher, a level that rose (with the domain's own bit); all of them."""
GONE = 4
"""The bit of `worst` that says that nobody is there."""
REFERENCE_TRUST = 0.6
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
    worst: Annotated[
        A,
        _c("u1", "person", "0-3, +4", "highest level over the domains at the start of the month; 4 more: nobody there"),
    ]
    worst_next: Annotated[A, _c("u1", "person", "0-3, +4", "the same as this month leaves it, for the next")]
    help: Annotated[A, _c("u1", "domain person", "code", "no help, helped by, or waiting for a service")]
    resilience: Annotated[A, _c("f4", "person", "log hazard units", "resilience, 0 = its set-point")]
    trust: Annotated[A, _c("f4", "person", "0-1", "trust in services")]
    changed: Annotated[A, _c("u1", "person", "bits", "what of the person changed, so that bounds are due")]
    up_bound: Annotated[A, _c("u1", "domain person", "bound", "no draw above this can make need worse")]
    down_bound: Annotated[A, _c("u1", "domain person", "bound", "no draw below its complement can make need better")]
    ask_bound: Annotated[A, _c("u1", "domain person", "bound", "no draw further above one half is a help event")]
    death_bound: Annotated[A, _c("u1", "person", "bound", "no draw above this is a death")]
    birth_bound: Annotated[A, _c("u1", "person", "bound", "no draw below its complement is a birth")]
    door_bound: Annotated[A, _c("u1", "door person", "bound", "no draw above this is an attendance")]
    refused: Annotated[A, _c("u1", "person", "bits", "domains in which the last request came to nothing")]


class Dwellings(NamedTuple):
    """Homes: consecutive slots, of which some are taken."""

    first: Annotated[A, _c("u4", "dwelling_edge", "slot", "first slot; the next dwelling's first ends it")]
    head: Annotated[A, _c("u4", "dwelling", "slot", "the household's reference person")]
    occupants: Annotated[A, _c("u1", "dwelling", "persons", "people living there")]
    donor_ages: Annotated[A, _c("u1", "dwelling place_in_home", "years", "ages of the first household, 255 for none")]


class TieLists(NamedTuple):
    """Friends, neighbours and kin outside the home; those of slot i are to[start[i]:start[i + 1]]."""

    start: Annotated[A, _c("u4", "person_edge", "index", "where a slot's ties begin")]
    to: Annotated[A, _c("u4", "tie", "slot", "the other end")]


class NeighbourhoodState(NamedTuple):
    """Neighbourhoods."""

    first: Annotated[A, _c("u4", "neighbourhood_edge", "slot", "first slot; the next one's first ends it")]
    first_dwelling: Annotated[A, _c("u4", "neighbourhood_edge", "dwelling", "first dwelling")]
    quintile: Annotated[A, _c("u1", "neighbourhood", "index", "deprivation fifth, 0 = most deprived")]
    energy: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "energy of community groups")]
    weight: Annotated[A, _c("f8", "neighbourhood", "1 = per head", "share of places offered, relative to people")]
    exposure: Annotated[A, _c("f8", "domain neighbourhood", "1 = baseline", "multiplies the hazard of getting worse")]
    exposure_top: Annotated[A, _c("f8", "domain neighbourhood", "1 = baseline", "exposure that bounds allow for")]
    practice: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "quality of practice: multiplies effects of help")]
    practice_low: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "least practice times fit in bounds")]
    practice_high: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "most practice times fit in bounds")]
    outreach: Annotated[A, _c("f8", "neighbourhood", "per month", "need that nobody helps is looked for, and found")]
    outreach_top: Annotated[A, _c("f8", "neighbourhood", "per month", "outreach that bounds allow for")]
    nurture: Annotated[
        A, _c("f8", "band neighbourhood", "log hazard a year", "resilience given to children, beyond baseline")
    ]
    infants: Annotated[A, _c("f8", "neighbourhood", "share", "ill infants sent to hospital beyond the baseline")]
    infants_top: Annotated[A, _c("f8", "neighbourhood", "share", "as much of it as bounds allow for")]
    age_mix: Annotated[A, _c("f8", "quintile band", "people", "the age mix that moves keep to")]
    full: Annotated[A, _c("f8", "quintile band", "share", "people here over the age mix, at the start of the month")]
    full_in_all: Annotated[A, _c("f8", "quintile", "share", "the same over all ages")]
    code: Annotated[A, _c("u4", "neighbourhood", "number", "CRC-32 of the name: the same in every run of the place")]
    fit: Annotated[
        A, _c("f8", "neighbourhood", "1 = baseline", "multiplies what help does: how well it suits the place")
    ]
    grown: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "groups that people have built up themselves")]
    commissioned: Annotated[A, _c("f8", "neighbourhood", "1 = baseline groups", "groups that a contract keeps going")]
    aid: Annotated[A, _c("f8", "neighbourhood", "1 = baseline groups", "mutual aid that a shock called up")]
    leaders: Annotated[A, _c("f8", "neighbourhood", "persons", "people who keep groups going")]
    led: Annotated[A, _c("f8", "neighbourhood", "share", "smoothed leaders over their usual number, less 1")]
    knowhow: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "what groups remember of how it is done")]
    fullness: Annotated[A, _c("f8", "one", "share", "people sent to groups over the room that groups have")]
    recovered: Annotated[
        A, _c("f8", "neighbourhood", "persons", "people who left serious mental or family need this month")
    ]
    peers: Annotated[A, _c("f8", "neighbourhood", "persons", "recovered people who support others")]
    legitimacy: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "belief that services answer to people")]
    base_mix: Annotated[A, _c("f8", "quintile band", "people", "the age mix at baseline")]
    queue_row: Annotated[A, _c("u4", "queue", "slot", "who waits, by neighbourhood and domain")]
    queue_what: Annotated[A, _c("u1", "queue", "service, +128", "what for; 128 more: with serious need")]
    queue_race: Annotated[A, _c("f8", "queue", "number", "over their weight, their turn in this month's lottery")]
    queued: Annotated[A, _c("i8", "neighbourhood", "persons", "how many, some perhaps more than are listed")]
    leader: Annotated[A, _c("u1", "neighbourhood", "0 or 1", "somebody leads the learning here")]
    spine: Annotated[A, _c("f8", "neighbourhood", "0-1", "how far places learn from one another")]


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
    posts: Annotated[A, _c("f8", "service", "1 = baseline", "staff at work, agency staff among them")]
    places: Annotated[A, _c("f8", "service", "cases", "people who can be helped at once now")]
    spare: Annotated[A, _c("f8", "service", "cases", "places neither taken nor waited for at the month's start")]
    pressure: Annotated[A, _c("f8", "service", "multiplier", "on refusals, by the queue")]
    refused: Annotated[A, _c("f8", "service", "share", "share of askers turned away now")]
    quality: Annotated[A, _c("f8", "service", "1 = baseline", "effect of an hour of help")]
    wait: Annotated[A, _c("f8", "service", "months", "smoothed mean wait")]
    load: Annotated[A, _c("f8", "service", "share", "smoothed acute demand over capacity")]
    overload: Annotated[A, _c("f8", "service", "share", "how far load exceeds 1")]
    helped: Annotated[A, _c("i8", "service", "persons", "people being helped")]
    queue: Annotated[A, _c("i8", "service", "persons", "people waiting")]
    called: Annotated[A, _c("i8", "service group", "persons", "of those who wait, how many can begin this month")]
    last_turn: Annotated[A, _c("u8", "service group", "turn", "the first turn in the lottery that is not called")]
    last_row: Annotated[A, _c("u4", "service group", "slot", "if some of that turn are: the first slot that is not")]
    quality_low: Annotated[A, _c("f8", "service", "1 = baseline", "least quality that bounds allow for")]
    quality_high: Annotated[A, _c("f8", "service", "1 = baseline", "most quality that bounds allow for")]
    childhood: Annotated[A, _c("f8", "service", "log hazard a year", "resilience it gives the children of the place")]
    signpost: Annotated[A, _c("f8", "service", "share", "more ill infants sent to hospital, per unit of coverage")]
    instead: Annotated[A, _c("i8", "service", "service", "the acute service that it is an alternative to, or -1")]
    scar: Annotated[A, _c("f8", "service", "multiplier", "on the scar that a crisis leaves")]
    exposure: Annotated[A, _c("f8", "service domain", "log hazard", "what doubling its posts adds for everybody")]
    knowhow: Annotated[A, _c("f8", "service", "1 = baseline", "what its staff know of work that was once closed")]
    micro: Annotated[A, _c("f8", "service", "share of places", "places of micro-enterprises, beside the service's own")]
    settled: Annotated[A, _c("f8", "service", "pounds a year", "granted money that the service has got used to")]
    cost_gap: Annotated[A, _c("f8", "service", "pence a month", "smoothed acute cost less its baseline")]
    workers: Annotated[A, _c("f8", "service", "persons", "full-time workers at baseline")]
    admin_base: Annotated[A, _c("f8", "service", "share", "working time that administration takes at baseline")]
    vacancy_base: Annotated[A, _c("f8", "service", "share", "posts vacant at baseline")]
    caseload: Annotated[A, _c("f8", "service", "1 = baseline", "cases a worker is given")]
    admin_share: Annotated[A, _c("f8", "service", "1 = baseline", "administration asked of staff")]
    automation: Annotated[A, _c("f8", "service", "share", "routine administration automated, time kept for people")]
    automation_saving: Annotated[A, _c("f8", "service", "share", "the same, but posts are closed for it")]
    pay: Annotated[A, _c("f8", "service", "1 = baseline", "pay")]
    training: Annotated[A, _c("f8", "service", "share", "working time in training beyond the baseline's")]
    autonomy: Annotated[A, _c("f8", "service", "0-1", "how far those who do the work decide how")]
    targets: Annotated[A, _c("f8", "service", "0-1", "how far the work is steered by targets from above")]
    feedback: Annotated[A, _c("f8", "service", "0-1", "how far the work answers to what the people helped say")]
    continuity: Annotated[A, _c("f8", "service", "1 = baseline", "how far one meets the same worker again")]
    lay_staff: Annotated[A, _c("f8", "service", "per worker", "lay helpers wanted beside each paid worker")]
    coproduction: Annotated[A, _c("f8", "service", "share", "people offered a say in what help they get")]
    contract_length: Annotated[A, _c("f8", "service", "years", "years for which the work is specified")]
    providers: Annotated[A, _c("f8", "service", "1 = baseline", "organisations that share the work")]
    hiring_inflow: Annotated[A, _c("f8", "service", "1 = baseline", "people to be found for vacant posts")]
    response: Annotated[A, _c("f8", "service", "1 = baseline", "rules and checks added after an incident")]
    usual_asked: Annotated[A, _c("f8", "service", "requests", "requests a month before the first reported one")]
    usual_helped: Annotated[A, _c("f8", "service", "persons", "people helped before the first reported month")]
    usual_crises: Annotated[A, _c("f8", "service", "episodes", "acute episodes a month before the first reported one")]
    asking: Annotated[A, _c("f8", "service", "1 = usual", "smoothed requests, each of them to be assessed")]
    compliance: Annotated[A, _c("f8", "service", "1 = baseline", "rules and checks left by incidents")]
    upheaval: Annotated[A, _c("f8", "service", "share", "working time lost to a restructuring")]
    admin: Annotated[A, _c("f8", "service", "share", "working time that administration takes")]
    freed: Annotated[A, _c("f8", "service", "share", "working time freed by automation")]
    workload: Annotated[A, _c("f8", "service", "1 = baseline", "work for each worker hour")]
    burnout: Annotated[A, _c("f8", "service", "share", "staff who are burnt out")]
    usual_burnout: Annotated[A, _c("f8", "service", "share", "staff who are burnt out at baseline")]
    leaving: Annotated[A, _c("f8", "service", "per month", "share of staff that leaves")]
    vacancy: Annotated[A, _c("f8", "service", "share", "posts vacant")]
    establishment: Annotated[A, _c("f8", "service", "1 = baseline", "posts that are open, filled or not")]
    employed: Annotated[A, _c("f8", "service", "1 = baseline", "own staff in post")]
    agency: Annotated[A, _c("f8", "service", "1 = own staff at baseline", "agency staff beyond the baseline's")]
    paid: Annotated[A, _c("f8", "service", "1 = baseline", "what staff cost, agency and helpers among them")]
    lay: Annotated[A, _c("f8", "service", "per worker", "lay helpers at work beside each paid worker")]
    lay_share: Annotated[A, _c("f8", "service", "share", "part of working hours that lay helpers give")]
    coproduced: Annotated[A, _c("f8", "service", "share", "people who have a say in what help they get")]
    fit: Annotated[A, _c("f8", "service", "1 = baseline", "how well what is offered fits what is needed")]
    hours: Annotated[A, _c("f8", "service", "1 = baseline", "productive hours for each person helped")]
    belonging: Annotated[A, _c("f8", "service", "0-1", "how far staff from abroad are made to feel at home")]


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
    death_ahead: Annotated[A, _c("f8", "age quintile", "per month", "the most of it over some years from that age on")]
    door: Annotated[A, _c("i8", "door", "service", "services that anybody may walk into")]
    walk_in: Annotated[A, _c("f8", "door band quintile", "per month", "attending without a crisis, need being helped")]
    knock: Annotated[A, _c("f8", "door domain level", "per month", "extra attendances with need nobody helps")]
    walks_in: Annotated[A, _c("u1", "door band", "0 or 1", "somebody of the age may come through the door")]
    waits_for: Annotated[A, _c("i8", "domain", "domain", "whose serious need must be helped to leave, or -1")]
    asked_every: Annotated[A, _c("i8", "one", "years", "after which the survey asks the same person again")]
    informal: Annotated[A, _c("u1", "domain", "0 or 1", "people at home can do much of what is needed")]
    crisis_arrives: Annotated[A, _c("f8", "door domain", "share", "crises that come through this door too")]
    kind: Annotated[A, _c("i8", "domain", "code", "place of the domain in `KINDS`, -1 for another")]


class Counters(NamedTuple):
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
    surveyed: Annotated[
        A, _c("i4", "quintile band", "persons", "adults among them, or whom a sample of them stands for")
    ]
    lonely: Annotated[A, _c("i8", "quintile band", "2^-20 persons", "adults lonely often or always, as expected")]
    trusting: Annotated[A, _c("i8", "quintile band", "2^-20, summed", "trust of the adults surveyed")]
    resilient: Annotated[A, _c("i8", "quintile band", "2^-20 log hazard units, summed", "resilience of the same")]
    members: Annotated[A, _c("i4", "quintile band", "persons", "adults surveyed who take part in a group")]
    carers: Annotated[A, _c("i4", "quintile band", "persons", "adults surveyed who look after somebody at home")]
    carer_hours: Annotated[A, _c("i8", "quintile band", "2^-20 hours a week, summed", "what those carers give")]
    need_alone: Annotated[A, _c("i4", "domain", "persons", "surveyed with emerging or serious need and no other need")]
    need_several: Annotated[A, _c("i4", "domain", "persons", "surveyed with it and needs in two or more other domains")]
    eased_alone: Annotated[A, _c("i4", "domain", "persons", "whose need lessened, with no other need")]
    eased_several: Annotated[A, _c("i4", "domain", "persons", "whose need lessened, with two or more other needs")]


class PartBounds(NamedTuple):
    """The part of the place that a kernel works on: some neighbourhoods in a row, or all of them."""

    person: Annotated[A, _c("i8", "edge", "slot", "first slot, and the end")]
    dwelling: Annotated[A, _c("i8", "edge", "dwelling", "first dwelling, and the end")]
    neighbourhood: Annotated[A, _c("i8", "edge", "index", "first neighbourhood, and the end")]


class ThinningScratch(NamedTuple):
    """This month's few candidates of a part of the place: people whose draw may mean something. And its events."""

    worse_row: Annotated[A, _c("u4", "domain candidate", "slot", "whose need may get worse, in order")]
    worse: Annotated[A, _c("i8", "domain", "candidates", "how many")]
    better_row: Annotated[A, _c("u4", "domain candidate", "slot", "whose need may get better, in order")]
    better: Annotated[A, _c("i8", "domain", "candidates", "how many")]
    ask_row: Annotated[A, _c("u4", "domain candidate", "slot", "who may have a help event, in order")]
    asking: Annotated[A, _c("i8", "domain", "candidates", "how many")]
    tops: Annotated[A, _c("u2", "block", "2^-16", "scratch: the top half of draws")]
    marks: Annotated[A, _c("u1", "block", "0 or 1", "scratch: candidates among them")]
    found_row: Annotated[A, _c("u4", "candidate", "slot", "scratch: who may be concerned")]
    found_top: Annotated[A, _c("u2", "candidate", "2^-16", "scratch: the top half of their draw, or another note")]
    event_row: Annotated[A, _c("u4", "candidate", "slot", "whose need changed this month")]
    event_domain: Annotated[A, _c("u1", "candidate", "index", "in which domain")]
    event_to: Annotated[A, _c("u1", "candidate", "0-3", "to which level")]
    event_service: Annotated[A, _c("i1", "candidate", "service", "the acute service that took the crisis, or -1")]
    events: Annotated[A, _c("i8", "one", "events", "how many")]
    renew: Annotated[A, _c("u4", "candidate", "slot", "from the front: whose bounds are all due; from the back: some")]
    reason: Annotated[A, _c("u1", "candidate", "bits", "what of them changed")]
    renewals: Annotated[A, _c("i8", "one", "persons", "how many stand at the front")]
    amendments: Annotated[A, _c("i8", "one", "persons", "and how many at the back")]
    support: Annotated[A, _c("f4", "domain candidate", "0-1", "support of those whose need may worsen")]
    company: Annotated[A, _c("f4", "candidate", "0-1", "support of the adults surveyed, in order")]


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
    pooled: Annotated[A, _c("i8", "silo", "pence", "came from (or went to) other silos' accounts this month")]
    outlay: Annotated[A, _c("i8", "purpose", "pence", "new money paid this month for what no service does")]


class PolicySettings(NamedTuple):
    """What policies set beside budgets: written by levers, read by mechanisms. Shocks are told here too."""

    seeded: Annotated[A, _c("f8", "neighbourhood", "share", "community money given to grow groups, not to buy them")]
    organisers: Annotated[A, _c("f8", "neighbourhood", "per 10,000 people", "community organisers")]
    resident_control: Annotated[A, _c("f8", "neighbourhood", "share", "community money that residents decide on")]
    peer_support: Annotated[A, _c("f8", "neighbourhood", "share", "recovered people invited to support others")]
    mutual_aid: Annotated[A, _c("f8", "neighbourhood", "share", "streets whose mutual aid is nurtured")]
    volunteering_days: Annotated[A, _c("f8", "neighbourhood", "days a year", "paid time for volunteering")]
    air_and_activity: Annotated[A, _c("f8", "neighbourhood", "share", "of a programme for air, parks and activity")]
    housing_quality: Annotated[A, _c("f8", "neighbourhood", "share", "of a programme for warm, safe, secure homes")]
    job_security: Annotated[A, _c("f8", "neighbourhood", "share", "of a programme for secure work")]
    income_floor: Annotated[A, _c("f8", "neighbourhood", "pounds a week", "paid to every adult")]
    unemployment: Annotated[A, _c("f8", "neighbourhood", "points", "unemployment above the usual")]
    pandemic: Annotated[A, _c("f8", "neighbourhood", "share", "severity of a pandemic")]
    devolution: Annotated[A, _c("f8", "neighbourhood", "share", "decisions on the mix of services taken in the place")]
    voice: Annotated[A, _c("f8", "neighbourhood", "share", "decisions in which residents are heard")]
    micro_enterprise: Annotated[A, _c("f8", "one", "per 100,000 people", "catalysts of micro-enterprises")]
    pooling: Annotated[A, _c("f8", "one", "share", "overspends and savings shared over the silos")]
    ring_fence: Annotated[A, _c("f8", "one", "share", "part of prevention's baseline line that may not be cut")]
    attention: Annotated[A, _c("f8", "one", "gain", "money pulled to acute care by visible overload")]
    cashable: Annotated[A, _c("f8", "one", "share", "acute cost that follows demand")]
    restructuring: Annotated[A, _c("f8", "one", "per month", "force of a reorganisation going on")]
    joined_up: Annotated[A, _c("f8", "neighbourhood", "0-1", "hand-overs between services that nobody gets lost in")]
    claim_burden: Annotated[A, _c("f8", "neighbourhood", "1 = baseline", "what it takes to prove a claim")]
    digital: Annotated[A, _c("f8", "neighbourhood", "0-1", "asking that is only possible online")]
    digital_ties: Annotated[A, _c("f8", "neighbourhood", "ties", "ties kept up online, beyond the baseline")]
    time_to_care: Annotated[A, _c("f8", "neighbourhood", "0-1", "time freed to care for one's own")]
    alternatives: Annotated[A, _c("f8", "neighbourhood", "share", "crises met by an alternative to the usual service")]
    network_crisis: Annotated[
        A, _c("f8", "neighbourhood", "0-1", "crises in which a person's own network is brought in")
    ]
    schooling: Annotated[
        A, _c("f8", "neighbourhood", "log hazard a year", "resilience that schools give, beyond baseline")
    ]


class AimGroups(NamedTuple):
    """Policies for some people only. The people of a scenario with aimed policies fall into groups, by neighbourhood
    and age: group 0 is everybody for whom there is no policy of their own. Without such policies `groups` is 0."""

    groups: Annotated[A, _c("i8", "one", "groups", "how many groups policies tell apart, 0 for none")]
    group: Annotated[A, _c("u1", "neighbourhood band", "index", "the group of those who live there at that age")]
    heads: Annotated[A, _c("f8", "group", "persons", "people in the group when its policies began")]
    part: Annotated[A, _c("f8", "group service", "share", "part of a service that was the group's when policies began")]
    offer: Annotated[A, _c("f8", "group service", "1 = as others", "places kept for the group; 0 is closed to it")]
    refuse: Annotated[A, _c("f8", "group service", "share", "added to the share of the group's requests turned away")]
    ask: Annotated[A, _c("f8", "group service", "share", "of those in the group who would ask, who still do")]


class World(NamedTuple):
    """Everything that a month reads and writes."""

    people: People
    dwellings: Dwellings
    ties: TieLists
    places: NeighbourhoodState
    services: Services
    rates: Rates
    tally: Counters
    screen: ThinningScratch
    money: Money
    rules: PolicySettings
    aims: AimGroups
    part: PartBounds


TABLES: dict[str, type] = get_type_hints(World)

MOST_GROUPS = 16
"""Groups of people that the policies of one scenario can tell apart, those without a policy of their own among them."""
PREVENTIVE, RESPONSIVE, ACUTE, COMMUNITY = 0, 1, 2, 3
KINDS: tuple[str, ...] = ("physical_health", "mental_health", "care", "economic_security", "family_safety")
"""Domains that the world outside services is known to act on, by id; a place may have others, which it leaves alone."""
PHYSICAL, MENTAL, CARE, ECONOMIC, FAMILY = 0, 1, 2, 3, 4
PURPOSES: tuple[str, ...] = (
    "organisers",
    "resident_control",
    "peer_support",
    "micro_enterprise",
    "mutual_aid",
    "volunteering_days",
    "air_and_activity",
    "housing_quality",
    "job_security",
    "income_floor",
    "resident_voice",
    "joined_up",
    "outreach",
    "time_to_care",
    "digital_ties",
    "network_crisis",
    "schooling",
)
"""What new money may be paid for beside services: each the name of its lever."""
FINE = 2.0**20
"""Parts of one in which answers that are no whole numbers are added up."""
INFANT = 2
"""Children below this age are looked at in children's centres."""
CHILD_AGES = 18
"""Years of age, from 0, by which children's acute episodes are counted."""
SILOS: tuple[str, ...] = ("nhs", "adult_care", "children", "housing_welfare", "police")

handle = handle_maker(World)
"""From a world to what its kernels are given: the same memory, behind one pointer."""
