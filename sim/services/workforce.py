"""Money becomes help only through people in post: hiring takes months, leaving is quick.

Claim     wanted = plan / base_budget. posts <- posts + (wanted - posts) / hire_months if more are wanted; if fewer,
          posts <- posts - min(posts - wanted, posts * (turnover + redundancy)). places = base_places * posts.
Evidence  turnover, hire_months: catalogue (E20, E22, E24). redundancy: assumed.
Limits    Simple on purpose: burnout, agency staff and pay come with the whole model. Baseline vacancies are inside
          base_places.
"""

from __future__ import annotations

from sim.engine.jit import kernel
from sim.engine.mechanism import Clock, Phase, mechanism
from sim.fields import Params, number
from sim.state import ACUTE, World


class Workforce(Params):
    """Leaving faster than turnover."""

    redundancy: float = number(
        0.08,
        low=0.0,
        high=0.3,
        unit="share per month",
        source="assumed",
        meaning="posts closed in a month beyond turnover when money falls",
    )


@mechanism(
    Phase.WORKFORCE,
    Workforce,
    reads="services.plan services.posts",
    writes="services.posts services.places",
    after="passing_on",
)
@kernel
def staff(w: World, p: Workforce, clock: Clock) -> None:
    services = w.services
    for s in range(services.domain.size):
        if services.base_budget[s] <= 0.0:
            continue
        wanted = max(0.0, services.plan[s] / services.base_budget[s])
        posts = services.posts[s]
        if wanted > posts:
            posts += (wanted - posts) / max(1.0, services.hire_months[s])
        else:
            posts -= min(posts - wanted, posts * (services.turnover[s] + p.redundancy))
        services.posts[s] = posts
        if services.tier[s] != ACUTE:
            services.places[s] = services.base_places[s] * posts
