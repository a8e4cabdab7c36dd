"""Community groups grow slowly where there is money and people for them, and decline faster when money ends.

Claim     Part of a place's community money is given to groups to grow (seeded); the rest buys groups (commissioned).
          Grown: dG/dt = (G* - G) * know-how / build if G < G*, (G* - G) / fade if G > G*, plus spread of the
          difference with each of the two adjacent neighbourhoods, less min(most_lost, setback * restructuring) * G;
          G >= 0. G* = (seeded money / baseline community money)^lean * (1 - crowd_out * min(1, C)) * (1 + time *
          volunteering days) * (1 + parks * programme for parks) * (1 + resident control * (gain + spread_of_fit * z)),
          z in (-1, 1) a chance effect of the neighbourhood that stays the same (-captors instead of gain +
          spread_of_fit * z where a few capture control) * (1 - burnout * strain / (1 + strain)), strain being fullness
          beyond 1 (networks/social_prescribing.py).
          Commissioned: dC/dt = (worth * commissioned money / baseline - C) / contract.
          Energy = saturated(G * (1 + by_leaders * led) + C + mutual aid). led is the smoothed number of leaders over
          their number at baseline, less 1; adjacent neighbourhoods even out `spread` of its difference, too. Leaders
          leave with probability 1 / tenure, and at most one a month arrives, with probability (baseline number /
          tenure) * max(0, 1 + welcome * (energy - 1) + by_organiser * organisers); a neighbourhood has at most 64.
          Above `ease` energy saturates towards `most`. Know-how falls with grown groups, to least_knowhow at the
          lowest, and returns in `relearn` months: groups that closed reopen more slowly.
Evidence  build, fade: assumed (M61: slow build, fast loss). lean: assumed, less than proportional. F17, F20 are upper
          bounds, F18 a trial that found nothing. Big Local, community organisers: no figure in the register. Most:
          A18, at least monthly volunteering 16 to 22 %.
Limits    One energy for a neighbourhood: groups of different kinds are not distinguished. Neighbourhoods lie in a row,
          each adjacent to the next.
"""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

import numpy as np

from sim.engine.jit import Int, kernel
from sim.engine.random import month_key, stream, uniform
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import COMMUNITY
from sim.state.columns import A, column
from sim.state.updates import offer_in
from sim.state.world import World

LEAVES = stream("leader leaves")
COMES = stream("leader comes")
FIT = stream("how resident control fits")
CAPTURE = stream("whether a few capture resident control")
MOST_LEADERS = 64
"""Largest number of leaders in a neighbourhood: each leader has a random draw of their own."""


