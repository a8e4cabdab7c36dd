"""Refuses parameters for which no hazards give the published rates, and names the parameters at fault.

Two tests read the calibration run itself.

- **Crises.** A monthly hazard has an upper limit. If it is reached, the published number of crises cannot be.
- **Visits.** Unmet need leads to visits to walk-in services. If it alone leads to more visits than are published for
  an age band and deprivation fifth, the baseline has too many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sim.scenario.parameters import parameters
from sim.schema.errors import InputError, Phrase

LEAST_CRISES = 0.95
"""Smallest share of the published crises of a domain that the hazards give."""
MOST_VISITS = 1.10
"""Largest number of visits to a walk-in service, relative to the published number."""
NAMED = 2
"""Number of parameters that an error names."""


class CalibrationError(InputError):
    """No hazards give the published rates with these parameters."""


class Diagnosis(NamedTuple):
    """Rates that the baseline has with the solved hazards, relative to the published rates."""

    crises: dict[str, float]
    """Crises by domain; below 1 where hazards are at their limit."""
    visits: dict[str, float]
    """Visits by walk-in service; above 1 where unmet need alone leads to too many."""


def check(diagnosis: Diagnosis, values: Mapping[str, float], place: str) -> None:
    """Refuse parameters for which no hazards give the published rates.

    Parameters
    ----------
    diagnosis : Diagnosis
        The result of the calibration run.
    values : mapping of str to float
        The parameters that are set, by dotted name.
    place : str
        Name of the place whose parameters these are.

    Raises
    ------
    CalibrationError
        It names the parameters that are furthest from their declared values, of those that matter.
    """
    for domain, share in diagnosis.crises.items():
        if share < LEAST_CRISES:
            wanted = f"parameters with which hazards within their limits give the published crises of {domain}"
            raise _refusal(wanted, f"{share:.0%} of these crises", values, (f"domains.{domain}.", "need."), place)
    for service, share in diagnosis.visits.items():
        if share > MOST_VISITS:
            wanted = f"parameters with which unmet need leads to at most {MOST_VISITS:.0%} of the published visits"
            came = f"{share:.0%} of the visits to {service}"
            raise _refusal(wanted, came, values, (f"services.{service}.walk_in.",), place)


def _refusal(
    wanted: str, came: str, values: Mapping[str, float], prefixes: tuple[str, ...], place: str
) -> CalibrationError:
    at_fault = _furthest(values, prefixes, place)
    return CalibrationError("calibration", None, "parameters", wanted, Phrase(f"{came}{at_fault}"))


def _furthest(values: Mapping[str, float], prefixes: tuple[str, ...], place: str) -> str:
    """The parameters that are furthest from their declared values, relative to the width of their ranges."""
    known = parameters(place)
    distance = {
        name: abs(value - known[name].value) / (known[name].spec.high - known[name].spec.low)
        for name, value in values.items()
        if name in known and name.startswith(prefixes)
    }
    names = sorted(distance, key=lambda name: -distance[name])[:NAMED]
    described = [
        f"{name} = {values[name]:.3g} ({known[name].spec.low:g} to {known[name].spec.high:g})" for name in names
    ]
    return f"; far from the declared values: {', '.join(described)}" if described else ""
