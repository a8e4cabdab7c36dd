"""Groups of services by tier, by kind of prevention, and by whether their episodes count as acute demand."""

from __future__ import annotations

from sim.services.catalogue import load_catalogue
from sim.state.codes import ACUTE, COMMUNITY, PREVENTIVE, RESPONSIVE, PreventionKind


def services_of(tier: int) -> list[int]:
    """List the positions of the services of a tier.

    Parameters
    ----------
    tier : int
        Code of the tier, such as `sim.state.codes.ACUTE`.

    Returns
    -------
    list of int
    """
    order = {"preventive": PREVENTIVE, "responsive": RESPONSIVE, "acute": ACUTE, "community": COMMUNITY}
    return [k for k, s in enumerate(load_catalogue()) if order[s.tier] == tier]


def counted_services() -> list[int]:
    """List the positions of the acute services whose episodes count as acute demand.

    Returns
    -------
    list of int
    """
    return [k for k in services_of(ACUTE) if load_catalogue()[k].counts]


def services_of_kind(kind: PreventionKind) -> list[int]:
    """List the positions of the services of a kind of prevention.

    Parameters
    ----------
    kind : str
        A kind of `sim.state.codes.PREVENTION_KINDS`.

    Returns
    -------
    list of int
    """
    return [k for k, s in enumerate(load_catalogue()) if s.prevention == kind]


def names_of(services: list[int]) -> tuple[str, ...]:
    """List the ids of services.

    Parameters
    ----------
    services : list of int
        Positions in the catalogue.

    Returns
    -------
    tuple of str
    """
    catalogue = load_catalogue()
    return tuple(catalogue[k].id for k in services)