class CommunityGroups(Params):
    """Responses of groups to money, leaders, time and room."""

    build: float = number(48.0, low=24.0, high=96.0, unit="months", source="assumed", meaning="time to grow")
    fade: float = number(18.0, low=6.0, high=36.0, unit="months", source="assumed", meaning="time to fade")
    lean: float = number(
        0.5,
        low=0.2,
        high=1.0,
        unit="exponent",
        source="assumed",
        meaning="exponent of money in its effect on grown groups",
    )
    worth: float = share(
        0.6, low=0.2, high=1.0, source="assumed", meaning="energy that the money of the baseline buys on contract"
    )
    contract: float = number(
        3.0, low=1.0, high=12.0, unit="months", source="assumed", meaning="time until a contract starts or ends"
    )
    crowd_out: float = share(
        0.1,
        low=0.0,
        high=0.4,
        source="assumed; M33: direction",
        meaning="grown groups that commissioned groups displace",
    )
    spread: float = share(
        0.01,
        low=0.0,
        high=0.05,
        source="assumed",
        meaning="part of the difference between adjacent neighbourhoods closed in a month",
    )
    leaders: float = number(
        3.0, low=2.0, high=6.0, unit="persons", source="assumed", meaning="leaders in a neighbourhood at baseline"
    )
    tenure: float = number(60.0, low=24.0, high=120.0, unit="months", source="assumed", meaning="time a leader stays")
    by_leaders: float = share(
        0.25, low=0.0, high=0.6, source="assumed", meaning="energy gained if leaders double, lost if there are none"
    )
    ripens: float = number(
        12.0,
        low=3.0,
        high=36.0,
        unit="months",
        source="assumed",
        meaning="time until the arrival or loss of a leader has its effect",
    )
    welcome: float = share(
        0.5, low=0.0, high=1.0, source="assumed", meaning="new leaders for each unit of energy above the baseline"
    )
    by_organiser: float = number(
        0.4,
        low=0.0,
        high=1.0,
        unit="share per organiser per 10,000 people",
        source="assumed; M78: direction",
        meaning="rise in new leaders with each organiser",
    )
    burnout: float = share(
        0.4, low=0.0, high=0.7, source="assumed", meaning="groups lost as referrals exceed their room without limit"
    )
    setback: float = share(
        0.2, low=0.0, high=0.5, source="assumed; M26: direction", meaning="groups lost in a full reorganisation"
    )
    relearn: float = number(
        60.0, low=12.0, high=120.0, unit="months", source="assumed", meaning="time until lost know-how is back"
    )
    by_time: float = number(
        0.02,
        low=0.0,
        high=0.05,
        unit="share per day a year",
        source="assumed",
        meaning="groups gained by a paid day of volunteering for everybody in work",
    )
    parks: float = share(
        0.05, low=0.0, high=0.2, source="assumed; M35: direction", meaning="groups gained by a full programme for parks"
    )
    gain: float = share(
        0.1, low=-0.1, high=0.3, source="assumed", meaning="groups gained on average if residents decide on all"
    )
    spread_of_fit: float = share(
        0.3, low=0.0, high=0.6, source="assumed", meaning="variation of the gain from resident control between places"
    )
    captured: float = share(
        0.15, low=0.0, high=0.5, source="assumed; M82: direction", meaning="neighbourhoods in which a few take control"
    )
    captors: float = share(0.3, low=0.0, high=0.6, source="assumed", meaning="groups lost where a few take control")
    ease: float = number(
        2.0,
        low=1.6,
        high=2.5,
        unit="1 = baseline",
        source="assumed",
        meaning="energy up to which there is no saturation",
    )
    most: float = number(
        3.5,
        low=2.6,
        high=6.0,
        unit="1 = baseline",
        source="assumed",
        meaning="energy when everybody takes part who may",
    )
    most_lost: float = share(
        0.9, low=0.5, high=1.0, source="assumed", meaning="largest part of groups lost by a reorganisation in a month"
    )
    least_knowhow: float = share(
        0.1, low=0.02, high=0.3, source="assumed", meaning="know-how that remains when all grown groups have closed"
    )


class GroupsState(NamedTuple):
    """Leaders, contracts and know-how of the groups of each neighbourhood."""

    commissioned: Annotated[
        A, column("f8", "neighbourhood", "1 = baseline groups", "groups that a contract keeps going")
    ]
    leaders: Annotated[A, column("f8", "neighbourhood", "persons", "people who keep groups going")]
    led: Annotated[A, column("f8", "neighbourhood", "share", "smoothed leaders over their baseline number, less 1")]
    knowhow: Annotated[A, column("f8", "neighbourhood", "1 = baseline", "knowledge of practice that groups retain")]

    def start(self, _w: World) -> None:
        """Begin with the leaders and the know-how of the baseline."""
        self.leaders[:] = CommunityGroups().leaders
        self.knowhow[:] = 1.0


@kernel
def _local_funding(w: World, n: Int, before: float) -> float:
    """Community money over its baseline in one neighbourhood, if policies are for some neighbourhoods only."""
    services, now = w.services, 0.0
    for s in range(services.domain.size):
        if services.tier[s] == COMMUNITY and services.base_places[s] <= 0.0:
            now += services.plan[s] * offer_in(w, s, n)
    return max(0.0, now) / before if before > 0.0 else 1.0


@kernel
def saturated_energy(p: CommunityGroups, energy: float) -> float:
    """Energy with saturation: unchanged up to `ease`, then rising ever more slowly, always below `most`."""
    if energy <= p.ease:
        return max(0.0, energy)
    room = p.most - p.ease
    return p.ease + room * (1.0 - math.exp(-(energy - p.ease) / room))


@kernel
def resident_fit(p: CommunityGroups, seed: np.uint64, n: int) -> float:
    """Effect of full resident control on groups in neighbourhood n: a chance effect that stays the same."""
    if uniform(month_key(seed, CAPTURE, 0), n) < p.captured:
        return -p.captors
    return p.gain + p.spread_of_fit * (2.0 * uniform(month_key(seed, FIT, 0), n) - 1.0)


