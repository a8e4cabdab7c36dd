"""Working time goes to recording, assessing and handing over first; what is left is help, spread over those helped.

Claim     admin = admin_base * admin_share * (1 + ratchet * (compliance - 1)) * (1 - routine * automated) + counting *
          (targets - 0.5) - trusting * (autonomy - 0.5). other = training + upheaval + together * coproduced +
          asking_people * feedback + handover * (providers - 1) + tender * (1 / contract_length - 1 / 5) + juggling *
          (continuity - 1). time = posts * (1 - admin - other) / (1 - admin_base) + (helper_time - minding) * lay.
          assessed = assessing * asking * (1 - retold * mean joined up): less where a story need not be told again;
          assessing is a third of that where the door is open. short = (time - assessed) / (1 - assessing) /
          establishment; cases = caseload * (1 + push * (targets - 0.5)); places = base_places * establishment * cases *
          short^(1 - stretch); hours = short^stretch / cases. workload = ((1 - assessing) * helped / usual + assessed) /
          time, load / base_load in acute care, whose hours are the share of time left over the baseline's. upheaval
          wears off in `settling` months. Bounds: admin 0.02 to 0.85; 1 - admin - other 0.05 at least; a fifth of time
          is help; short 0.01 to 4.
Evidence  E21 [CCN]: recording 50 %, direct work 20 %, could reach 45 %. F21 [KPMG] (Buurtzorg, overhead 8 against 25 %,
          recalled) bounds what trusting staff can free. All sizes below: assumed.
Limits    What a shortage does to places and to time for each is a fixed compromise (`stretch`). Acute care takes who
          comes: its hours make capacity (services/acute.py).
"""

from __future__ import annotations

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import ACUTE, RESPONSIVE, World

USUAL_CONTRACT = 5.0
"""Years of a contract at baseline."""


class Hours(Params):
    """Where working time goes."""

    ratchet: float = share(
        0.3, low=0.0, high=0.8, source="assumed", meaning="part of administration that rules after incidents make"
    )
    routine: float = share(
        0.5, low=0.2, high=0.8, source="assumed", meaning="part of administration that is routine enough to automate"
    )
    counting: float = share(
        0.06, low=0.0, high=0.25, source="assumed", meaning="time taken by reporting against targets, none to all"
    )
    trusting: float = share(
        0.06, low=0.0, high=0.17, source="assumed; F21 [KPMG] at most", meaning="time freed by autonomy, none to full"
    )
    assessing: float = share(
        0.15,
        low=0.05,
        high=0.3,
        source="assumed; E21 [CCN] leaves 30 % beside recording and direct work",
        meaning="part of the work of responsive services that goes into assessing",
    )
    retold: float = share(
        0.3,
        low=0.0,
        high=0.6,
        source="assumed; M63, M44: direction",
        meaning="part of assessing that asks again what another agency was told",
    )
    together: float = share(
        0.05, low=0.0, high=0.2, source="assumed", meaning="time to plan help with somebody rather than for them"
    )
    asking_people: float = share(
        0.02, low=0.0, high=0.06, source="assumed", meaning="time to hear what people helped say of it"
    )
    handover: float = share(
        0.03, low=0.0, high=0.1, source="assumed", meaning="time lost between organisations at baseline"
    )
    tender: float = share(
        0.04, low=0.0, high=0.1, source="assumed", meaning="part of a year's time that a new contract takes"
    )
    juggling: float = share(
        0.08, low=0.0, high=0.2, source="assumed", meaning="time lost by keeping people with the same worker"
    )
    helper_time: float = share(
        0.1, low=0.03, high=0.3, source="assumed: some four hours a week", meaning="hours of a lay helper per worker"
    )
    minding: float = share(
        0.03, low=0.0, high=0.1, source="assumed", meaning="worker's time taken by training and minding one helper"
    )
    push: float = share(
        0.2, low=0.0, high=0.5, source="assumed", meaning="cases more where work is steered by targets, none to all"
    )
    stretch: float = share(
        0.5, low=0.1, high=0.9, source="assumed", meaning="part of a shortage of time that makes it less for each"
    )
    settling: float = number(
        6.0, low=3.0, high=18.0, unit="months", source="assumed", meaning="time for a restructuring to wear off"
    )


