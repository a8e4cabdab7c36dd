"""Too much work burns staff out, burnt-out staff leave, and their work falls to those who stay.

Claim     With the workload from services/hours.py, counted within least_workload to most_workload: logit(B*) =
          logit(reference) + strain * ln(workload) + control * (targets - 0.5) - freedom * (autonomy - 0.5); burnout
          <- burnout + (B* - burnout) / memory; leaving = min(most_leaving, turnover * exp(flight * (burnout -
          reference)) * pay^-pull) * (1 + abroad * (exp(uprooted * (0.5 - belonging)) - 1)), again at most
          most_leaving. Pay counts as at least least_pay.
Evidence  reference: E25 [KFstaff] (recalled). flight: E23 [SfC23], turnover 20.6 with all five job-quality factors
          and 48.7 % with none, taken as burnout of 0.15 and 0.5: ln(2.36) / 0.35 = 2.5. pull, strain, control,
          freedom, memory and the bounds: assumed. F15: a standard deviation of nurse turnover (1.21 points a month)
          costs 35 deaths in 100,000. abroad, uprooted: assumed; M12 gives the direction.
Limits    Each service has one level of burnout. Staff from abroad are a fixed share of it. Where caseloads are about
          half above the baseline's or more, more staff leave than can be hired to replace them.
"""

from __future__ import annotations

import math

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.world import World


class Burnout(Params):
    """Causes of burnout, and its effect on leaving."""

    reference: float = share(
        0.3, low=0.2, high=0.4, source="E25 [KFstaff], recalled", meaning="share of staff burnt out at baseline"
    )
    least_workload: float = number(
        0.2,
        low=0.1,
        high=0.5,
        unit="multiple of baseline",
        source="assumed",
        meaning="lowest workload that burnout responds to",
    )
    most_workload: float = number(
        5.0,
        low=2.0,
        high=10.0,
        unit="multiple of baseline",
        source="assumed",
        meaning="highest workload that burnout responds to",
    )
    strain: float = number(
        3.0, low=1.0, high=5.0, unit="logit per log unit", source="assumed", meaning="how workload raises burnout"
    )
    control: float = number(
        0.6, low=0.0, high=1.5, unit="logit", source="assumed", meaning="how steering by targets raises burnout"
    )
    freedom: float = number(
        0.8, low=0.0, high=1.5, unit="logit", source="assumed", meaning="how autonomy lowers burnout"
    )
    memory: float = number(
        9.0, low=3.0, high=24.0, unit="months", source="assumed", meaning="months for burnout to follow its causes"
    )
    flight: float = number(
        2.5,
        low=1.0,
        high=4.0,
        unit="log hazard per share",
        source="E23 [SfC23], CALC: ln(48.7 / 20.6) / 0.35, the spread of burnout assumed",
        meaning="how burnout raises leaving",
    )
    pull: float = number(1.5, low=0.2, high=2.5, unit="elasticity", source="assumed", meaning="how pay lowers leaving")
    least_pay: float = number(
        0.2,
        low=0.1,
        high=0.5,
        unit="multiple of baseline",
        source="assumed",
        meaning="lowest pay that leaving responds to",
    )
    most_leaving: float = number(
        0.5, low=0.2, high=0.8, unit="share per month", source="assumed", meaning="most staff who leave in a month"
    )
    abroad: float = share(0.25, low=0.1, high=0.4, source="assumed", meaning="share of staff who came from abroad")
    uprooted: float = number(
        1.4,
        low=0.4,
        high=2.5,
        unit="log hazard per unit",
        source="assumed; M12: direction",
        meaning="how much more often staff from abroad leave where they do not feel at home",
    )


@kernel
def leaving_rate(p: Burnout, turnover: float, burnout: float, pay: float) -> float:
    """Share of staff that leaves in a month, before the factor for staff from abroad.

    Parameters
    ----------
    p
        Parameters of burnout.
    turnover
        Share of staff that leaves in a month at baseline.
    burnout
        Share of staff burnt out.
    pay
        Pay, as a multiple of the baseline's.
    """
    rate: float = turnover * math.exp(p.flight * (burnout - p.reference)) * max(p.least_pay, pay) ** -p.pull
    return min(p.most_leaving, rate)


@kernel
def burnout_target(p: Burnout, workload: float, targets: float, autonomy: float) -> float:
    """Burnout that staff would reach if its causes stayed as they are.

    Parameters
    ----------
    p
        Parameters of burnout.
    workload
        Work over the time for it, 1 = baseline.
    targets, autonomy
        Steering by targets and autonomy of staff, 0 to 1, 0.5 = baseline.
    """
    logit = math.log(p.reference / (1.0 - p.reference)) + p.strain * math.log(
        min(p.most_workload, max(p.least_workload, workload))
    )
    logit += p.control * (targets - 0.5) - p.freedom * (autonomy - 0.5)
    return 1.0 / (1.0 + math.exp(-logit))


@kernel
def abroad_factor(p: Burnout, belonging: float) -> float:
    """Factor on leaving for how far staff from abroad feel at home, 1 = baseline."""
    return 1.0 + p.abroad * (math.exp(p.uprooted * (0.5 - belonging)) - 1.0)


@mechanism(
    Phase.WORKFORCE,
    Burnout,
    reads="services.workload services.targets services.autonomy services.pay services.belonging",
    writes="services.burnout services.usual_burnout services.leaving",
    after="workforce hours",
)
@kernel
def update_burnout(w: World, p: Burnout, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.turnover[s] <= 0.0:
            continue
        services.usual_burnout[s] = p.reference
        target = burnout_target(p, services.workload[s], services.targets[s], services.autonomy[s])
        services.burnout[s] += (target - services.burnout[s]) / p.memory
        leaving = leaving_rate(p, services.turnover[s], services.burnout[s], services.pay[s])
        services.leaving[s] = min(p.most_leaving, leaving * abroad_factor(p, services.belonging[s]))
