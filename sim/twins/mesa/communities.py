"""Neighbourhoods: common exposures, groups and their leaders, mutual help, peers, and trust in services."""

from __future__ import annotations

import math

from sim.feedback.legitimacy import Legitimacy
from sim.networks.exposure import Exposure
from sim.networks.groups import CommunityGroups
from sim.networks.local_fit import LocalFit
from sim.networks.mutual_help import MutualHelp
from sim.networks.peers import Peers
from sim.networks.social_prescribing import SocialPrescribing
from sim.schema.quantities import AGE_BANDS
from sim.services.child_services import ChildServices
from sim.state.codes import COMMUNITY, ECONOMIC, FAMILY, MENTAL, PHYSICAL, REFERENCE_TRUST
from sim.twins.mesa import rng
from sim.twins.mesa.aims import offer_in, offer_to
from sim.twins.mesa.budget import is_acute
from sim.twins.mesa.month import step
from sim.twins.mesa.people import NeighbourhoodAgent
from sim.twins.mesa.quality import room_in_groups
from sim.twins.mesa.rng import rounded
from sim.twins.mesa.town import Town
from sim.twins.mesa.workforce import clamp

GRADIENT = (2.0, 1.5, 1.0, 0.4, 0.1)
"""Effect of children's centres by deprivation fifth, over the mean effect."""
MOST_LEADERS = 64
"""Largest number of group leaders in a neighbourhood: each leader has a random number of their own."""


@step("exposure")
def exposure(town: Town, p: Exposure) -> None:
    """Exposure in a neighbourhood follows its causes with a delay, within `p.lowest` to `p.highest`."""
    for hood in town.neighbourhoods:
        for d, kind in enumerate(town.rates.kind):
            target = math.exp(from_services(town, p, d) + from_place(p, hood, kind))
            hood.exposure[d] = clamp(p.lowest, p.highest, hood.exposure[d] + (target - hood.exposure[d]) / p.lag)


def from_services(town: Town, p: Exposure, d: int) -> float:
    """Effect of services for everybody (public health) on a domain's log hazard: a constant for each doubling of posts.

    The posts are at least `p.least_posts`, and their logarithm to base 2 is at most `p.most_doublings`.
    """
    return sum(
        service.exposure[d] * min(p.most_doublings, math.log2(max(p.least_posts, service.posts)))
        for service in town.services
    )


def from_place(p: Exposure, hood: NeighbourhoodAgent, kind: int) -> float:
    """Effect of air, housing, work, income, recession, pandemic and peers on the log hazard of a kind of need."""
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
def leaders(town: Town, p: CommunityGroups) -> None:
    """Group leaders leave after some years. More leaders arrive where groups have energy and where organisers work.

    Leadership spreads to the next neighbourhood: one gains the amount that the other loses, until both are equal.
    """
    neighbour: NeighbourhoodAgent | None = None
    for hood in town.neighbourhoods:
        leavers = sum(
            rng.uniform(town.key("leader leaves"), MOST_LEADERS * hood.number + k) < 1.0 / p.tenure
            for k in range(int(hood.leaders))
        )
        attraction = 1.0 + p.welcome * (hood.energy - 1.0) + p.by_organiser * hood.organisers
        arrives = rng.uniform(town.key("leader comes"), hood.number) < p.leaders / p.tenure * max(0.0, attraction)
        hood.leaders = min(float(MOST_LEADERS), hood.leaders - leavers + arrives)
        hood.led += (hood.leaders / p.leaders - 1.0 - hood.led) / p.ripens
        if neighbour is not None:
            flow = p.spread * (neighbour.led - hood.led)
            hood.led += flow
            neighbour.led -= flow
        neighbour = hood


