"""The effect of help: capacity of groups, know-how after closure, practice of places, and quality of services."""

from __future__ import annotations

from sim.feedback.non_statutory_closure import NonStatutoryClosure
from sim.networks.micro_enterprises import MicroEnterprises
from sim.networks.social_prescribing import SocialPrescribing
from sim.services.practice import Practice
from sim.services.quality import Quality
from sim.state.codes import CARE, COMMUNITY, PREVENTIVE
from sim.twins.mesa import rng
from sim.twins.mesa.budget import is_acute, is_at_risk
from sim.twins.mesa.month import step
from sim.twins.mesa.people import NeighbourhoodAgent, ServiceAgent
from sim.twins.mesa.town import Town
from sim.twins.mesa.workforce import clamp, has_staff


def room_in_groups(town: Town, p: SocialPrescribing) -> float:
    """Capacity of the place's groups, over the baseline number of clients of link workers."""
    energy = sum(hood.energy for hood in town.neighbourhoods)
    return p.holds * max(p.least_energy, energy / len(town.neighbourhoods))


@step("groups_room")
def groups_room(town: Town, p: SocialPrescribing) -> None:
    """The places of link workers are limited by the capacity of groups times `p.squeeze`."""
    for service in town.services:
        if service.tier == COMMUNITY:
            service.places = min(service.places, service.base_places * room_in_groups(town, p) * p.squeeze)


@step("knowhow")
def knowhow(town: Town, p: NonStatutoryClosure) -> None:
    """A non-statutory service loses know-how if few posts are left, and regains it slowly after it reopens."""
    for service in town.services:
        if not is_at_risk(service):
            continue
        activity = min(1.0, service.posts / p.margin)
        months = p.forgets if activity < service.knowhow else p.relearns
        service.knowhow += (activity - service.knowhow) / months
        if service.knowhow < activity:
            service.places *= service.knowhow / activity


@step("micro_enterprises")
def micro_enterprises(town: Town, p: MicroEnterprises) -> None:
    """Catalysts create small providers, whose places add to those of preventive care services."""
    for service in town.services:
        if service.tier == PREVENTIVE and town.rates.kind[service.domain] == CARE:
            service.micro += (p.providers * town.micro_enterprise - service.micro) / p.ripens
            service.places += service.base_places * service.micro


@step("practice")
def practice(town: Town, p: Practice) -> None:
    """Practice moves towards the level that learning allows, copies from other places, and depends on leaders.

    Practice is limited to the range from `p.lowest` to `p.highest`.
    """
    learning_effect = mean_learning(town, p)
    delivering = [service for service in town.services if has_staff(service) and not is_acute(service)]
    autonomy = sum(service.autonomy for service in delivering) / max(1, len(delivering))
    excess_burnout = sum(service.burnout - service.usual_burnout for service in delivering) / max(1, len(delivering))
    before = [hood.practice for hood in town.neighbourhoods]
    for hood in town.neighbourhoods:
        n = hood.number
        value = before[n] + (practice_target(p, learning_effect, hood.leader) - before[n]) / p.pace
        value += copied_practice(town, p, hood, before)
        hood.practice = clamp(p.lowest, p.highest, value)
        u = rng.uniform(town.key("leaders come and go"), n)
        if hood.leader:
            hood.leader = int(
                u >= p.go * clamp(p.least_go_factor, p.most_go_factor, 1.0 + p.by_burnout * excess_burnout)
            )
        else:
            arrival_probability = p.go * p.led / (1.0 - p.led)
            hood.leader = int(
                u < arrival_probability * max(p.least_come_factor, 1.0 + p.by_network * hood.spine + autonomy - 0.5)
            )


def mean_learning(town: Town, p: Practice) -> float:
    """Learning of staff beyond the baseline: a mean over services, weighted by their baseline budgets."""
    total, money = 0.0, 0.0
    for service in town.services:
        if is_acute(service) or not has_staff(service):
            continue
        gain = p.freedom * (service.autonomy - 0.5) + p.heard * service.feedback
        gain += p.taught * service.training - p.directed * (service.targets - 0.5)
        gain += p.slack * (service.hours - 1.0)
        total += gain * service.base_budget
        money += service.base_budget
    return total / money if money > 0.0 else 0.0


def practice_target(p: Practice, learning_effect: float, leader: int) -> float:
    """The equilibrium practice of a neighbourhood. Part of the effect of learning depends on a leader (`p.shallow`)."""
    leadership = leader / p.led - 1.0
    if learning_effect > 0.0:
        learning_effect *= p.shallow + (1.0 - p.shallow) * (1.0 + leadership)
    return 1.0 + p.lead * leadership + learning_effect


def copied_practice(town: Town, p: Practice, hood: NeighbourhoodAgent, before: list[float]) -> float:
    """The practice copied from another neighbourhood that is met and appears better; 0 if none is met."""
    n, places = hood.number, len(before)
    if places < 2 or rng.uniform(town.key("whether places meet"), n) >= hood.spine * p.meeting:
        return 0.0
    other = min(places - 2, int(rng.uniform(town.key("who meets whom"), n) * (places - 1)))
    if other >= n:
        other += 1  # a place does not meet itself
    apparent_practice = before[other] + p.error * (
        2.0 * rng.uniform(town.key("how another place's work looks"), n) - 1.0
    )
    if apparent_practice <= before[n]:
        return 0.0
    depth = p.depth if hood.leader else p.leaderless * p.depth
    return depth * (before[other] - before[n])


@step("quality")
def quality(town: Town, p: Quality) -> None:
    """Quality rises with time per person, continuity and fit, and falls with burnout and too much lay help.

    Quality is limited to the range from `p.lowest` to `p.highest`.
    """
    for service in town.services:
        if not has_staff(service):
            continue
        service.divided = service.providers**p.scatter
        service.fit += (fit_target(p, service) - service.fit) / p.adapt
        burnout_factor = 1.0 - p.loss * (service.burnout - service.usual_burnout)
        familiarity = relative_continuity(p, service) ** p.known
        lay_limit_factor = max(0.0, 1.0 - lay_help_loss(p, service))
        service.quality = clamp(
            p.lowest,
            p.highest,
            service.hours**p.gamma * burnout_factor * (familiarity * service.fit * lay_limit_factor),
        )


def relative_continuity(p: Quality, service: ServiceAgent) -> float:
    """Continuity of the worker over the baseline, from `p.least_again` to `p.most_again`."""
    agency_share = min(p.most_strangers, service.agency / max(0.01, service.posts))
    departures = min(p.most_parted, p.parting * (service.leaving - service.turnover))
    return clamp(
        p.least_again,
        p.most_again,
        service.continuity * (1.0 - agency_share) * (1.0 - departures) / service.divided,
    )


def fit_target(p: Quality, service: ServiceAgent) -> float:
    """The equilibrium fit of a service's offer."""
    contract_drift = 1.0 - p.drift * (service.contract_length - service.usual_contract) / 2.0
    listening = p.together * service.coproduced + p.listening * service.feedback
    discretion = p.tailoring * (service.autonomy - 0.5) - p.narrowing * (service.targets - 0.5)
    return contract_drift * (1.0 + (listening + discretion))


def lay_help_loss(p: Quality, service: ServiceAgent) -> float:
    """The loss of quality if lay helpers give too much of the help. It is smaller in services for emerging need."""
    excess = max(0.0, service.lay_share - p.limit)
    return p.substitution * excess * (p.emerging if service.serves[1] else 1.0)
