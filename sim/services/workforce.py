"""Money becomes help only through people in post: posts are opened slowly, and staff who leave are replaced or not.

Claim     A line's money opens (plan / base_budget - helpers - upkeep) / (cost of a post) posts, at least 0, less posts
          closed for automation: `wanted`. helpers = helper_cost * lay, upkeep = upkeep * freed; closed = freed * the
          saving part of automation, as a share of what would otherwise be open. Acute statutory services open at least
          duty * min(1, needed / (1 - spare)), needed = load / base_load * posts, the care they give over the
          baseline's: they do the work that is required, and overspend. establishment follows wanted: up by min(1,
          inflow / hire_months) of the gap a month (inflow = hiring inflow * pay^attract; hire_months counts as at least
          1), down by no more than turnover + redundancy. employed <- in_post + hires - leaving * in_post, in_post =
          employed + change of establishment, hires = inflow * min(pool, 1 + gap / (hire_months * turnover)) * turnover
          * establishment, at least 0, gap = (establishment - in_post) / establishment; employed is at most the number
          of posts, those vacant at baseline included. agency = cover * (establishment - employed) in statutory
          services; posts = employed + agency. cost of a post = 1 + wages * (pay - 1); paid = (employed + agency_cost *
          agency) * cost of a post + helpers + upkeep.
Evidence  turnover, vacancies, hire_months: catalogue (E20, E22, E24). cover: E20 [CSWW], agency staff 17.8 % alongside
          vacancies of 18.9 %. duty: D12, D13, D17 (late spending grew while early spending was cut). pool: assumed; E29
          (link workers doubled in some 15 months: a new role filled at 5 % a month). The rest is assumed.
Limits    Leavers do not differ by experience. Baseline vacancies are inside base_places; at best all are filled.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from sim.engine.jit import kernel
from sim.engine.schedule import Clock, Phase, mechanism
from sim.schema.quantities import Params, number, share
from sim.state.codes import ACUTE
from sim.state.columns import A, column
from sim.state.world import World


class Workforce(Params):
    """How posts are opened, filled and paid for."""

    redundancy: float = number(
        0.08,
        low=0.0,
        high=0.3,
        unit="share per month",
        source="assumed",
        meaning="posts closed in a month beyond turnover when money falls",
    )
    pool: float = number(
        2.0,
        low=1.3,
        high=4.0,
        unit="multiple of baseline hires",
        source="assumed",
        meaning="most people that can be hired for vacant posts in a month",
    )
    attract: float = number(
        1.5,
        low=0.3,
        high=3.0,
        unit="elasticity",
        source="assumed",
        meaning="how pay raises the number of people who can be hired",
    )
    cover: float = share(
        0.6,
        low=0.3,
        high=0.95,
        source="E20 [CSWW]: agency 17.8 with vacancies of 18.9 % in children's social work; less elsewhere: assumed",
        meaning="part of vacant posts of statutory services that agency staff fill",
    )
    agency_cost: float = number(
        1.5,
        low=1.2,
        high=2.5,
        unit="multiple",
        source="assumed",
        meaning="cost of agency staff over that of employed staff",
    )
    wages: float = share(0.7, low=0.5, high=0.85, source="assumed", meaning="part of a post's cost that is pay")
    duty: float = share(
        1.0,
        low=0.7,
        high=1.0,
        source="D12 [PBE], D13 [DS9], D17 [IFS24]: direction; size assumed",
        meaning="part of needed acute posts that stays open whatever the budget",
    )
    spare: float = share(
        0.15,
        low=0.0,
        high=0.3,
        source="assumed",
        meaning="fall of acute care at which the duty to keep posts open ends",
    )
    helper_cost: float = number(
        0.02,
        low=0.005,
        high=0.06,
        unit="posts per helper",
        source="assumed",
        meaning="cost of recruiting and supervising one lay helper",
    )
    upkeep: float = share(
        0.2, low=0.05, high=0.6, source="assumed", meaning="cost of automation over the cost of the time it frees"
    )


class WorkforceState(NamedTuple):
    """Staff in post without agency staff."""

    employed: Annotated[A, column("f8", "service", "1 = baseline", "own staff in post")]

    def start(self, _w: World) -> None:
        """Begin with the staff of the baseline."""
        self.employed[:] = 1.0


@kernel
def support_cost(w: World, p: Workforce, s: int) -> float:
    """Cost of lay helpers and automation, in posts."""
    support: float = p.helper_cost * w.services.lay[s] + p.upkeep * w.services.freed[s]
    return support


@kernel
def closed_share(w: World, s: int) -> float:
    """Share of posts that is closed because routine work is automated."""
    both = w.services.automation[s] + w.services.automation_saving[s]
    return w.services.freed[s] * w.services.automation_saving[s] / both if both > 0.0 else 0.0


@kernel
def post_cost(p: Workforce, pay: float) -> float:
    """Cost of a post over the baseline's, at a pay over the baseline's."""
    return 1.0 + p.wages * (pay - 1.0)


@kernel
def hires(
    p: Workforce, inflow: float, turnover: float, hire_months: float, establishment: float, in_post: float
) -> float:
    """Staff hired in a month, in posts of the baseline.

    Parameters
    ----------
    p
        Parameters of the workforce.
    inflow
        People who can be hired, as a multiple of the baseline's.
    turnover
        Share of staff that leaves in a month at baseline.
    hire_months
        Months to fill a vacant post; counts as at least 1.
    establishment
        Posts that are open.
    in_post
        Employed staff.
    """
    wanted = turnover * establishment + (establishment - in_post) / max(1.0, hire_months)
    return inflow * max(0.0, min(p.pool * turnover * establishment, wanted))


@mechanism(
    Phase.WORKFORCE,
    Workforce,
    state=WorkforceState,
    reads="services.plan services.posts services.leaving services.load services.lay services.pay services.freed "
    "services.hiring_inflow services.automation services.automation_saving",
    writes="services.posts services.establishment workforce.employed services.agency services.vacancy services.paid",
    after="passing_on lay_helpers",
)
@kernel
def fill_posts(w: World, p: Workforce, clock: Clock) -> None:
    services = w.services
    state: WorkforceState = w.private.workforce
    for s in range(services.domain.size):
        if services.base_budget[s] <= 0.0:
            continue
        cost, support = post_cost(p, services.pay[s]), support_cost(w, p, s)
        wanted = max(0.0, services.plan[s] / services.base_budget[s] - support) / cost
        if services.tier[s] == ACUTE and services.statutory[s] == 1 and services.base_load[s] > 0.0:
            needed = services.load[s] / services.base_load[s] * services.posts[s]
            wanted = max(wanted, p.duty * min(1.0, needed / (1.0 - p.spare)))
        wanted *= 1.0 - closed_share(w, s)
        before = services.establishment[s]
        inflow = services.hiring_inflow[s] * services.pay[s] ** p.attract
        if wanted > before:
            now = before + (wanted - before) * min(1.0, inflow / max(1.0, services.hire_months[s]))
        else:
            now = before - min(before - wanted, before * (services.turnover[s] + p.redundancy))
        services.establishment[s] = now
        in_post = max(0.0, state.employed[s] + (now - before))
        if services.turnover[s] > 0.0:
            hired = hires(p, inflow, services.turnover[s], services.hire_months[s], now, in_post)
            in_post += hired - services.leaving[s] * in_post
        in_post = min(max(0.0, in_post), now / (1.0 - services.vacancy_base[s]))
        state.employed[s] = in_post
        services.vacancy[s] = 1.0 - (1.0 - services.vacancy_base[s]) * in_post / now if now > 0.0 else 0.0
        services.agency[s] = p.cover * (now - in_post) if services.statutory[s] == 1 else 0.0
        services.posts[s] = max(0.0, in_post + services.agency[s])
        services.paid[s] = max(0.0, in_post + p.agency_cost * services.agency[s]) * cost + support
