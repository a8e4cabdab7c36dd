"""Requests for help: people who trust services ask more, some requests are refused, and a refusal lowers trust."""

from __future__ import annotations

from sim.engine.schedule import NoParams
from sim.people.help_seeking import HelpSeeking
from sim.state.codes import ACUTE, REFERENCE_TRUST, WAITING
from sim.twins.mesa import rng
from sim.twins.mesa.aims import asks_with_reduced_offer, refused_share
from sim.twins.mesa.month import step
from sim.twins.mesa.people import PersonAgent, ServiceAgent
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.town import Town
from sim.twins.mesa.updates import CRISIS, SERIOUS, WELL, is_counted, set_help

OLD_AGE = 65


@step("spare_places")
def spare_places(town: Town, _: NoParams) -> None:
    """Spare places as the month begins: places that are neither occupied nor waited for."""
    for service in town.services:
        service.spare = max(0.0, service.places - service.helped - service.queue)


@step("help_seeking")
def help_seeking(town: Town, p: HelpSeeking) -> None:
    """A random number just above 0.5 is an event of help: a request, giving up waiting, or the end of help."""
    targets = mean_targets(town)
    for d in town.domains:
        draws = town.draws("need and help", d)
        for person in town.people:
            u = draws[person.number] - 0.5
            if not 0.0 <= u < p.most_probability or not person.is_present or not is_counted(town, person, d):
                continue
            helper, queue = person.helper(d), person.waits_for(d)
            if queue is not None:
                if u < min(p.most_probability, queue.give_up):
                    give_up(town, p, person, d, queue)
            elif helper is not None:
                if u < min(p.most_probability, helper.end):
                    set_help(town, person, d, 0)
            elif WELL < person.before[d] < CRISIS and WELL < person.level[d] < CRISIS:
                asking = asking_probability(town, p, person, d, targets)
                if u < min(p.most_probability, asking + outreach_probability(town, person, d)):
                    ask(town, p, person, d, by_outreach=u >= asking)


def mean_targets(town: Town) -> float:
    """The mean of `targets` (steering by targets) over all services except acute services."""
    steered = [service.targets for service in town.services if service.tier != ACUTE]
    return sum(steered) / max(1, len(steered))


def asking_probability(town: Town, p: HelpSeeking, person: PersonAgent, d: int, targets: float) -> float:
    """The probability that a person without help asks for help this month, without outreach."""
    asking: float = town.rates.asks[d][person.level[d]][person.band]
    return asking * person.trust / REFERENCE_TRUST * share_reaching_service(p, person, targets)


def outreach_probability(town: Town, person: PersonAgent, d: int) -> float:
    """The probability that outreach reaches a person; 0 if no service is for the person."""
    return person.neighbourhood.outreach if town.rates.asks[d][person.level[d]][person.band] > 0.0 else 0.0


def share_reaching_service(p: HelpSeeking, person: PersonAgent, targets: float) -> float:
    """The share of requests that reach a service: agencies, forms and online-only access each lose some."""
    hood = person.neighbourhood
    needs = sum(level > WELL for level in person.level)
    serious = sum(level >= SERIOUS for level in person.level)
    agency_losses = 1.0 - p.silo * (1.0 - hood.joined_up) * (1.0 + p.inward * (targets - 0.5))
    form_losses = max(0.0, 1.0 - p.burden * hood.claim_burden)
    online = 1.0 - hood.digital * (p.excluded_old if person.age >= OLD_AGE else p.excluded_young)
    reaching: float = agency_losses ** max(0, needs - 1) * form_losses**serious * online
    return reaching


def give_up(town: Town, p: HelpSeeking, person: PersonAgent, d: int, queue: ServiceAgent) -> None:
    """End waiting for a service, with a loss of trust of `given_up` of that after a refusal."""
    town.counts.gave_up[queue.number][person.quintile] += 1
    set_help(town, person, d, 0)
    person.refused.add(d)
    person.trust = rounded(max(0.0, person.trust - p.given_up * p.hurt))


def ask(town: Town, p: HelpSeeking, person: PersonAgent, d: int, *, by_outreach: bool) -> None:
    """Direct a request to one service, which puts the person in its queue or refuses the request.

    `by_outreach` states that outreach makes the request, not the person.
    """
    u = rng.uniform(town.key("which service is asked", d), person.number)
    service = choose_service(town, person, d, u, by_outreach=by_outreach)
    if not asks_with_reduced_offer(town, service, person, rng.uniform(town.key("who still asks", d), person.number)):
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


def choose_service(town: Town, person: PersonAgent, d: int, u: float, *, by_outreach: bool) -> ServiceAgent:
    """Draw the service that gets a request among those for the person's domain, level and age.

    The probabilities are in proportion to the baseline's requests. For a request by outreach they are in proportion to
    the services' spare places as the month began, if any service had spare places. `u` is the random number.
    """
    level, band = person.level[d], person.band
    candidates = [s for s in town.services if s.domain == d and s.serves[level] and s.bands[band]]
    weights, total = [town.rates.ask[service.number] for service in candidates], town.rates.asks[d][level][band]
    if by_outreach and any(service.spare > 0.0 for service in candidates):
        weights = [service.spare for service in candidates]
        total = sum(weights)
    remainder = u * total
    for service, weight in zip(candidates, weights, strict=True):
        remainder -= weight
        if remainder < 0.0:
            return service
    return candidates[-1]
