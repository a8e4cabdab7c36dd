"""Working time goes first to recording, assessing and handing over; the rest is help, shared by the people helped.

Claim     admin = admin_base * admin_share * (1 + ratchet * (compliance - 1)) * (1 - routine * automated) + counting *
          (targets - 0.5) - trusting * (autonomy - 0.5), automated being at most 1, within least_admin to most_admin.
          other = training + upheaval + together * coproduced + asking_people * feedback + handover * (providers - 1) +
          tender * (1 / contract_length - 1 / usual_contract) + juggling * (continuity - 1). time = posts * left / (1 -
          admin_base) + (helper_time - minding) * lay, at least 0.01, left = 1 - admin - other, at least least_left.
          assessed = assessing * asking * (1 - retold * mean joined up): less where people do not have to repeat their
          story; assessing is assessing / lighter in services that are not responsive. relative = (time - assessed) / (1
          - assessing) / establishment, (time - assessed) / (1 - assessing) being at least least_help * time, within
          least_time_per_post to most_time_per_post; cases = caseload * (1 + push * (targets - 0.5)); places =
          base_places * establishment * cases * relative^(1 - stretch); hours = relative^stretch / cases. workload = ((1
          - assessing) * helped / baseline helped + assessed) / time from the first reported month on; in acute care
          load / base_load, and hours = left / (1 - admin_base). upheaval wears off in `settling` months. lay_share =
          helper_time * lay / (helper_time * lay + posts), the sum being at least 0.05.
Evidence  E21 [CCN]: recording 50 %, direct work 20 %, could reach 45 %. F21 [KPMG] (Buurtzorg, overhead 8 against 25 %,
          recalled) bounds what trusting staff can free. All sizes below: assumed.
Limits    How a shortage is divided between places and time for each person is fixed (`stretch`). Acute care takes
          everybody who comes: its hours make capacity (services/acute.py).
"""

from __future__ import annotations

from sim.engine.jit import Int, kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import ACUTE, RESPONSIVE
from sim.state.world import World


class Hours(Params):
    """Uses of working time."""

    least_admin: float = share(
        0.02, low=0.0, high=0.1, source="assumed", meaning="smallest part of working time that is administration"
    )
    most_admin: float = share(
        0.85, low=0.7, high=0.95, source="assumed", meaning="largest part of working time that is administration"
    )
    least_left: float = share(
        0.05,
        low=0.01,
        high=0.2,
        source="assumed",
        meaning="smallest part of working time that is left beyond administration and other uses",
    )
    least_help: float = share(
        0.2, low=0.05, high=0.4, source="assumed", meaning="smallest part of the time left that is not assessing"
    )
    least_time_per_post: float = number(
        0.01,
        low=0.001,
        high=0.1,
        unit="multiple of baseline",
        source="assumed",
        meaning="smallest time for help per post that counts",
    )
    most_time_per_post: float = number(
        4.0,
        low=2.0,
        high=8.0,
        unit="multiple of baseline",
        source="assumed",
        meaning="largest time for help per post that counts",
    )
    ratchet: float = share(
        0.3, low=0.0, high=0.8, source="assumed", meaning="part of administration that follows rules after incidents"
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
        source="assumed; E21 [CCN] leaves 30 % after recording and direct work",
        meaning="part of the work of responsive services that goes into assessing",
    )
    lighter: float = number(
        3.0,
        low=1.0,
        high=6.0,
        unit="multiple",
        source="assumed",
        meaning="assessing in responsive services over that in other services",
    )
    retold: float = share(
        0.3,
        low=0.0,
        high=0.6,
        source="assumed; M63, M44: direction",
        meaning="part of assessing that repeats questions of another agency",
    )
    together: float = share(
        0.05, low=0.0, high=0.2, source="assumed", meaning="time to plan help with people rather than for them"
    )
    asking_people: float = share(
        0.02, low=0.0, high=0.06, source="assumed", meaning="time to collect feedback from the people helped"
    )
    handover: float = share(
        0.03, low=0.0, high=0.1, source="assumed", meaning="time lost between organisations at baseline"
    )
    tender: float = share(
        0.04, low=0.0, high=0.1, source="assumed", meaning="part of a year's working time that a new contract takes"
    )
    juggling: float = share(
        0.08, low=0.0, high=0.2, source="assumed", meaning="time spent on keeping people with the same worker"
    )
    helper_time: float = share(
        0.1, low=0.03, high=0.3, source="assumed: some four hours a week", meaning="hours of a lay helper per worker"
    )
    minding: float = share(
        0.03, low=0.0, high=0.1, source="assumed", meaning="worker's time to train and supervise one lay helper"
    )
    push: float = share(
        0.2, low=0.0, high=0.5, source="assumed", meaning="rise in cases where targets steer the work, none to all"
    )
    stretch: float = share(
        0.5,
        low=0.1,
        high=0.9,
        source="assumed",
        meaning="part of a shortage of time that lowers the time for each person",
    )
    settling: float = number(
        6.0, low=3.0, high=18.0, unit="months", source="assumed", meaning="time for a restructuring to wear off"
    )


