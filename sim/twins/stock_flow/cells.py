"""The twin's state, constants, inputs and counts of people, by cell.

A cell is an age group of one kind of neighbourhood. The last two axes of every array in this file are place (a kind of
neighbourhood) and age group, unless stated otherwise.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.twins.stock_flow.symbolic import A, each_most


class StockState(NamedTuple):
    """The people at the start of a month."""

    need: A
    """People by domain and level. In domains that a household shares: households, by their reference person."""
    helped: A
    """People helped, by pair of service and level."""
    waiting: A
    """People waiting, by pair of service and level."""
    people: A
    resilience: A
    """Deviation of mean resilience from the baseline's."""
    trust: A
    """Deviation of mean trust from the baseline's."""


class Constants(NamedTuple):
    """Values that do not change from month to month. Axes that are not stated are place and age group."""

    household: A
    """Whether a domain's level is shared by the household. Shape (domain,)."""
    service: A
    """The service of each pair of service and level served. Shape (pair,), as the next four."""
    level: A
    """The level of each pair."""
    domain: A
    """The domain of each pair."""
    above: A
    """The pair of the same service one level up, or -1."""
    below: A
    """The pair of the same service one level down, or -1."""
    adult: A
    """Share of an age group that is 16 or over. Shape (group,), as the next two."""
    young: A
    """Share under 18."""
    old: A
    """Share of 65 or over."""
    infant: A
    """Share of people with serious need who are under 2, by domain and group."""
    up: A
    """Monthly probability of getting worse at baseline without help, by domain and level."""
    down: A
    """Monthly probability of getting better without help, by domain and level."""
    ask: A
    """Monthly probability of asking at baseline, by pair."""
    outreach: A
    """Share of the people reached by outreach who are referred to the pair's service, by pair."""
    eligible: A
    """Share of people at the level who are of an age served, by pair."""
    overlap: A
    """Share of the people served by the second pair's service whom the first serves too, by pair and pair."""
    outgrow: A
    """Share of people helped who grow out of the ages served within the age group, per month, by pair."""
    growing: A
    """Share that grows into the next age group, per month."""
    births: A
    """Births per month for each person of the youngest group, by place."""
    moving: A
    """Share that moves out, per month."""
    settling: float
    """Share of the gap to the target age mix that moves fill in a month."""
    death: A
    """Monthly probability of death at baseline."""
    newcomer: A
    """Shares of levels of people who move in, by domain and level."""
    crisis_share: A
    """Share of a domain's crises that a service takes, by service."""
    instead: A
    """The service to which a service is an alternative, or -1. Shape (service,)."""
    instead_for: A
    """Share of people of an age served by the alternative, by service."""
    of_domain: A
    """The domain of each service."""
    walk_in: A
    """Attendances per month of a person without need, by walk-in service ("door")."""
    door: A
    """The service of each door."""
    knock: A
    """Additional attendances of a person without help, by door, domain and level."""
    enters: A
    """Share of people of an age that may attend, by door."""
    arrives: A
    """Share of crises that also open an episode at a door, by door and domain."""
    omega: A
    """Effect of the level in a second domain on the hazard of a first, by domain and domain."""
    others: A
    """Mean level in a second domain of people at a level of a first, by domain, level, second domain and group."""
    needs: A
    """Number of other domains in which a person at a level has a need, by domain, level and group."""
    serious: A
    """Number of other domains in which the person has serious need, by domain, level and group."""
    at_home: A
    """Share of people with a need for informal care who live with a well adult, by group."""
    informal: A
    """Whether people at home can give care in a domain. Shape (domain,)."""
    contacts: A
    """Number of other people at home, and of ties outside the home. Shape (2, group)."""
    troubled: A
    """Share of people whose highest need is serious, and share in crisis, at baseline. Shape (2,)."""
    waits_for: A
    """The domain whose help must be in place before a domain's crisis can end, or -1. Shape (domain,)."""
    delayed: A
    """Share of people in crisis who wait for help in another domain at baseline, by domain."""
    parents: float
    """Share of children whose reference person has serious need, at baseline."""
    strained: float
    """Share of adults who live with a person whose serious care need has no help from a service, at baseline."""
    needy: A
    """Share of people with any need."""
    households: A
    """Households per person, by the reference person's age group."""
    mean_trust: A
    protection: A
    """Protection by help, by service. Shape (service,), as the next five."""
    recovery: A
    end: A
    give_up: A
    scar: A
    harm: A
    policy_group: A
    """The group of people that policies distinguish."""
    helps_children: A
    """Share of people helped who are under 18, by pair."""
    peers_of: A
    """Domains in which people who recover may become peers."""


