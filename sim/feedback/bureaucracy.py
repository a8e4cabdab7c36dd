"""After a crisis come new rules and checks, which accumulate fast, wear off slowly and take time meant for people.

Claim     compliance <- compliance + (response * crises of the silo this month / its baseline crises - compliance) /
          wear, from the first reported month on. Administration grows with compliance: services/hours.py.
Evidence  Direction: E21 (social workers spend half their time recording, a fifth with families). wear: assumed.
Limits    A silo's crises stand for its scandals. Rules and checks prevent nothing in the model, and only cost time
          (M9).
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.feedback.failure_demand import running_mean
from sim.schema.quantities import Params, number
from sim.state.codes import ACUTE
from sim.state.columns import A, column
from sim.state.world import World


class Bureaucracy(Params):
    """How long rules and checks last."""

    wear: float = number(
        48.0, low=24.0, high=120.0, unit="months", source="assumed", meaning="months for rules and checks to wear off"
    )


class BureaucracyState(NamedTuple):
    """The crises that a place is used to."""

    usual_crises: Annotated[
        A, column("f8", "service", "episodes", "acute episodes a month before the first reported one")
    ]


@mechanism(
    Phase.ACCOUNTS,
    Bureaucracy,
    state=BureaucracyState,
    reads="tally.opened services.response",
    writes="services.compliance bureaucracy.usual_crises",
)
@kernel
def update_compliance(w: World, p: Bureaucracy, clock: Clock) -> None:
    services = w.services
    state: BureaucracyState = w.private.bureaucracy
    for f in range(w.money.kappa.size):
        crises, baseline = 0.0, 0.0
        for s in range(services.domain.size):
            if services.silo[s] == f and services.tier[s] == ACUTE and services.crisis_share[s].max() > 0.0:
                opened = float(w.tally.opened[s].sum())
                if clock.month < 0:
                    state.usual_crises[s] = running_mean(state.usual_crises[s], opened, clock.month)
                crises += opened
                baseline += state.usual_crises[s]
        if clock.month < 0 or baseline <= 0.0:
            continue
        for s in range(services.domain.size):
            if services.silo[s] == f:
                target = services.response[s] * crises / baseline
                services.compliance[s] += (target - services.compliance[s]) / p.wear
