"""What the twin keeps of people and counts of them, cell by cell, and what it is given.

A cell is an age group of one kind of neighbourhood. Every array below has place and age group as its last two axes, if
nothing else is said.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.twins.stock_flow.symbolic import A, each_most


class StockState(NamedTuple):
    """The people at the start of a month. Last two axes: place (a kind of neighbourhood), age group."""

    need: A
    """By domain and level; of a domain whose level is the household's, households by their reference person."""
    helped: A
    """By pair of service and level."""
    waiting: A
    people: A
    resilience: A
    """Deviation of the mean from the baseline's."""
    trust: A


class Constants(NamedTuple):
    """What does not change from month to month. Where axes are not told: place and age group."""

    household: A
    """Whether a domain's level is the household's."""
    service: A
    """The service of each pair of service and level served."""
    level: A
    domain: A
    """The domain of each pair."""
    above: A
    """The pair of the same service one level up, or -1."""
    below: A
    adult: A
    """Part of an age group that is 16 or over. Shape (group,), as the next three."""
    young: A
    """Part under 18."""
    old: A
    """Part of 65 or over."""
    infant: A
    """Part of those with serious need who are under 2, by domain and group."""
    up: A
    """Monthly probability of getting worse at baseline, unhelped, by domain and level."""
    down: A
    """Of getting better without help, by domain and level."""
    ask: A
    """Of asking, at baseline, by pair."""
    found: A
    """Part of those found by outreach who are put forward to it, by pair."""
    eligible: A
    """Part of those at the level who are of an age served, by pair."""
    overlap: A
    """Of those whom the second pair's service serves, the part that the first's serves too, by pair, pair and group."""
    outgrow: A
    """Part of those helped who grow out of the ages served within the group, a month, by pair and group."""
    growing: A
    """Part that grows into the next age group, a month."""
    births: A
    """Births a month for each of the youngest group, by place."""
    moving: A
    """Part that moves out a month."""
    settling: float
    """Part of what is missing from the wanted age mix that moves fill in a month."""
    death: A
    """Monthly probability of dying at baseline."""
    newcomer: A
    """Levels of those who move in, by domain and level."""
    takes: A
    """Part of its domain's crises that opens in a service, by service."""
    instead: A
    """The service that one is an alternative to, or -1."""
    instead_for: A
    """Part of people for whom it is one, by service and group."""
    of_domain: A
    """The domain of each service."""
    walk_in: A
    """Visits a month of a person without need, by door."""
    door: A
    knock: A
    """Extra visits of somebody whom nobody helps, by door, domain and level."""
    enters: A
    """Part that may come through, by door and group."""
    arrives: A
    """Part of crises that comes through it too, by door and domain."""
    omega: A
    others: A
    """Mean level in a second domain of those at a level of a first, by domain, level, other domain and group."""
    needs: A
    """Other domains in which somebody at a level has a need, by domain, level and group."""
    serious: A
    """Other domains in which they have a serious one."""
    at_home: A
    """Part of those with a need that people at home can help with who have a well adult there, by group."""
    informal: A
    near: A
    """Others at home, and ties outside it. Shape (2, group)."""
    troubled: A
    """Part of people whose worst need is serious, and who are in crisis, at baseline. Shape (2,)."""
    waits_for: A
    held: A
    """Part of those in crisis who wait for help in another domain at baseline, by domain."""
    parents: float
    """Part of children whose reference person has serious need, at baseline."""
    strained: float
    """Part of adults who live with somebody whose serious care need nobody helps with, at baseline."""
    needy: A
    """Part of people with any need."""
    lives: A
    """Households for each person, by their reference person's age."""
    mean_trust: A
    protection: A
    """By service, as those that follow."""
    recovery: A
    end: A
    give_up: A
    scar: A
    harm: A
    crowd: A
    """The group of people that policies aimed at some tell apart."""
    helps_children: A
    """Part of those helped who are under 18, by pair and group."""
    peers_of: A
    """Domains whose recovered people may become peers."""


class MonthConditions(NamedTuple):
    """What services and places are this month. By service, or by place, if nothing else is said."""

    effect: A
    """Of help, by service and place: quality times practice times fit."""
    room: A
    """Places."""
    rooms: dict[int, A]
    """Places kept for each group of people, by services that divide them."""
    refused: A
    """By service, place and age group."""
    still_ask: A
    """By service, place and age group."""
    relation: A
    """How far a service knows people and fits them."""
    overload: A
    targets: Any
    """Mean steering by targets."""
    outreach: A
    exposure: A
    """By domain and place."""
    infants: A
    energy: A
    weight: A
    nurture: A
    """By place and age group."""
    legitimacy: A
    wanted: A
    """The people that moves aim at, by place and age group."""
    rules: Any


class MechanismParameters(NamedTuple):
    """Parameters of the mechanisms of which this is the average."""

    need: Any
    support: Any
    help_seeking: Any
    waiting: Any
    life: Any
    resilience: Any
    trust: Any
    legitimacy: Any


class Multipliers(NamedTuple):
    """What raises or lowers rates. In the month each is taken over what it is at baseline."""

    worse: A
    """By domain and level."""
    through: A
    """By pair."""
    deaths: A
    """Of persons."""
    death_at: A
    """Of persons at serious need and in crisis, over the mean, by domain and those two."""
    held: A
    """By domain."""
    parents: A
    """By place."""
    strained: A
    """By place."""


class EventFlows(NamedTuple):
    """What a month counts. By domain, service or pair, and place and age group."""

    worse: A
    """By domain and level left."""
    better: A
    opened: A
    scars: A
    """Depth of the scars of crises, summed, before a person's own factors."""
    asked: A
    turned_away: A
    gave_up: A
    started: A
    ended: A
    delayed: A
    recovered: A
    """By place."""


class DemographicFlows(NamedTuple):
    """What life counts, by place and age group."""

    died: A
    arrived: A
    left: A
    born: A
    """By place."""


class Shares(NamedTuple):
    """Of persons, by domain, place and age group; a household's level is that of every person of the place."""

    mean: A
    some: A
    serious: A
    crisis: A


def over(top: A, bottom: A) -> A:
    """A ratio of counts; 0 where there is nobody."""
    out: A = top / each_most(bottom, 1e-9)
    return out


def anybody(parts: A) -> A:
    """The part of people with at least one of several things that have nothing to do with one another."""
    none = 1.0 - parts[0]
    for part in parts[1:]:
        none = none * (1.0 - part)
    out: A = 1.0 - none
    return out
