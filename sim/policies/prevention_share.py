"""Money moves to prevention: preventive and community lines gain what responsive and acute lines lose.

Claim     In each silo (budget holder) the preventive and community lines gain a share x of the silo's plan, and its
          responsive and acute lines lose it. The gaining lines share the sum in proportion to their size, and the
          losing lines give it in proportion to theirs. The losing side (the preventive and community lines, if x is
          below 0) loses at most most_moved of its plan. The total is unchanged. A policy aimed at one kind of
          prevention moves the same sum from the same lines, and the lines of that kind alone gain it, whichever silo
          they are in: money then crosses from one budget holder to another.
Evidence  D02, D13, D17 show the shares and how far they moved in a decade (5 to 15 points). most_moved: assumed.
Limits    A silo without lines on both sides is left unchanged. Kinds gain in the order of their list, each from what
          the kinds before it left.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.policies import Lever
from sim.schema.quantities import Params, share
from sim.state.codes import COMMUNITY, PREVENTION_KINDS, PREVENTIVE
from sim.state.world import World

LEVER = Lever(
    name="prevention_share",
    label="Share of spending moved to prevention",
    section="Money",
    unit="share of budget",
    low=-0.05,
    high=0.1,
    baseline=0.0,
    step=0.005,
    source="D02 [Pulse], D13 [DS9],[Barn], D17 [IFS24]: shares moved by 3 to 15 points in a decade",
    meaning="Moves this share of the planned budget to preventive and community services, within every budget "
    "holder that has any, or to one kind of prevention alone.",
    kind="shift",
    aims=("prevention",),
    axis="prevention",
    pays="share",
)


class PreventionShare(Params):
    """The bound of what is moved."""

    most_moved: float = share(
        0.8, low=0.5, high=0.95, source="assumed", meaning="largest share of its plan that the losing side can lose"
    )


@kernel
def planned(w: World, f: int, upstream: bool) -> float:
    """Sum the lines of a silo, in pounds a year: the preventive and community ones, or the others."""
    services, total = w.services, 0.0
    for s in range(services.granted.size):
        if services.silo[s] == f:
            if (services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY) == upstream:
                total += services.granted[s]
    return total


@kernel
def move_to_kind(w: World, kind: int, part: float, most_moved: float) -> None:
    """Move a part of the plans of all silos with lines on both sides to the lines of one kind of prevention."""
    services = w.services
    size, plans = 0.0, 0.0
    for s in range(services.granted.size):
        if services.prevention[s] == kind:
            size += services.granted[s]
    for f in range(w.money.carried.size):
        gaining, losing = planned(w, f, True), planned(w, f, False)
        if gaining > 0.0 and losing > 0.0:
            plans += gaining + losing
    if size > 0.0 and plans > 0.0:
        bounded = max(-most_moved * size / plans, part)
        total = 0.0
        for f in range(w.money.carried.size):
            gaining, losing = planned(w, f, True), planned(w, f, False)
            if gaining > 0.0 and losing > 0.0:
                moved = min(most_moved * losing, bounded * (gaining + losing))
                total += moved
                for s in range(services.granted.size):
                    if services.silo[s] == f and services.prevention[s] < 0:
                        services.granted[s] *= 1.0 - moved / losing
        for s in range(services.granted.size):
            if services.prevention[s] == kind:
                services.granted[s] *= 1.0 + total / size


@mechanism(
    Phase.POLICY,
    PreventionShare,
    reads="services.granted services.silo services.tier services.prevention",
    writes="services.granted",
    after="total_budget cut_rule",
    lever="prevention_share",
)
@kernel
def move_upstream(w: World, setting: tuple[np.ndarray, PreventionShare], clock: Clock) -> None:
    path, p = setting
    services = w.services
    for f in range(w.money.carried.size):
        gaining, losing = 0.0, 0.0
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY:
                    gaining += services.granted[s]
                else:
                    losing += services.granted[s]
        if gaining <= 0.0 or losing <= 0.0:
            continue
        moved = path[clock.month, 0] * (gaining + losing)
        moved = max(-p.most_moved * gaining, min(p.most_moved * losing, moved))
        for s in range(services.granted.size):
            if services.silo[s] == f:
                if services.tier[s] == PREVENTIVE or services.tier[s] == COMMUNITY:
                    services.granted[s] *= 1.0 + moved / gaining
                else:
                    services.granted[s] *= 1.0 - moved / losing
    for kind in range(len(PREVENTION_KINDS)):
        part = path[clock.month, 1 + kind]
        if part != 0.0:
            move_to_kind(w, kind, part, p.most_moved)