@step("local_fit")
def local_fit(town: Town, p: LocalFit) -> None:
    """The fit of services to a neighbourhood follows its own decisions and residents' voice.

    The quality of its decisions depends on its practice and on a permanent chance effect. The target of the fit is
    limited to the range from `p.lowest` to `p.highest`.
    """
    for hood in town.neighbourhoods:
        u = 2.0 * rng.uniform(town.permanent_key("how well a place decides"), hood.number) - 1.0
        local = p.by_practice * (hood.practice - 1.0) + p.varies * u
        residents_heard = p.by_voice * hood.voice * (1.0 + p.organised * hood.digital_ties)
        target_fit = clamp(p.lowest, p.highest, 1.0 + hood.devolution * local + residents_heard)
        hood.fit += (target_fit - hood.fit) / p.lag


@step("mutual_help")
def mutual_help(town: Town, p: MutualHelp) -> None:
    """A pandemic starts mutual aid, which fades. With support it fades more slowly and part of it becomes groups."""
    for hood in town.neighbourhoods:
        fading = hood.aid / (p.fade * (1.0 + p.longer * hood.mutual_aid))
        hood.aid += p.lift * hood.pandemic / 12.0 - fading
        hood.grown += p.rooted * hood.mutual_aid * fading


@step("child_services")
def child_services(town: Town, p: ChildServices) -> None:
    """Children's centres, schools and parks raise the resilience of children, and centres detect need in infants.

    The effect of a centre's additional posts falls as its reach grows.
    """
    for hood in town.neighbourhoods:
        hood.infants = 0.0
        for band, (first, last) in enumerate(AGE_BANDS):
            at_school = first >= 5 and last <= 17
            hood.nurture[band] = hood.schooling + p.parks * hood.air_and_activity if at_school else 0.0
            for centre in town.services:
                if centre.childhood <= 0.0 or not centre.bands[band]:
                    continue
                gradient = p.steep * GRADIENT[hood.quintile] + (1.0 - p.steep)
                posts = centre.posts * offer_to(town, centre, hood, band)
                increase = ((1.0 + p.half) * posts / (posts + p.half) - 1.0) * gradient
                hood.nurture[band] += centre.childhood * increase
                if first == 0:
                    hood.infants += max(0.0, centre.signpost * increase)


@step("social_prescribing")
def social_prescribing(town: Town, p: SocialPrescribing) -> None:
    """Occupancy of groups: the people referred by link workers over the groups' capacity."""
    link_workers = [service for service in town.services if service.tier == COMMUNITY and service.base_places > 0.0]
    referred = sum(service.helped for service in link_workers)
    baseline_places = sum(service.base_places for service in link_workers)
    town.fullness = referred / baseline_places / room_in_groups(town, p) if baseline_places > 0.0 else 0.0


@step("groups")
def groups(town: Town, p: CommunityGroups) -> None:
    """Groups grow slowly towards the level that money, time and residents allow, and decline faster.

    Commissioned groups come and go with their contracts.
    """
    overfill = max(0.0, town.fullness - 1.0)
    burnout_factor = 1.0 - p.burnout * overfill / (1.0 + overfill)
    before = [hood.grown for hood in town.neighbourhoods]
    for hood in town.neighbourhoods:
        money = relative_funding(town, hood)
        commissioned_target = p.worth * money * (1.0 - hood.seeded)
        hood.commissioned += (commissioned_target - hood.commissioned) / p.contract
        target = (money * hood.seeded) ** p.lean * (1.0 - p.crowd_out * min(1.0, hood.commissioned)) * burnout_factor
        target *= 1.0 + p.by_time * hood.volunteering_days
        target *= 1.0 + p.parks * hood.air_and_activity
        target *= 1.0 + hood.resident_control * control_effect(town, p, hood)
        gap = target - hood.grown
        hood.grown += gap * hood.knowhow / p.build if gap > 0.0 else gap / p.fade
        n = hood.number
        for neighbour in (n - 1, n + 1):
            if 0 <= neighbour < len(before):
                hood.grown += p.spread * (before[neighbour] - before[n])
        hood.grown = max(0.0, hood.grown * (1.0 - min(p.most_lost, p.setback * town.restructuring)))
        update_knowhow(p, hood)
        leader_factor = max(0.0, 1.0 + p.by_leaders * hood.led)
        hood.energy = saturated_energy(p, hood.grown * leader_factor + hood.commissioned + hood.aid)


