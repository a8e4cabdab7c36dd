"""Weights with which acute episodes are added up: a unit cost each, or one each with admitted visits counted once.

Claim     Unit cost of an episode = its first month + the cost of a further month * the further months of a crisis in
          the domain's file, averaged over England's new crises by age and fifth. Where a crisis also opens a visit to a
          service with an open door, the plain count leaves out the share of those crises that the door's file states
          (arrives_with_crisis_share), so that a visit that ends in an admission is one episode.
Evidence  Costs, lengths and shares are those of the catalogue and of the domains' files.
Limits    The weights are the same in every run: a parameter that is set or drawn changes what happens, not the
          yardstick. The length of an episode is the planned one: a discharge that is delayed, and care that costs more
          over capacity, are in spending and not in the weights. Ages of households' reference persons are taken as
          those of people. The record does not say which visit ended in an admission, so the count uses the mean share.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sim.people.domains import Domain, load_domains
from sim.place.place import Place
from sim.place.population_mix import ENGLAND, population_mix
from sim.schema.quantities import AGE_BAND_NAMES
from sim.services.catalogue import Service, load_catalogue

F = npt.NDArray[np.float64]


@lru_cache(maxsize=1)
def _england() -> F:
    return population_mix(Place.load(ENGLAND))


def unit_cost(service: Service) -> float:
    """Compute the expected cost of an episode of an acute service.

    Parameters
    ----------
    service : Service
        An acute service.

    Returns
    -------
    float
        Pounds, at the prices of the catalogue.
    """
    cost = service.cost
    if cost is None or cost.per_episode is None or cost.per_month is None:
        raise ValueError(f"'{service.id}' is no acute service")
    domain = next(domain for domain in load_domains() if domain.id == service.domain)
    return cost.per_episode.value + cost.per_month.value * further_months(service, domain)


def further_months(service: Service, domain: Domain) -> float:
    """Compute how many months an episode lasts after its first, on average over England's new crises.

    Parameters
    ----------
    service : Service
        An acute service.
    domain : Domain
        Its domain of need.

    Returns
    -------
    float
        0 for a service that takes no crises: a visit ends within the month.
    """
    shares = np.array([service.crisis_share.get(band, 0.0) for band in AGE_BAND_NAMES])
    england = _england()
    new = (domain.crisis.per_year(england) * england).sum(axis=1) * shares
    return float((new * (domain.crisis.months() - 1.0)).sum() / new.sum()) if new.any() else 0.0


def share_counted(service: Service) -> float:
    """Compute the share of a service's episodes that no other service counts too.

    Parameters
    ----------
    service : Service
        An acute service.

    Returns
    -------
    float
        1 less the share of its crises that also open a visit at an open door of the same domain.
    """
    doors = [
        other.walk_in.arrives_with_crisis_share.value
        for other in load_catalogue()
        if other.walk_in is not None and other.counts and other.domain == service.domain and other.id != service.id
    ]
    return max(0.0, 1.0 - sum(doors))
