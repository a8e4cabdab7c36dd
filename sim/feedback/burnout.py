"""Too much work burns people out, the burnt out leave, and their work falls to those who stay.

Claim     With the workload that services/hours.py works out: logit(B*) = logit(usual) + strain * ln(workload) + control
          * (targets - 0.5) - freedom * (autonomy - 0.5); burnout <- burnout + (B* - burnout) / memory; leaving =
          turnover * exp(flight * (burnout - usual)) * pay^-pull * (1 + abroad * (exp(uprooted * (0.5 - belonging)) -
          1)).
Evidence  usual: E25 [KFstaff] (recalled). flight: E23 [SfC23], turnover 20.6 with all five job-quality factors and 48.7
          % with none, taken as burnout of 0.15 and 0.5: ln(2.36) / 0.35 = 2.5. pull, strain, control, freedom, memory:
          assumed. F15: a standard deviation of nurse turnover (1.21 points a month) costs 35 deaths in 100,000.
          abroad, uprooted: assumed; M12 gives the direction.
Limits    Workload counts within 0.2 to 5, and half at most leave in a month. One mood a service; staff from abroad are
          a fixed part of it. Past a caseload some half above the baseline's, leavers outrun those who can be found to
          replace them.
"""

from __future__ import annotations

import math

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.tables import World


class Burnout(Params):
    """What wears staff out, and what that makes them do."""

    usual: float = share(
        0.3, low=0.2, high=0.4, source="E25 [KFstaff], recalled", meaning="share of staff burnt out at baseline"
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
    abroad: float = share(0.25, low=0.1, high=0.4, source="assumed", meaning="staff who came from abroad")
    uprooted: float = number(
        1.4,
        low=0.4,
        high=2.5,
        unit="log hazard per unit",
        source="assumed; M12: direction",
        meaning="how much oftener staff from abroad leave where they are not made to feel at home",
    )


@kernel
def leaving_rate(p: Burnout, turnover: float, burnout: float, pay: float) -> float:
    """Share of staff that leaves in a month."""
    rate: float = turnover * math.exp(p.flight * (burnout - p.usual)) * max(0.2, pay) ** -p.pull
    return min(0.5, rate)


@kernel
def burnout_target(p: Burnout, workload: float, targets: float, autonomy: float) -> float:
    """Burnout at which things would stay."""
    logit = math.log(p.usual / (1.0 - p.usual)) + p.strain * math.log(min(5.0, max(0.2, workload)))
    logit += p.control * (targets - 0.5) - p.freedom * (autonomy - 0.5)
    return 1.0 / (1.0 + math.exp(-logit))


@kernel
def not_at_home(p: Burnout, belonging: float) -> float:
    """How much oftener staff leave, as those from abroad feel less at home than today: 1 today."""
    return 1.0 + p.abroad * (math.exp(p.uprooted * (0.5 - belonging)) - 1.0)


@mechanism(
    Phase.WORKFORCE,
    Burnout,
    reads="services.workload services.targets services.autonomy services.pay services.belonging",
    writes="services.burnout services.usual_burnout services.leaving",
    after="workforce hours",
)
@kernel
def wear_out(w: World, p: Burnout, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.turnover[s] <= 0.0:
            continue
        services.usual_burnout[s] = p.usual
        target = burnout_target(p, services.workload[s], services.targets[s], services.autonomy[s])
        services.burnout[s] += (target - services.burnout[s]) / p.memory
        leaving = leaving_rate(p, services.turnover[s], services.burnout[s], services.pay[s])
        services.leaving[s] = min(0.5, leaving * not_at_home(p, services.belonging[s]))
