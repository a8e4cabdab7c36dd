"""How much good an hour of help does: time for each person, a known worker who is not worn out, help that fits.

Claim     quality = clip(hours^gamma * (1 - loss * (burnout - usual)) * met_again^known * fit * max(0, 1 - substituted),
          lowest, highest). met_again = clip(continuity * (1 - agency / posts) * (1 - parting * (leaving - turnover)) /
          divided, least_again, most_again), divided = providers^scatter, agency / posts being at most most_strangers
          (posts at least 0.01) and parting * (leaving - turnover) at most most_parted. fit <- fit + (F - fit) / adapt,
          F = (1 - drift * (contract_length - usual_contract) / 2) * (1 + together * coproduced + listening * feedback +
          tailoring * (autonomy - 0.5) - narrowing * (targets - 0.5)). substituted = substitution * max(0, share of
          hours given by lay helpers - limit), `emerging` of it where the service serves emerging need.
Evidence  known: F14 [Sandvik], acute admission OR 0.88 -> 0.72 from 2-3 to 15 years with one doctor, taken as a
          doubling of continuity: with protection of 0.15 to 0.3 that needs 0.4 to 0.8. F13 [Tammes] is larger. F12 is
          reserved for validation and was not used. loss: F16 (recalled) direction, size assumed. The rest is assumed.
Limits    Quality belongs to a service. How well neighbourhoods work: services/practice.py.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.world import World


class Quality(Params):
    """Causes of the quality of help."""

    gamma: float = number(
        0.45, low=0.1, high=0.8, unit="exponent", source="assumed", meaning="effect of time for each person on quality"
    )
    loss: float = number(
        0.35,
        low=0.1,
        high=1.0,
        unit="per share",
        source="assumed; F16 gives the direction",
        meaning="quality lost to burnout beyond the baseline's",
    )
    known: float = number(
        0.5,
        low=0.2,
        high=1.0,
        unit="exponent",
        source="F14 [Sandvik], F13 [Tammes]",
        meaning="effect of continuity on quality",
    )
    parting: float = number(
        6.0,
        low=2.0,
        high=12.0,
        unit="months",
        source="assumed",
        meaning="months for which a change of worker affects the person helped",
    )
    drift: float = number(
        0.01, low=0.0, high=0.04, unit="share per year", source="assumed", meaning="fit lost a year as needs change"
    )
    together: float = share(
        0.15, low=0.0, high=0.3, source="assumed", meaning="fit gained where all have a say in their help"
    )
    listening: float = share(
        0.05, low=0.0, high=0.15, source="assumed", meaning="fit gained by response to feedback, none to full"
    )
    narrowing: float = share(
        0.12, low=0.0, high=0.3, source="assumed", meaning="fit lost to steering by targets, none to all"
    )
    tailoring: float = share(
        0.08, low=0.0, high=0.2, source="assumed", meaning="fit gained by staff's freedom to tailor help, none to full"
    )
    adapt: float = number(
        18.0, low=6.0, high=36.0, unit="months", source="assumed", meaning="months for the offer to change"
    )
    limit: float = share(
        0.08, low=0.02, high=0.3, source="assumed", meaning="part of hours that lay helpers give without loss"
    )
    substitution: float = number(
        0.8,
        low=0.2,
        high=2.0,
        unit="per share",
        source="assumed",
        meaning="quality lost where lay helpers stand in for staff",
    )
    emerging: float = share(
        0.4,
        low=0.1,
        high=1.0,
        source="assumed",
        meaning="part of that loss in services for emerging need",
    )
    scatter: float = number(
        0.1,
        low=0.0,
        high=0.3,
        unit="exponent",
        source="assumed",
        meaning="how much less often people meet the same worker where more organisations share the work",
    )
    most_strangers: float = share(
        0.9, low=0.7, high=0.99, source="assumed", meaning="largest share of agency staff that counts"
    )
    most_parted: float = share(
        0.8, low=0.5, high=0.95, source="assumed", meaning="largest part of continuity that leavers take"
    )
    least_again: float = number(
        0.1, low=0.02, high=0.3, unit="multiple of baseline", source="assumed", meaning="lowest continuity that counts"
    )
    most_again: float = number(
        2.5, low=1.5, high=4.0, unit="multiple of baseline", source="assumed", meaning="highest continuity that counts"
    )
    lowest: float = number(0.3, low=0.1, high=0.6, unit="1 = baseline", source="assumed", meaning="lowest quality")
    highest: float = number(1.8, low=1.3, high=3.0, unit="1 = baseline", source="assumed", meaning="highest quality")


@kernel
def met_again(w: World, p: Quality, s: int) -> float:
    """How often people meet the same worker again, 1 = baseline."""
    services = w.services
    strangers = min(p.most_strangers, services.agency[s] / max(0.01, services.posts[s]))
    parted = min(p.most_parted, p.parting * (services.leaving[s] - services.turnover[s]))
    again: float = services.continuity[s] * (1.0 - strangers) * (1.0 - parted) / services.divided[s]
    return min(p.most_again, max(p.least_again, again))


@kernel
def fit_target(w: World, p: Quality, s: int) -> float:
    """Fit that the offer would reach if its causes stayed as they are, 1 = baseline."""
    services = w.services
    gained = p.together * services.coproduced[s] + p.listening * services.feedback[s]
    drifted = 1.0 - p.drift * (services.contract_length[s] - services.usual_contract[s]) / 2.0
    gained += p.tailoring * (services.autonomy[s] - 0.5) - p.narrowing * (services.targets[s] - 0.5)
    fit: float = drifted * (1.0 + gained)
    return fit


@kernel
def substitution_loss(w: World, p: Quality, s: int) -> float:
    """Share of quality lost where lay helpers stand in for staff."""
    excess: float = max(0.0, w.services.lay_share[s] - p.limit)
    return p.substitution * excess * (p.emerging if w.services.serves[s, 1] == 1 else 1.0)


@mechanism(
    Phase.WORKFORCE,
    Quality,
    reads="services.hours services.burnout services.usual_burnout services.leaving services.agency services.posts "
    "services.lay_share services.coproduced services.continuity services.providers services.contract_length "
    "services.feedback services.autonomy services.targets",
    writes="services.fit services.divided services.quality",
    after="hours burnout workforce coproduction_uptake",
)
@kernel
def update_quality(w: World, p: Quality, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.turnover[s] <= 0.0:
            continue
        services.divided[s] = services.providers[s] ** p.scatter
        services.fit[s] += (fit_target(w, p, s) - services.fit[s]) / p.adapt
        quality = services.hours[s] ** p.gamma * (1.0 - p.loss * (services.burnout[s] - services.usual_burnout[s]))
        quality *= met_again(w, p, s) ** p.known * services.fit[s] * max(0.0, 1.0 - substitution_loss(w, p, s))
        services.quality[s] = min(p.highest, max(p.lowest, quality))
