"""Places: what the world outside does to all, groups and their leaders, mutual help, peers, belief in services."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.feedback.legitimacy import Legitimacy
from sim.networks.exposure import Exposure
from sim.networks.groups import CommunityGroups
from sim.networks.local_fit import LocalFit
from sim.networks.mutual_help import MutualHelp
from sim.networks.peers import Peers
from sim.networks.social_prescribing import SocialPrescribing
from sim.schema.quantities import AGE_BANDS
from sim.services.child_services import ChildServices
from sim.state.tables import COMMUNITY, ECONOMIC, FAMILY, MENTAL, PHYSICAL, REFERENCE_TRUST
from sim.twins.mesa import rng
from sim.twins.mesa.aims import offer_in, offer_to
from sim.twins.mesa.budget import is_acute
from sim.twins.mesa.month import step
from sim.twins.mesa.people import NeighbourhoodAgent
from sim.twins.mesa.quality import room_in_groups
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.workforce import between

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

GRADIENT = (2.0, 1.5, 1.0, 0.4, 0.1)
"""What children's centres do, by fifth of deprivation, over the mean."""
MOST_LEADERS = 64
"""No neighbourhood has more leaders of groups: each has luck of their own."""


@step("exposure")
def exposure(town: MesaModel, p: Exposure) -> None:
    """What everybody in a place is exposed to follows its causes some months behind."""
    for hood in town.neighbourhoods:
        for d, kind in enumerate(town.rates.kind):
            heading = math.exp(by_services(town, d) + by_place(p, hood, kind))
            hood.exposure[d] = between(0.4, 2.5, hood.exposure[d] + (heading - hood.exposure[d]) / p.lag)


def by_services(town: MesaModel, d: int) -> float:
    """What services for everybody (public health) add to the log hazard of a domain: so much each time posts double."""
    return sum(service.exposure[d] * min(2.0, math.log2(max(0.25, service.posts))) for service in town.services)


def by_place(p: Exposure, hood: NeighbourhoodAgent, kind: int) -> float:
    """What air, homes, work, income, a recession, a pandemic and peers add to the log hazard of a kind of need."""
    income: float = (hood.income_floor / 10.0) ** p.lean
    peers = p.peers * min(1.0, 100.0 * hood.peers / max(1, len(hood.people)) / p.enough)
    if kind == PHYSICAL:
        return (
            p.air_physical * hood.air_and_activity
            + p.homes_physical * hood.housing_quality
            + p.pandemic_physical * hood.pandemic
        )
    if kind == MENTAL:
        return (
            p.homes_mental * hood.housing_quality
            + p.work_mental * hood.job_security
            + p.income_mental * income
            + p.jobless_mental * hood.unemployment
            + p.pandemic_mental * hood.pandemic
            + peers
        )
    if kind == ECONOMIC:
        return (
            p.homes_economic * hood.housing_quality
            + p.work_economic * hood.job_security
            + p.income_economic * income
            + p.jobless_economic * hood.unemployment
            + p.parks_economic * hood.air_and_activity
        )
    if kind == FAMILY:
        return p.work_family * hood.job_security + p.jobless_family * hood.unemployment + peers
    return 0.0


@step("leaders")
def leaders(town: MesaModel, p: CommunityGroups) -> None:
    """Leaders of groups leave after some years and others come, more where groups are lively or somebody organises.

    They help next door, too: what one place gains of its neighbour the other loses, until both are alike.
    """
    beside: NeighbourhoodAgent | None = None
    for hood in town.neighbourhoods:
        leavers = sum(
            rng.uniform(town.key("leader leaves"), MOST_LEADERS * hood.number + k) < 1.0 / p.tenure
            for k in range(int(hood.leaders))
        )
        lively = 1.0 + p.welcome * (hood.energy - 1.0) + p.by_organiser * hood.organisers
        comes = rng.uniform(town.key("leader comes"), hood.number) < p.leaders / p.tenure * max(0.0, lively)
        hood.leaders = min(float(MOST_LEADERS), hood.leaders - leavers + comes)
        hood.led += (hood.leaders / p.leaders - 1.0 - hood.led) / p.ripens
        if beside is not None:
            flow = p.spread * (beside.led - hood.led)
            hood.led += flow
            beside.led -= flow
        beside = hood


