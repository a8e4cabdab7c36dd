"""One character changed in a kernel of the core, and the comparison with the Mesa telling fails.

`python tests/planted.py` plants a slip in every kernel.
"""

from __future__ import annotations

import pytest
from mutation import everything, first_difference, planted, slip

PEOPLE = 1500
MONTHS = 13
"""A year's end is among them."""
SLIPS = {
    "sim.people.need": ("i, levels) * math.exp(-p.beta_support", "i, levels) * math.exp(+p.beta_support"),
    "sim.people.resilience": ("people.resilience[i] - depth", "people.resilience[i] + depth"),
    "sim.services.spending": ("100.0 + 0.5", "100.0 + 0.6"),
    "sim.networks.groups": ("(target - old) / p.fade", "(target + old) / p.fade"),
    "sim.policies.prevention_share": ("1.0 - moved / losing", "1.0 + moved / losing"),
}


@pytest.mark.slow
@pytest.mark.parametrize("module", SLIPS)
def test_a_slip_in_a_kernel_is_found(module: str, seed: int) -> None:
    """With the slip the tellings part within the first year."""
    scenario = everything(2)
    with planted(slip(module, *SLIPS[module])):
        assert first_difference(scenario, seed, PEOPLE, MONTHS) is not None


@pytest.mark.slow
def test_without_a_slip_nothing_is_found(seed: int) -> None:
    """The same comparison, once the book is as it was, finds no difference."""
    assert first_difference(everything(2), seed, PEOPLE, MONTHS) is None
