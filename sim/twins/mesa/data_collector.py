"""What Mesa's DataCollector notes each month: of the town, and if asked of every person, service and neighbourhood."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mesa import DataCollector

from sim.services.catalogue import load_catalogue
from sim.twins.mesa.bookkeeping import CRISIS, EMERGING, SERIOUS
from sim.twins.mesa.people import NeighbourhoodAgent, PersonAgent, ServiceAgent

if TYPE_CHECKING:
    from sim.twins.mesa.model import MesaModel

COUNTED = tuple(s for s, service in enumerate(load_catalogue()) if service.tier == "acute" and service.counts)
"""Acute services whose episodes make up acute demand."""


def total(counts: Any) -> float:
    """The sum of lists of lists."""
    return sum(map(total, counts)) if isinstance(counts, list) else counts


def people(town: MesaModel) -> int:
    """People who live in the town."""
    return int(total(town.counts.people))


def acute_demand(town: MesaModel) -> float:
    """Acute episodes per 1,000 people and year, by this month's."""
    return 12000.0 * sum(total(town.counts.opened[s]) for s in COUNTED) / max(1, people(town))


def acute_episodes(town: MesaModel) -> int:
    """Acute episodes that opened this month."""
    return int(sum(total(town.counts.opened[s]) for s in COUNTED))


def helped(town: MesaModel) -> int:
    """People being helped; somebody helped in two domains counts twice."""
    return sum(service.helped for service in town.services)


def waiting(town: MesaModel) -> int:
    """People waiting for help, counted likewise."""
    return sum(service.queue for service in town.services)


def turned_away(town: MesaModel) -> int:
    """Requests for help that were refused this month."""
    return int(total(town.counts.turned_away))


def need_at(level: int) -> Callable[[MesaModel], int]:
    """How many needs are at a level, over all domains; a household's counts once."""

    def need(town: MesaModel) -> int:
        return int(sum(total(levels[level]) for levels in town.counts.census))

    return need


def spent(town: MesaModel) -> float:
    """Pounds that services spent this month."""
    return sum(service.spent for service in town.services) / 100.0


OF_TOWN: dict[str, Callable[[MesaModel], float]] = {
    "residents": people,
    "acute_demand": acute_demand,
    "acute_episodes": acute_episodes,
    "helped": helped,
    "waiting": waiting,
    "turned_away": turned_away,
    "emerging": need_at(EMERGING),
    "serious": need_at(SERIOUS),
    "crises": need_at(CRISIS),
    "spent": spent,
}
OF_EACH: dict[type, dict[str, Any]] = {
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


def collector(*, everybody: bool) -> DataCollector:
    """A collector of the town's figures; `everybody` adds a row a month for each person, service and neighbourhood."""
    return DataCollector(  # type: ignore[no-untyped-call]  # Mesa's
        model_reporters=dict(OF_TOWN), agenttype_reporters=OF_EACH if everybody else None
    )
