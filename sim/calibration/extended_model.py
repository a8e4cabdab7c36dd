"""Extensions in calibration: the part of the model that a supplied solution belongs to, and what extensions add to it.

A supplied solution belongs to the services, domains and parameters of the package. Services and mechanisms of an
extension (sim/schema/extensions.py) change the baseline: the supplied solution is adapted to them, as to other
parameters (paired_run.py). Levers that no policy moves change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sim.engine.schedule import REGISTRY
from sim.hazards import FIRST_ASK, Solution
from sim.people import domains as people_domains
from sim.people.domains import Domain, load_domains
from sim.scenario.calibration_mode import Calibrate
from sim.schema import extensions
from sim.schema.quantities import Params
from sim.services import catalogue
from sim.services.catalogue import Service, load_catalogue

F = npt.NDArray[np.float64]


def package_figures(
    params: Mapping[str, Params],
) -> tuple[dict[str, Params], tuple[Domain, ...], tuple[Service, ...]]:
    """The parameters, domains and services of the package alone.

    Parameters
    ----------
    params : mapping of str to Params
        Parameters by mechanism, with those of extensions.

    Returns
    -------
    params : dict of str to Params
    domains : tuple of Domain
    services : tuple of Service
    """
    further = extensions.modules()
    shipped = {name: values for name, values in params.items() if name not in further}
    return shipped, load_domains(people_domains.FOLDER), load_catalogue(catalogue.FOLDER)


def further_mechanisms() -> tuple[str, ...]:
    """Names of the mechanisms of extensions that run without a policy."""
    further = set(extensions.modules())
    return tuple(
        entry.name for entry in REGISTRY.month() if entry.lever is None and entry.module.rsplit(".", 1)[-1] in further
    )


def has_domains() -> bool:
    """Whether an extension has a domain of need. A supplied solution has no hazards of it and cannot be adapted."""
    return any(extensions.files("domains"))


def changes_baseline(mode: Calibrate) -> bool:
    """Whether extensions change the baseline, so that a supplied solution does not belong to it.

    Parameters
    ----------
    mode : str
        How the hazards are solved. With "none" mechanisms leave them as they are; a service always needs a probability
        of asking.

    Returns
    -------
    bool
    """
    return any(extensions.files("services")) or (mode != "none" and bool(further_mechanisms()))


def with_services(solution: Solution, services: Sequence[Service]) -> Solution:
    """A solution with first values for further services, which follow the others.

    Parameters
    ----------
    solution : Solution
        The solution of the package's services.
    services : sequence of Service
        The further services.

    Returns
    -------
    Solution
    """
    return solution._replace(
        ask=padded(solution.ask, len(services), FIRST_ASK),
        care=padded(solution.care, len(services), 1.0),
        room=padded(solution.room, len(services), 1.0),
        knocks=padded(solution.knocks, walk_ins(services), 0.0),
    )


def walk_ins(services: Sequence[Service]) -> int:
    """The number of services that people attend without a crisis."""
    return sum(service.walk_in is not None for service in services)


def padded(values: F, count: int, value: float) -> F:
    """An array with more rows at the end, each filled with a value."""
    return np.concatenate([values, np.full((count, *values.shape[1:]), value)])