@kernel
def administration(w: World, p: Hours, s: int) -> float:
    """Share of working time that administration takes. Sets services.freed to the share that automation frees."""
    services = w.services
    automated = min(1.0, services.automation[s] + services.automation_saving[s])
    share: float = services.admin_base[s] * services.admin_share[s] * (1.0 + p.ratchet * (services.compliance[s] - 1.0))
    services.freed[s] = share * p.routine * automated
    share -= services.freed[s]
    share += p.counting * (services.targets[s] - 0.5) - p.trusting * (services.autonomy[s] - 0.5)
    return min(p.most_admin, max(p.least_admin, share))


@kernel
def other_time(w: World, p: Hours, s: int) -> float:
    """Share of working time beyond the baseline's that is neither help nor administration."""
    services = w.services
    share: float = services.training[s] + services.upheaval[s] + p.together * services.coproduced[s]
    share += p.asking_people * services.feedback[s] + p.handover * (services.providers[s] - 1.0)
    share += p.tender * (1.0 / services.contract_length[s] - 1.0 / services.usual_contract[s])
    share += p.juggling * (services.continuity[s] - 1.0)
    return share


@kernel
def assessment_factor(w: World, p: Hours) -> float:
    """Factor on the time of an assessment where services share information: 1 where none do."""
    joined = w.rules.joined_up
    factor: float = 1.0 - p.retold * joined.sum() / max(1, joined.size)
    return factor


@kernel
def assessing_share(p: Hours, tier: Int) -> float:
    """Share of a service's work that is assessing: less in services that are not responsive."""
    return p.assessing if tier == RESPONSIVE else p.assessing / p.lighter


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
def allocate_time(w: World, p: Hours, clock: Clock) -> None:
    services = w.services
    factor = assessment_factor(w, p)
    for s in range(services.domain.size):
        if services.turnover[s] <= 0.0:
            continue
        services.upheaval[s] -= services.upheaval[s] / p.settling
        services.admin[s] = administration(w, p, s)
        left = max(p.least_left, 1.0 - services.admin[s] - other_time(w, p, s)) / (1.0 - services.admin_base[s])
        if services.tier[s] == ACUTE:
            services.hours[s] = left
            if clock.month >= 0 and services.base_load[s] > 0.0:
                services.workload[s] = services.load[s] / services.base_load[s]
            continue
        time = max(0.01, services.posts[s] * left + (p.helper_time - p.minding) * services.lay[s])
        by_helpers = p.helper_time * services.lay[s]
        services.lay_share[s] = by_helpers / max(0.05, by_helpers + services.posts[s])
        assessing = assessing_share(p, services.tier[s])
        baseline_helped = services.usual_helped[s]
        if clock.month >= 0 and baseline_helped > 0.0:
            work_done = (1.0 - assessing) * services.helped[s] / baseline_helped + assessing * factor * services.asking[
                s
            ]
            services.workload[s] = work_done / time
        # Assessing may take most of the time, but never all of it.
        for_help = max(p.least_help * time, (time - assessing * factor * services.asking[s]) / (1.0 - assessing))
        establishment = services.establishment[s]
        relative = min(p.most_time_per_post, max(p.least_time_per_post, for_help / max(1e-6, establishment)))
        cases = services.caseload[s] * (1.0 + p.push * (services.targets[s] - 0.5))
        services.places[s] = services.base_places[s] * establishment * cases * relative ** (1.0 - p.stretch)
        services.hours[s] = relative**p.stretch / cases
