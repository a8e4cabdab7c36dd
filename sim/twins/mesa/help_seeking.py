"""People ask for help if they trust that it comes; at the threshold some are turned away, and that is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.engine.schedule import NoParams
from sim.people.help_seeking import HelpSeeking
from sim.state.tables import ACUTE, REFERENCE_TRUST, WAITING
from sim.twins.mesa import rng
from sim.twins.mesa.aims import refused_share, still_asks
from sim.twins.mesa.bookkeeping import CRISIS, SERIOUS, WELL, counted, set_help
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent, ServiceAgent
from sim.twins.mesa.rng import rounded

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

MOST = 0.28
"""No monthly probability of asking, giving up or the end of help is higher."""
OLD = 65


@step("spare_places")
def spare_places(town: MesaModel, p: NoParams) -> None:
    """Where there is room as the month begins: places that are neither taken nor waited for."""
    for service in town.services:
        service.spare = max(0.0, service.places - service.helped - service.queue)


@step("help_seeking")
def help_seeking(town: MesaModel, p: HelpSeeking) -> None:
    """A throw just above one half is a month in which something happens between somebody and a service."""
    steering = targets(town)
    for d in town.domains:
        luck = town.luck("need and help", d)
        for person in town.people:
            u = luck[person.number] - 0.5
            if not 0.0 <= u < MOST or not person.lives or not counted(town, person, d):
                continue
            helper, queue = person.helper(d), person.waits_for(d)
            if queue is not None:
                if u < min(MOST, queue.give_up):
                    give_up(town, p, person, d, queue)
            elif helper is not None:
                if u < min(MOST, helper.end):
                    set_help(town, person, d, 0)
            elif WELL < person.before[d] < CRISIS and WELL < person.level[d] < CRISIS:
                asks = asking(town, p, person, d, steering)
                if u < min(MOST, asks + found(town, person, d)):
                    ask(town, p, person, d, was_found=u >= asks)


def targets(town: MesaModel) -> float:
    """How far targets steer services, on average; acute ones are not asked."""
    steered = [service.targets for service in town.services if service.tier != ACUTE]
    return sum(steered) / max(1, len(steered))


def asking(town: MesaModel, p: HelpSeeking, person: PersonAgent, d: int, steering: float) -> float:
    """The probability that somebody whom nobody helps asks this month of themselves."""
    asks: float = town.rates.asks[d][person.level[d]][person.band]
    return asks * person.trust / REFERENCE_TRUST * getting_through(p, person, steering)


def found(town: MesaModel, person: PersonAgent, d: int) -> float:
    """The probability that outreach finds them, if there is a service for them."""
    return person.neighbourhood.outreach if town.rates.asks[d][person.level[d]][person.band] > 0.0 else 0.0


def getting_through(p: HelpSeeking, person: PersonAgent, steering: float) -> float:
    """The part of requests that reach a service: agencies lose some, forms more, an online door shuts some out."""
    hood = person.neighbourhood
    needs = sum(level > WELL for level in person.level)
    serious = sum(level >= SERIOUS for level in person.level)
    apart = 1.0 - p.silo * (1.0 - hood.joined_up) * (1.0 + p.inward * (steering - 0.5))
    proof = max(0.0, 1.0 - p.burden * hood.claim_burden)
    online = 1.0 - hood.digital * (p.excluded_old if person.age >= OLD else p.excluded_young)
    through: float = apart ** max(0, needs - 1) * proof**serious * online
    return through


def give_up(town: MesaModel, p: HelpSeeking, person: PersonAgent, d: int, queue: ServiceAgent) -> None:
    """Wait no longer."""
    town.counts.gave_up[queue.number][person.quintile] += 1
    set_help(town, person, d, 0)
    person.refused.add(d)
    person.trust = rounded(max(0.0, person.trust - 0.5 * p.hurt))


def ask(town: MesaModel, p: HelpSeeking, person: PersonAgent, d: int, *, was_found: bool) -> None:
    """Ask one service, or be put forward to one: it puts the person in its queue, or turns them away."""
    u = rng.uniform(town.key("which service is asked", d), person.number)
    service = chosen(town, person, d, u, was_found=was_found)
    if not still_asks(town, service, person, rng.uniform(town.key("who still asks", d), person.number)):
        return
    counts, s, q = town.counts, service.number, person.quintile
    counts.asked[s][q] += 1
    if d in person.refused:
        counts.repeated[s][q] += 1
    refused = refused_share(town, service, person)
    refused += (1.0 - refused) * p.passed * (service.providers - 1.0)
    if rng.uniform(town.key("threshold", d), person.number) < refused:
        counts.turned_away[s][q] += 1
        person.trust = rounded(max(0.0, person.trust - p.hurt))
        person.refused.add(d)
    else:
        person.refused.discard(d)
        set_help(town, person, d, WAITING + s)


def chosen(town: MesaModel, person: PersonAgent, d: int, u: float, *, was_found: bool) -> ServiceAgent:
    """The service that is asked, of those for this domain, level and age: each as often as it is asked at baseline.

    Whoever was found is put forward where there was room as the month began, to each service as often as it had room.
    """
    level, band = person.level[d], person.band
    able = [s for s in town.services if s.domain == d and s.serves[level] and s.bands[band]]
    odds, whole = [town.rates.ask[service.number] for service in able], town.rates.asks[d][level][band]
    if was_found and any(service.spare > 0.0 for service in able):
        odds = [service.spare for service in able]
        whole = sum(odds)
    left = u * whole
    for service, one in zip(able, odds, strict=True):
        left -= one
        if left < 0.0:
            return service
    return able[-1]