@step("local_fit")
def local_fit(town: MesaModel, p: LocalFit) -> None:
    """A place that decides for itself fits what it offers as well as its practice and its own luck let it, in time."""
    for hood in town.neighbourhoods:
        luck = 2.0 * rng.uniform(town.lasting_key("how well a place decides"), hood.number) - 1.0
        local = p.by_practice * (hood.practice - 1.0) + p.varies * luck
        heard = p.by_voice * hood.voice * (1.0 + p.organised * hood.digital_ties)
        wanted = between(0.7, 1.3, 1.0 + hood.devolution * local + heard)
        hood.fit += (wanted - hood.fit) / p.lag


@step("mutual_help")
def mutual_help(town: MesaModel, p: MutualHelp) -> None:
    """A pandemic calls up mutual aid, which fades; where it is nurtured it fades later and part becomes groups."""
    for hood in town.neighbourhoods:
        fading = hood.aid / (p.fade * (1.0 + p.longer * hood.mutual_aid))
        hood.aid += p.lift * hood.pandemic / 12.0 - fading
        hood.grown += p.rooted * hood.mutual_aid * fading


@step("child_services")
def nurture(town: MesaModel, p: ChildServices) -> None:
    """Children's centres give every child around them something, and find infants who are ill; schools and parks too.

    The nearer to everybody a centre's reach is, the less another one adds.
    """
    for hood in town.neighbourhoods:
        hood.infants = 0.0
        for band, (first, last) in enumerate(AGE_BANDS):
            at_school = first >= 5 and last <= 17
            hood.nurture[band] = hood.schooling + p.parks * hood.air_and_activity if at_school else 0.0
            for centre in town.services:
                if centre.childhood <= 0.0 or not centre.bands[band]:
                    continue
                posts = centre.posts * offer_to(town, centre, hood, band)
                more = ((1.0 + p.half) * posts / (posts + p.half) - 1.0) * GRADIENT[hood.quintile]
                hood.nurture[band] += centre.childhood * more
                if first == 0:
                    hood.infants += max(0.0, centre.signpost * more)


@step("social_prescribing")
def social_prescribing(town: MesaModel, p: SocialPrescribing) -> None:
    """How full groups are: people whom link workers have sent there, over the room that groups have."""
    link_workers = [service for service in town.services if service.tier == COMMUNITY and service.base_places > 0.0]
    sent = sum(service.helped for service in link_workers)
    usual = sum(service.base_places for service in link_workers)
    town.fullness = sent / usual / room_in_groups(town, p) if usual > 0.0 else 0.0


@step("groups")
def groups(town: MesaModel, p: CommunityGroups) -> None:
    """Groups grow slowly towards what money, time and residents make possible, and fade faster; bought ones come and go
    with their contract."""
    strain = max(0.0, town.fullness - 1.0)
    rested = 1.0 - p.burnout * strain / (1.0 + strain)
    before = [hood.grown for hood in town.neighbourhoods]
    for hood in town.neighbourhoods:
        money = community_money(town, hood)
        bought = p.worth * money * (1.0 - hood.seeded)
        hood.commissioned += (bought - hood.commissioned) / p.contract
        heading = (money * hood.seeded) ** p.lean * (1.0 - p.crowd_out * min(1.0, hood.commissioned)) * rested
        heading *= 1.0 + p.by_time * hood.volunteering_days
        heading *= 1.0 + p.parks * hood.air_and_activity
        heading *= 1.0 + hood.resident_control * gain_of_control(town, p, hood)
        gap = heading - hood.grown
        hood.grown += gap * hood.knowhow / p.build if gap > 0.0 else gap / p.fade
        n = hood.number
        for beside in (n - 1, n + 1):
            if 0 <= beside < len(before):
                hood.grown += p.spread * (before[beside] - before[n])
        hood.grown = max(0.0, hood.grown * (1.0 - min(0.9, p.setback * town.restructuring)))
        remember(p, hood)
        led = max(0.0, 1.0 + p.by_leaders * hood.led)
        hood.energy = saturated(p, hood.grown * led + hood.commissioned + hood.aid)


