"""What an hour of help does: time for each person, a worker who is known and not worn out, help that fits.

Claim     quality = clip(hours^gamma * (1 - loss * (burnout - usual)) * met_again^known * fit * (1 - swamped), 0.3,
          1.8). met_again = continuity * (1 - agency / posts) * (1 - parting * (leaving - turnover)) / providers^0.1.
          fit <- fit + (F - fit) / adapt, F = (1 - drift * (contract_length - 5) / 2) * (1 + together * coproduced +
          listening * feedback + tailoring * (autonomy - 0.5) - narrowing * (targets - 0.5)). swamped = substitution *
          max(0, part of hours given by lay helpers - limit), 0.4 of it where need is emerging.
Evidence  known: F14 [Sandvik], acute admission OR 0.88 -> 0.72 from 2-3 to 15 years with one doctor, taken as a
          doubling of continuity: with protection of 0.15 to 0.3 that needs 0.4 to 0.8. F13 [Tammes] is larger. F12 is
          kept for validation and was not used. loss: F16 (recalled) direction, size assumed. The rest is assumed.
Limits    Clipped to 0.3 to 1.8. Quality is a service's; how well places work is services/practice.py.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.services.hours import USUAL_CONTRACT
from sim.state.tables import World

LOWEST, HIGHEST = 0.3, 1.8


class Quality(Params):
    """What makes help work."""

    gamma: float = number(
        0.45, low=0.1, high=0.8, unit="exponent", source="assumed", meaning="what time for each person does"
    )
    loss: float = number(
        0.35,
        low=0.1,
        high=1.0,
        unit="per share",
        source="assumed; F16 gives the direction",
        meaning="what burnout beyond the baseline's takes off",
    )
    known: float = number(
        0.5, low=0.2, high=1.0, unit="exponent", source="F14 [Sandvik], F13 [Tammes]", meaning="what continuity does"
    )
    parting: float = number(
        6.0,
        low=2.0,
        high=12.0,
        unit="months",
        source="assumed",
        meaning="months that a change of worker is felt by the person helped",
    )
    drift: float = number(
        0.01, low=0.0, high=0.04, unit="share per year", source="assumed", meaning="fit lost a year as need changes"
    )
    together: float = share(
        0.15, low=0.0, high=0.3, source="assumed", meaning="fit gained where all have a say in their help"
    )
    listening: float = share(
        0.05, low=0.0, high=0.15, source="assumed", meaning="fit gained by answering to the people helped"
    )
    narrowing: float = share(
        0.12, low=0.0, high=0.3, source="assumed", meaning="fit lost to steering by targets, none to all"
    )
    tailoring: float = share(
        0.08, low=0.0, high=0.2, source="assumed", meaning="fit gained by room to tailor help, none to all"
    )
    adapt: float = number(
        18.0, low=6.0, high=36.0, unit="months", source="assumed", meaning="months for what is offered to change"
    )
    limit: float = share(
        0.08, low=0.02, high=0.3, source="assumed", meaning="part of hours that lay helpers give without loss"
    )
    substitution: float = number(
        0.8, low=0.2, high=2.0, unit="per share", source="assumed", meaning="what is lost as they stand in for staff"
    )


@kernel
def met_again(w: World, p: Quality, s: int) -> float:
    """How far people meet the same worker again, over the baseline."""
    services = w.services
    strangers = min(0.9, services.agency[s] / max(0.01, services.posts[s]))
    parted = min(0.8, p.parting * (services.leaving[s] - services.turnover[s]))
    again: float = services.continuity[s] * (1.0 - strangers) * (1.0 - parted) / services.providers[s] ** 0.1
    return min(2.5, max(0.1, again))


@kernel
def fit_target(w: World, p: Quality, s: int) -> float:
    """Fit of what is offered at which things would stay."""
    services = w.services
    heard = p.together * services.coproduced[s] + p.listening * services.feedback[s]
    kept = 1.0 - p.drift * (services.contract_length[s] - USUAL_CONTRACT) / 2.0
    heard += p.tailoring * (services.autonomy[s] - 0.5) - p.narrowing * (services.targets[s] - 0.5)
    fit: float = kept * (1.0 + heard)
    return fit


@kernel
def swamped(w: World, p: Quality, s: int) -> float:
    """What is lost where lay helpers do more than lay people can."""
    over: float = max(0.0, w.services.lay_share[s] - p.limit)
    return p.substitution * over * (0.4 if w.services.serves[s, 1] == 1 else 1.0)


@mechanism(
    Phase.WORKFORCE,
    Quality,
    reads="services.hours services.burnout services.usual_burnout services.leaving services.agency services.posts "
    "services.lay_share services.coproduced services.continuity services.providers services.contract_length "
    "services.feedback services.autonomy services.targets",
    writes="services.fit services.quality",
    after="hours burnout workforce coproduction_uptake",
)
@kernel
def judge(w: World, p: Quality, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.turnover[s] <= 0.0:
            continue
        services.fit[s] += (fit_target(w, p, s) - services.fit[s]) / p.adapt
        quality = services.hours[s] ** p.gamma * (1.0 - p.loss * (services.burnout[s] - services.usual_burnout[s]))
        quality *= met_again(w, p, s) ** p.known * services.fit[s] * max(0.0, 1.0 - swamped(w, p, s))
        services.quality[s] = min(HIGHEST, max(LOWEST, quality))
