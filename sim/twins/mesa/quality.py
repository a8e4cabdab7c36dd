"""What help does: room that groups have, work that was once closed, what a place has learnt, and each hour's worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.feedback.non_statutory_closure import NonStatutoryClosure
from sim.networks.micro_enterprises import MicroEnterprises
from sim.networks.social_prescribing import SocialPrescribing
from sim.services.practice import Practice
from sim.services.quality import Quality
from sim.state.tables import CARE, COMMUNITY, PREVENTIVE
from sim.twins.mesa import rng
from sim.twins.mesa.budget import is_acute, is_at_risk
from sim.twins.mesa.month import step
from sim.twins.mesa.people import NeighbourhoodAgent, ServiceAgent
from sim.twins.mesa.workforce import USUAL_CONTRACT, between, has_staff

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel


def room_in_groups(town: MesaModel, p: SocialPrescribing) -> float:
    """How many times the baseline's clients of link workers the place's groups have room for."""
    energy = sum(hood.energy for hood in town.neighbourhoods)
    return p.holds * max(0.05, energy / len(town.neighbourhoods))


@step("groups_room")
def groups_room(town: MesaModel, p: SocialPrescribing) -> None:
    """Link workers can help no more people than groups can take, a few squeezed in."""
    for service in town.services:
        if service.tier == COMMUNITY:
            service.places = min(service.places, service.base_places * room_in_groups(town, p) * p.squeeze)


@step("knowhow")
def knowhow(town: MesaModel, p: NonStatutoryClosure) -> None:
    """A service that no law demands forgets its work when few posts are left, and is slow to open again."""
    for service in town.services:
        if not is_at_risk(service):
            continue
        alive = min(1.0, service.posts / p.margin)
        months = p.forgets if alive < service.knowhow else p.relearns
        service.knowhow += (alive - service.knowhow) / months
        if service.knowhow < alive:
            service.places *= service.knowhow / alive


@step("micro_enterprises")
def micro_enterprises(town: MesaModel, p: MicroEnterprises) -> None:
    """Catalysts bring about small providers, whose places stand beside those of preventive care services."""
    for service in town.services:
        if service.tier == PREVENTIVE and town.rates.kind[service.domain] == CARE:
            service.micro += (p.providers * town.micro_enterprise - service.micro) / p.ripens
            service.places += service.base_places * service.micro


@step("practice")
def practice(town: MesaModel, p: Practice) -> None:
    """Places move towards what services let them learn, take something over from others, gain and lose leaders."""
    learn = learning(town, p)
    delivered = [service for service in town.services if has_staff(service) and not is_acute(service)]
    autonomy = sum(service.autonomy for service in delivered) / max(1, len(delivered))
    worn = sum(service.burnout - service.usual_burnout for service in delivered) / max(1, len(delivered))
    before = [hood.practice for hood in town.neighbourhoods]
    for hood in town.neighbourhoods:
        n = hood.number
        now = before[n] + (practice_target(p, learn, hood.leader) - before[n]) / p.pace
        now += taken_over(town, p, hood, before)
        hood.practice = between(0.5, 1.6, now)
        chance = rng.uniform(town.key("leaders come and go"), n)
        if hood.leader:
            hood.leader = int(chance >= p.go * between(0.3, 3.0, 1.0 + 2.0 * worn))
        else:
            comes = p.go * p.led / (1.0 - p.led)
            hood.leader = int(chance < comes * max(0.2, 1.0 + 2.0 * hood.spine + autonomy - 0.5))


def learning(town: MesaModel, p: Practice) -> float:
    """What services let their people learn, beyond the baseline: a mean by their money."""
    total, money = 0.0, 0.0
    for service in town.services:
        if is_acute(service) or not has_staff(service):
            continue
        own = p.freedom * (service.autonomy - 0.5) + p.heard * service.feedback
        own += p.taught * service.training - p.told * (service.targets - 0.5)
        own += p.slack * (service.hours - 1.0)
        total += own * service.base_budget
        money += service.base_budget
    return total / money if money > 0.0 else 0.0


def practice_target(p: Practice, learn: float, leader: int) -> float:
    """The practice at which a place would stay: half of what can be learnt needs somebody who leads."""
    led = leader / p.led - 1.0
    if learn > 0.0:
        learn *= p.shallow + (1.0 - p.shallow) * (1.0 + led)
    return 1.0 + p.lead * led + learn


def taken_over(town: MesaModel, p: Practice, hood: NeighbourhoodAgent, before: list[float]) -> float:
    """What a place takes over from another that it meets and thinks better; 0 if it meets none."""
    n, places = hood.number, len(before)
    if places < 2 or rng.uniform(town.key("whether places meet"), n) >= hood.spine * p.meeting:
        return 0.0
    other = min(places - 2, int(rng.uniform(town.key("who meets whom"), n) * (places - 1)))
    if other >= n:
        other += 1  # a place does not meet itself
    looks = before[other] + p.error * (2.0 * rng.uniform(town.key("how another place's work looks"), n) - 1.0)
    if looks <= before[n]:
        return 0.0
    depth = p.depth if hood.leader else 0.5 * p.depth
    return depth * (before[other] - before[n])


@step("quality")
def quality(town: MesaModel, p: Quality) -> None:
    """An hour's worth: time for each, a worker who is not worn out and is known, help that fits, no lay help beyond its
    limit."""
    for service in town.services:
        if not has_staff(service):
            continue
        service.fit += (fit_target(p, service) - service.fit) / p.adapt
        rested = 1.0 - p.loss * (service.burnout - service.usual_burnout)
        known = met_again(p, service) ** p.known
        alone = max(0.0, 1.0 - swamped(p, service))
        service.quality = between(0.3, 1.8, service.hours**p.gamma * rested * (known * service.fit * alone))


def met_again(p: Quality, service: ServiceAgent) -> float:
    """How far people meet the same worker again, over the baseline."""
    strangers = min(0.9, service.agency / max(0.01, service.posts))
    parted = min(0.8, p.parting * (service.leaving - service.turnover))
    return between(0.1, 2.5, service.continuity * (1.0 - strangers) * (1.0 - parted) / service.providers**0.1)


def fit_target(p: Quality, service: ServiceAgent) -> float:
    """The fit of what is offered at which it would stay."""
    drifted = 1.0 - p.drift * (service.contract_length - USUAL_CONTRACT) / 2.0
    heard = p.together * service.coproduced + p.listening * service.feedback
    shaped = p.tailoring * (service.autonomy - 0.5) - p.narrowing * (service.targets - 0.5)
    return drifted * (1.0 + (heard + shaped))


def swamped(p: Quality, service: ServiceAgent) -> float:
    """What is lost where lay helpers do more than lay people can: less where need is emerging."""
    over = max(0.0, service.lay_share - p.limit)
    return p.substitution * over * (0.4 if service.serves[1] else 1.0)