def community_money(town: MesaModel, hood: NeighbourhoodAgent) -> float:
    """Money for groups over its baseline: the town's, or the neighbourhood's where policies are for some only."""
    for_groups = [service for service in town.services if service.tier == COMMUNITY and service.base_places <= 0.0]
    before = sum(service.base_budget for service in for_groups)
    now = sum(service.plan * offer_in(town, service, hood) for service in for_groups)
    return max(0.0, now) / before if before > 0.0 else 1.0


def gain_of_control(town: MesaModel, p: CommunityGroups, hood: NeighbourhoodAgent) -> float:
    """What it does to groups if residents decide on all their money: a neighbourhood's own luck, the same for good."""
    if rng.uniform(town.lasting_key("whether a few capture resident control"), hood.number) < p.captured:
        return -p.captors
    return p.gain + p.spread_of_fit * (
        2.0 * rng.uniform(town.lasting_key("how resident control fits"), hood.number) - 1.0
    )


def remember(p: CommunityGroups, hood: NeighbourhoodAgent) -> None:
    """Know-how falls at once with groups that close, to a tenth at the least, and returns over years."""
    practised = min(1.0, hood.grown)
    if practised < hood.knowhow:
        hood.knowhow = max(0.1, practised)
    else:
        hood.knowhow += (practised - hood.knowhow) / p.relearn


def saturated(p: CommunityGroups, energy: float) -> float:
    """Energy that members can take in: as it is up to `ease`, then ever less, never above `most`."""
    if energy <= p.ease:
        return max(0.0, energy)
    room = p.most - p.ease
    return p.ease + room * (1.0 - math.exp(-(energy - p.ease) / room))


@step("peers")
def peers(town: MesaModel, p: Peers) -> None:
    """Some who leave serious mental or family need this month become peers if they are asked, for a year or two."""
    for hood in town.neighbourhoods:
        hood.recovered = 0.0
    for event in town.events:
        before = event.person.before[event.domain]
        if town.rates.kind[event.domain] in (MENTAL, FAMILY) and before >= 2 and event.to < before:
            event.person.neighbourhood.recovered += 1.0
    for hood in town.neighbourhoods:
        asked = p.invited * hood.peer_support * (1.0 - p.bought_out * (1.0 - hood.seeded))
        hood.peers += asked * hood.recovered - hood.peers / p.tenure


@step("legitimacy")
def legitimacy(town: MesaModel, p: Legitimacy) -> None:
    """Belief in services follows, over years, how far residents are heard and how many more are refused than usual."""
    unheard = p.hurt * max(0.0, refused_more(town) - p.margin)
    for hood in town.neighbourhoods:
        heading = between(0.5, 1.3, 1.0 + p.heard * hood.voice - unheard)
        hood.legitimacy += (heading - hood.legitimacy) / p.slow


def refused_more(town: MesaModel) -> float:
    """How much larger the refused share is than at baseline: a mean over services by their usual starts a month."""
    more, weight = 0.0, 0.0
    for service in town.services:
        if not is_acute(service):
            starts = service.base_places * service.flow
            more += starts * (service.refused - service.refused_base)
            weight += starts
    return more / weight if weight > 0.0 else 0.0


@step("belief")
def belief(town: MesaModel, p: Legitimacy) -> None:
    """On their birthday people's trust moves as far as their neighbourhood's belief in services lies from the usual."""
    for hood in town.neighbourhoods:
        moved = p.fade * REFERENCE_TRUST * (hood.legitimacy - 1.0)
        if abs(moved) < 1e-9:
            continue
        for person in hood.people:
            if person.lives and person.number % 12 == town.month % 12:
                person.trust = rounded(between(0.0, 1.0, person.trust + moved))