class MonthConditions(NamedTuple):
    """The state of services and places in a month, as inputs of the flows. By service or by place, unless stated."""

    effect: A
    """Effect of help, by service and place: quality times practice times fit."""
    room: A
    """Number of places, by service."""
    rooms: dict[int, A]
    """Places for each group of people, by service, for services that divide their places between groups."""
    refused: A
    """Share of requests refused, by service, place and age group."""
    still_ask: A
    """Share of people who still ask if their group's offer is reduced, by service, place and age group."""
    relation: A
    """Continuity and fit of a service, by service."""
    overload: A
    targets: Any
    """Mean of `targets` over services."""
    outreach: A
    exposure: A
    """Exposure, by domain and place."""
    infants: A
    energy: A
    weight: A
    nurture: A
    """Effect of children's services on resilience, by place and age group."""
    legitimacy: A
    wanted: A
    """Target number of people of the age mix, by place and age group."""
    rules: Any
    """Policy settings, by neighbourhood."""


class MechanismParameters(NamedTuple):
    """Parameters of the mechanisms that the flows average."""

    need: Any
    support: Any
    help_seeking: Any
    waiting: Any
    life: Any
    resilience: Any
    trust: Any
    legitimacy: Any


class Multipliers(NamedTuple):
    """Multipliers of rates. In the month each is divided by its baseline value."""

    worse: A
    """Of the hazard of getting worse, by domain and level."""
    through: A
    """Of the share of requests that reach a service, by pair."""
    deaths: A
    """Of the probability of death of people."""
    death_at: A
    """Of the probability of death with serious need and in crisis, over the mean, by domain and these two levels."""
    delayed: A
    """Share of people with serious need and no help, in the domain that a crisis waits for, by domain of the crisis."""
    parents: A
    """Share of adults with serious need or in crisis in any domain, by place."""
    strained: A
    """People with serious care need without help, per person, by place."""


class EventFlows(NamedTuple):
    """Flows of need and help in a month. By domain, service or pair, and place and age group."""

    worse: A
    """People whose need gets worse, by domain and the level they leave."""
    better: A
    """People whose need gets better, by domain and the level they leave."""
    opened: A
    """Acute episodes, by service."""
    scars: A
    """Sum of the losses of resilience in crises, before a person's own factors."""
    asked: A
    """Requests, by pair, as are the next four."""
    turned_away: A
    gave_up: A
    started: A
    ended: A
    delayed: A
    """People whose crisis does not end because help in another domain is missing."""
    recovered: A
    """People who leave serious need or crisis in a domain of peers, by place."""


class DemographicFlows(NamedTuple):
    """Demographic flows in a month."""

    died: A
    arrived: A
    left: A
    born: A
    """Births, by place."""


class Shares(NamedTuple):
    """The distribution of need among people, by domain, place and age group.

    In domains that a household shares, the shares of a place's households apply to all people of the place.
    """

    mean: A
    """Mean level."""
    some: A
    """Share with any need."""
    serious: A
    """Share with serious need or in crisis."""
    crisis: A
    """Share in crisis."""


def ratio(top: A, bottom: A) -> A:
    """A ratio of counts; 0 if both counts are 0."""
    out: A = top / each_most(bottom, 1e-9)
    return out


def any_of(probabilities: A) -> A:
    """The probability of at least one of several independent events."""
    no_event = 1.0 - probabilities[0]
    for probability in probabilities[1:]:
        no_event = no_event * (1.0 - probability)
    out: A = 1.0 - no_event
    return out
