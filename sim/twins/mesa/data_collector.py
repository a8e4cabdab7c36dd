"""Values that Mesa's DataCollector records each month for the town and, on request, for each agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mesa import DataCollector

from sim.results.episode_weights import share_counted, unit_cost
from sim.results.service_groups import counted_services
from sim.services.catalogue import load_catalogue
from sim.twins.mesa.people import NeighbourhoodAgent, PersonAgent, ServiceAgent
from sim.twins.mesa.town import Town
from sim.twins.mesa.updates import CRISIS, EMERGING, SERIOUS

COUNTED_SERVICES = {s: load_catalogue()[s] for s in counted_services()}
"""Acute services whose episodes make up acute demand, by number."""
UNIT_COSTS = {s: unit_cost(service) for s, service in COUNTED_SERVICES.items()}
SHARES_COUNTED = {s: share_counted(service) for s, service in COUNTED_SERVICES.items()}
"""Pounds per episode, and the share of episodes that no other service counts too, by number of the service."""


def total(counts: Any) -> float:
    """The sum of nested lists."""
    return sum(map(total, counts)) if isinstance(counts, list) else counts


def people(town: Town) -> int:
    """Number of people who live in the town."""
    return int(total(town.counts.people))


def acute_demand_in_pounds(town: Town) -> float:
    """Acute episodes at their unit cost, in pounds per person per year, at this month's rate."""
    return 12.0 * _weighted_episodes(town, UNIT_COSTS) / max(1, people(town))


def acute_episodes(town: Town) -> float:
    """Acute episodes per 1,000 people per year, at this month's rate, an admitted visit counted once."""
    return 12000.0 * _weighted_episodes(town, SHARES_COUNTED) / max(1, people(town))


def _weighted_episodes(town: Town, weights: dict[int, float]) -> float:
    return sum(weight * total(town.counts.opened[s]) for s, weight in weights.items())


def helped(town: Town) -> int:
    """Number of people being helped. A person helped in two domains counts twice."""
    return sum(service.helped for service in town.services)


def waiting(town: Town) -> int:
    """Number of people waiting for help. A person waiting in two domains counts twice."""
    return sum(service.queue for service in town.services)


def turned_away(town: Town) -> int:
    """Number of requests for help refused this month."""
    return int(total(town.counts.turned_away))


def need_at(level: int) -> Callable[[Town], int]:
    """A reporter of the number of needs at a level, over all domains. A need shared by a household counts once."""

    def count(town: Town) -> int:
        return int(sum(total(levels[level]) for levels in town.counts.census))

    return count


def spent(town: Town) -> float:
    """Spending of all services this month, in pounds."""
    return sum(service.spent for service in town.services) / 100.0


TOWN_REPORTERS: dict[str, Callable[[Town], float]] = {
    "residents": people,
    "acute_demand_in_pounds": acute_demand_in_pounds,
    "acute_episodes": acute_episodes,
    "helped": helped,
    "waiting": waiting,
    "turned_away": turned_away,
    "emerging": need_at(EMERGING),
    "serious": need_at(SERIOUS),
    "crises": need_at(CRISIS),
    "spent": spent,
}
AGENT_REPORTERS: dict[type, dict[str, Any]] = {
    PersonAgent: {
        "place": "number",
        "age": "age",
        "worst": lambda person: max(person.level),
        "resilience": "resilience",
        "trust": "trust",
    },
    ServiceAgent: {name: name for name in ("helped", "queue", "posts", "quality", "wait", "spent")},
    NeighbourhoodAgent: {name: name for name in ("energy", "practice", "peers", "legitimacy")},
}


def collector(*, agents: bool) -> DataCollector:
    """A collector of the town's values. `agents` adds a row a month for each person, service and neighbourhood."""
    return DataCollector(  # type: ignore[no-untyped-call]  # Mesa's
        model_reporters=dict(TOWN_REPORTERS), agenttype_reporters=AGENT_REPORTERS if agents else None
    )