@kernel
def administration(w: World, p: Hours, s: int) -> float:
    """Share of working time that administration takes; what machines free of it is noted."""
    services = w.services
    automated = min(1.0, services.automation[s] + services.automation_saving[s])
    share: float = services.admin_base[s] * services.admin_share[s] * (1.0 + p.ratchet * (services.compliance[s] - 1.0))
    services.freed[s] = share * p.routine * automated
    share -= services.freed[s]
    share += p.counting * (services.targets[s] - 0.5) - p.trusting * (services.autonomy[s] - 0.5)
    return min(0.85, max(0.02, share))


@kernel
def other_time(w: World, p: Hours, s: int) -> float:
    """Share of working time beyond the baseline's that is neither help nor administration."""
    services = w.services
    share: float = services.training[s] + services.upheaval[s] + p.together * services.coproduced[s]
    share += p.asking_people * services.feedback[s] + p.handover * (services.providers[s] - 1.0)
    share += p.tender * (1.0 / services.contract_length[s] - 1.0 / USUAL_CONTRACT)
    share += p.juggling * (services.continuity[s] - 1.0)
    return share


@kernel
def story_known(w: World, p: Hours) -> float:
    """What multiplies the time of an assessment where services pass on what they were told."""
    joined = w.rules.joined_up
    known: float = 1.0 - p.retold * joined.sum() / max(1, joined.size)
    return known


@kernel
def assessing_part(p: Hours, tier: Int) -> float:
    """Part of a service's work that is assessing: a third as much where the door is open."""
    return p.assessing if tier == RESPONSIVE else p.assessing / 3.0


@mechanism(
    Phase.WORKFORCE,
    Hours,
    reads="services.posts services.establishment services.lay services.coproduced services.asking "
    "services.compliance services.caseload services.admin_share services.automation services.automation_saving "
    "services.training services.autonomy services.targets services.feedback services.continuity "
    "services.contract_length services.providers services.helped services.usual_helped services.load rules.joined_up",
    writes="services.admin services.freed services.upheaval services.hours services.places services.workload "
    "services.lay_share",
    after="workforce lay_helpers coproduction_uptake",
)
@kernel
def work(w: World, p: Hours, clock: Clock) -> None:
    services = w.services
    known = story_known(w, p)
    for s in range(services.domain.size):
        if services.turnover[s] <= 0.0:
            continue
        services.upheaval[s] -= services.upheaval[s] / p.settling
        services.admin[s] = administration(w, p, s)
        left = max(0.05, 1.0 - services.admin[s] - other_time(w, p, s)) / (1.0 - services.admin_base[s])
        if services.tier[s] == ACUTE:
            services.hours[s] = left
            if clock.month >= 0 and services.base_load[s] > 0.0:
                services.workload[s] = services.load[s] / services.base_load[s]
            continue
        time = max(0.01, services.posts[s] * left + (p.helper_time - p.minding) * services.lay[s])
        given = p.helper_time * services.lay[s]
        services.lay_share[s] = given / max(0.05, given + services.posts[s])
        part = assessing_part(p, services.tier[s])
        usual = services.usual_helped[s]
        if clock.month >= 0 and usual > 0.0:
            work_done = (1.0 - part) * services.helped[s] / usual + part * known * services.asking[s]
            services.workload[s] = work_done / time
        # Assessing may take most of the time, but never quite all of it.
        for_help = max(0.2 * time, (time - part * known * services.asking[s]) / (1.0 - part))
        size = services.establishment[s]
        short = min(4.0, max(0.01, for_help / max(1e-6, size)))
        cases = services.caseload[s] * (1.0 + p.push * (services.targets[s] - 0.5))
        services.places[s] = services.base_places[s] * size * cases * short ** (1.0 - p.stretch)
        services.hours[s] = short**p.stretch / cases
