"""Residents are heard, and decisions follow.

Claim     rules.voice <- path. Effects: feedback/legitimacy.py, networks/local_fit.py.
Evidence  M41, M42, M83: direction; size assumed.
Limits    Which residents are heard is not modelled.
"""

from __future__ import annotations

import numpy as np

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, NoParams, Phase, mechanism
from sim.policies import Lever
from sim.state.world import World

LEVER = Lever(
    name="resident_voice",
    label="Resident voice",
    section="Who decides",
    unit="share of decisions",
    low=0.0,
    high=1.0,
    baseline=0.0,
    step=0.05,
    source="assumed; M42: direction",
    meaning="Share of decisions in which residents are heard.",
    axis="neighbourhood",
    aims=("where",),
)


@mechanism(Phase.POLICY, NoParams, writes="rules.voice", lever="resident_voice")
@kernel
def listen(w: World, path: np.ndarray, clock: Clock) -> None:
    for n in range(w.rules.voice.size):
        w.rules.voice[n] = path[clock.month, n]