def relative_funding(town: Town, hood: NeighbourhoodAgent) -> float:
    """Money for groups over its baseline, in the neighbourhood's share if policies are for some people only."""
    for_groups = [service for service in town.services if service.tier == COMMUNITY and service.base_places <= 0.0]
    before = sum(service.base_budget for service in for_groups)
    current = sum(service.plan * offer_in(town, service, hood) for service in for_groups)
    return max(0.0, current) / before if before > 0.0 else 1.0


def control_effect(town: Town, p: CommunityGroups, hood: NeighbourhoodAgent) -> float:
    """Effect on groups if residents decide on all of their money: a permanent chance effect of the neighbourhood."""
    if rng.uniform(town.permanent_key("whether a few capture resident control"), hood.number) < p.captured:
        return -p.captors
    return p.gain + p.spread_of_fit * (
        2.0 * rng.uniform(town.permanent_key("how resident control fits"), hood.number) - 1.0
    )


def update_knowhow(p: CommunityGroups, hood: NeighbourhoodAgent) -> None:
    """Know-how falls at once if groups close, to at least `p.least_knowhow`, and returns over years."""
    activity = min(1.0, hood.grown)
    if activity < hood.knowhow:
        hood.knowhow = max(p.least_knowhow, activity)
    else:
        hood.knowhow += (activity - hood.knowhow) / p.relearn


def saturated_energy(p: CommunityGroups, energy: float) -> float:
    """Energy with saturation: unchanged up to `p.ease`, then increasing ever more slowly, always below `p.most`."""
    if energy <= p.ease:
        return max(0.0, energy)
    headroom = p.most - p.ease
    return p.ease + headroom * (1.0 - math.exp(-(energy - p.ease) / headroom))


@step("peers")
def peers(town: Town, p: Peers) -> None:
    """Some people whose serious mental or family need eases become peers if invited, for one or two years."""
    for hood in town.neighbourhoods:
        hood.recovered = 0.0
    for event in town.events:
        before = event.person.before[event.domain]
        if town.rates.kind[event.domain] in (MENTAL, FAMILY) and before >= 2 and event.new_level < before:
            event.person.neighbourhood.recovered += 1.0
    for hood in town.neighbourhoods:
        invited = p.invited * hood.peer_support * (1.0 - p.bought_out * (1.0 - hood.seeded))
        hood.peers += invited * hood.recovered - hood.peers / p.tenure


@step("legitimacy")
def legitimacy(town: Town, p: Legitimacy) -> None:
    """Legitimacy of services follows residents' voice and the excess of refusals over the baseline, over years.

    Its target is limited to the range from `p.lowest` to `p.highest`.
    """
    refusal_penalty = p.hurt * max(0.0, excess_refusals(town) - p.margin)
    for hood in town.neighbourhoods:
        target = clamp(p.lowest, p.highest, 1.0 + p.heard * hood.voice - refusal_penalty)
        hood.legitimacy += (target - hood.legitimacy) / p.slow


def excess_refusals(town: Town) -> float:
    """Excess of the refused share over its baseline: a mean over services, weighted by baseline starts a month."""
    increase, weight = 0.0, 0.0
    for service in town.services:
        if not is_acute(service):
            starts = service.base_places * service.flow
            increase += starts * (service.refused - service.refused_base)
            weight += starts
    return increase / weight if weight > 0.0 else 0.0


@step("belief")
def belief(town: Town, p: Legitimacy) -> None:
    """On birthdays, trust changes in proportion to the deviation of the neighbourhood's legitimacy from 1."""
    for hood in town.neighbourhoods:
        trust_change = p.fade * REFERENCE_TRUST * (hood.legitimacy - 1.0)
        if abs(trust_change) < 1e-9:
            continue
        for person in hood.people:
            if person.is_present and person.number % 12 == town.month % 12:
                person.trust = rounded(clamp(0.0, 1.0, person.trust + trust_change))
