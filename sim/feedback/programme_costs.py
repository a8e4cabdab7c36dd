"""Programmes that no service delivers must be paid for too: each has a price, in new money.

Claim     outlay[purpose] = price * size of the programme, a month, in whole pence. New money comes in and goes out the
          same month: no silo's account changes. Prices a year, in base-year pounds. Schooling below 0 costs nothing.
Evidence  Organiser, catalyst: as a link worker, C12 [MiP], and costs on top of pay (assumed). Others: assumed.
Limits    Income for adults is paid gross: what comes back in tax or lower benefits is not counted.
"""

from __future__ import annotations

import math

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.world import World

ADULT = 4
"""First age band of adults, from 18."""


class ProgrammeCosts(Params):
    """Prices of programmes that no service delivers."""

    worker: float = number(
        45000.0,
        low=36000.0,
        high=60000.0,
        unit="pounds a year",
        price_year="2022-23",
        source="C12 [MiP]: 36,428 for a link worker; costs on top of pay assumed",
        meaning="an organiser or a community catalyst",
    )
    control: float = number(
        3.0,
        low=1.0,
        high=13.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed",
        meaning="residents deciding on all community money",
    )
    peers: float = number(
        1.5,
        low=0.5,
        high=4.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed",
        meaning="inviting and supporting peers",
    )
    micro: float = share(
        0.75, low=0.5, high=1.0, source="assumed", meaning="price of a micro-enterprise's place over that of a service"
    )
    nurture: float = number(
        1.0,
        low=0.3,
        high=3.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed",
        meaning="support for all mutual aid",
    )
    day: float = number(
        60.0,
        low=20.0,
        high=130.0,
        unit="pounds an adult a day",
        price_year="2023-24",
        source="assumed",
        meaning="a paid day of volunteering",
    )
    air: float = number(
        10.0,
        low=3.0,
        high=30.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed",
        meaning="a full programme for air, parks and activity",
    )
    homes: float = number(
        60.0,
        low=20.0,
        high=150.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed",
        meaning="a full programme for homes",
    )
    work: float = number(
        25.0,
        low=5.0,
        high=80.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed",
        meaning="a full programme for secure work",
    )
    voice: float = number(
        2.0,
        low=0.5,
        high=5.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed",
        meaning="hearing residents on all decisions",
    )
    key_worker: float = number(
        6.0,
        low=2.0,
        high=15.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed: one key worker (C12 [MiP], costs on top of pay assumed) for some 7,500 people",
        meaning="key workers for all hand-overs",
    )
    looking: float = number(
        60.0,
        low=20.0,
        high=150.0,
        unit="pounds a person a year per monthly probability",
        price_year="2023-24",
        source="assumed: 3 pounds a person for one in twenty found a month",
        meaning="looking for need before people ask",
    )
    leave: float = number(
        30.0,
        low=0.0,
        high=300.0,
        unit="pounds an adult a year",
        price_year="2023-24",
        source="assumed: carers' leave taken up by few; wages and output play no part",
        meaning="public cost of a full measure of time to care",
    )
    online: float = number(
        2.0,
        low=0.5,
        high=6.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed",
        meaning="one tie per person kept up online",
    )
    gathering: float = number(
        4.0,
        low=1.0,
        high=12.0,
        unit="pounds a person a year",
        price_year="2023-24",
        source="assumed",
        meaning="bringing in the person's own network in every crisis",
    )
    school: float = number(
        150.0,
        low=30.0,
        high=400.0,
        unit="pounds a child a year per 0.01 of resilience",
        price_year="2023-24",
        source="assumed",
        meaning="schools that build up children's resilience",
    )


@mechanism(
    Phase.ACCOUNTS,
    ProgrammeCosts,
    reads="tally.people places.first services.micro services.base_places services.case_cost rules.organisers "
    "rules.resident_control rules.peer_support rules.micro_enterprise rules.mutual_aid rules.volunteering_days "
    "rules.air_and_activity rules.housing_quality rules.job_security rules.income_floor rules.voice "
    "rules.joined_up rules.time_to_care rules.digital_ties rules.network_crisis rules.schooling "
    "places.outreach",
    writes="money.outlay",
)
@kernel
def charge_programmes(w: World, p: ProgrammeCosts, clock: Clock) -> None:
    rules, first = w.rules, w.places.first
    people, adults, pupils = 0.0, 0.0, 0.0
    for q in range(w.tally.people.shape[0]):
        for b in range(w.tally.people.shape[1]):
            people += w.tally.people[q, b]
            if b >= ADULT:
                adults += w.tally.people[q, b]
            elif b > 0:
                pupils += w.tally.people[q, b]
    pounds = np.zeros(w.money.outlay.size)
    n: Int
    for n in range(rules.organisers.size):
        # The share of the place's people who live in this neighbourhood.
        share_of_people = (float(first[n + 1]) - float(first[n])) / max(1.0, float(first[first.size - 1]))
        residents, local_adults = people * share_of_people, adults * share_of_people
        pounds[0] += p.worker * rules.organisers[n] * residents / 10000.0
        pounds[1] += p.control * rules.resident_control[n] * residents
        pounds[2] += p.peers * rules.peer_support[n] * residents
        pounds[4] += p.nurture * rules.mutual_aid[n] * residents
        pounds[5] += p.day * rules.volunteering_days[n] * local_adults
        pounds[6] += p.air * rules.air_and_activity[n] * residents
        pounds[7] += p.homes * rules.housing_quality[n] * residents
        pounds[8] += p.work * rules.job_security[n] * residents
        pounds[9] += 52.0 * rules.income_floor[n] * local_adults
        pounds[10] += p.voice * rules.voice[n] * residents
        pounds[11] += p.key_worker * rules.joined_up[n] * residents
        pounds[12] += p.looking * w.places.outreach[n] * residents
        pounds[13] += p.leave * rules.time_to_care[n] * local_adults
        pounds[14] += p.online * rules.digital_ties[n] * residents
        pounds[15] += p.gathering * rules.network_crisis[n] * residents
        pounds[16] += p.school * 100.0 * max(0.0, rules.schooling[n]) * pupils * share_of_people
    pounds[3] = p.worker * rules.micro_enterprise[0] * people / 100000.0
    for s in range(w.services.domain.size):
        pounds[3] += 12.0 * p.micro * w.services.micro[s] * w.services.base_places[s] * w.services.case_cost[s]
    for k in range(pounds.size):
        w.money.outlay[k] = np.int64(math.floor(pounds[k] / 12.0 * 100.0 + 0.5))