@mechanism(
    Phase.COMMUNITY,
    CommunityGroups,
    state=GroupsState,
    reads="places.energy groups.leaders groups.led rules.organisers",
    writes="groups.leaders groups.led",
    name="leaders",
)
@kernel
def lead(w: World, p: CommunityGroups, clock: Clock) -> None:
    state: GroupsState = w.private.groups
    leaders, led = state.leaders, state.led
    leaving = month_key(clock.seed, LEAVES, clock.month)
    coming = month_key(clock.seed, COMES, clock.month)
    for n in range(leaders.size):
        departures = 0.0
        for k in range(int(leaders[n])):
            if uniform(leaving, MOST_LEADERS * n + k) < 1.0 / p.tenure:
                departures += 1.0
        attraction = 1.0 + p.welcome * (w.places.energy[n] - 1.0) + p.by_organiser * w.rules.organisers[n]
        arrivals = 1.0 if uniform(coming, n) < p.leaders / p.tenure * max(0.0, attraction) else 0.0
        leaders[n] = min(float(MOST_LEADERS), leaders[n] - departures + arrivals)
        led[n] += (leaders[n] / p.leaders - 1.0 - led[n]) / p.ripens
        # Leadership spreads to the adjacent neighbourhood: one gains what the other loses, until both are equal.
        if n > 0:
            flow = p.spread * (led[n - 1] - led[n])
            led[n] += flow
            led[n - 1] -= flow


@mechanism(
    Phase.COMMUNITY,
    CommunityGroups,
    state=GroupsState,
    reads="aims.groups aims.group aims.offer aims.part services.plan services.tier services.base_places "
    "services.base_budget rules.seeded rules.volunteering_days rules.air_and_activity rules.resident_control "
    "rules.restructuring groups.led places.aid places.grown groups.commissioned groups.knowhow "
    "places.fullness",
    writes="places.energy places.grown groups.commissioned groups.knowhow",
    after="leaders mutual_help social_prescribing",
)
@kernel
def grow(w: World, p: CommunityGroups, clock: Clock) -> None:
    services, places, rules = w.services, w.places, w.rules
    state: GroupsState = w.private.groups
    now, before = 0.0, 0.0
    for s in range(services.domain.size):
        if services.tier[s] == COMMUNITY and services.base_places[s] <= 0.0:
            now += services.plan[s]
            before += services.base_budget[s]
    money = max(0.0, now) / before if before > 0.0 else 1.0
    grown, bought, knowhow = places.grown, state.commissioned, state.knowhow
    strain = max(0.0, places.fullness[0] - 1.0)
    rested = 1.0 - p.burnout * strain / (1.0 + strain)
    previous = grown[0]
    for n in range(grown.size):
        seeded = rules.seeded[n]
        if w.aims.groups[0] > 0:
            money = _local_funding(w, n, before)
        bought[n] += (p.worth * money * (1.0 - seeded) - bought[n]) / p.contract
        target = (money * seeded) ** p.lean * (1.0 - p.crowd_out * min(1.0, bought[n])) * rested
        target *= 1.0 + p.by_time * rules.volunteering_days[n]
        target *= 1.0 + p.parks * rules.air_and_activity[n]
        if rules.resident_control[n] > 0.0:
            target *= 1.0 + rules.resident_control[n] * resident_fit(p, clock.seed, n)
        old = grown[n]
        if old < target:
            grown[n] += (target - old) * knowhow[n] / p.build
        else:
            grown[n] += (target - old) / p.fade
        grown[n] += p.spread * (previous - old)
        if n + 1 < grown.size:
            grown[n] += p.spread * (grown[n + 1] - old)
        grown[n] = max(0.0, grown[n] * (1.0 - min(p.most_lost, p.setback * rules.restructuring[0])))
        previous = old
        active = min(1.0, grown[n])
        if active < knowhow[n]:
            knowhow[n] = max(p.least_knowhow, active)
        else:
            knowhow[n] += (active - knowhow[n]) / p.relearn
        led = max(0.0, 1.0 + p.by_leaders * state.led[n])
        places.energy[n] = saturated_energy(p, grown[n] * led + bought[n] + places.aid[n])
