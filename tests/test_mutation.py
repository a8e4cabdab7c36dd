"""With one character of a kernel of the core changed, the comparison with the Mesa implementation fails.

`python tests/mutation.py` mutates every kernel.
"""

from __future__ import annotations

import pytest
from mutation import applied, everything, first_difference, mutation_of

PEOPLE = 1500
MONTHS = 13
"""The end of a year is included."""
MUTATIONS = {
    "sim.people.need": ("i, levels) * math.exp(-p.beta_support", "i, levels) * math.exp(+p.beta_support"),
    "sim.people.resilience": ("people.resilience[i] - depth", "people.resilience[i] + depth"),
    "sim.services.spending": ("100.0 + 0.5", "100.0 + 0.6"),
    "sim.networks.groups": ("(target - old) / p.fade", "(target + old) / p.fade"),
    "sim.policies.prevention_share": (
        "path[clock.month, 0] * (gaining + losing)",
        "path[clock.month, 0] * (gaining - losing)",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("module", MUTATIONS)
def test_a_mutation_of_a_kernel_is_detected(module: str, seed: int) -> None:
    """With the mutation, the implementations differ within the first 13 months."""
    scenario = everything(2)
    with applied(mutation_of(module, *MUTATIONS[module])):
        assert first_difference(scenario, seed, PEOPLE, MONTHS) is not None


@pytest.mark.slow
def test_without_a_mutation_there_is_no_difference(seed: int) -> None:
    """After the mutations, with the registry restored, the same comparison has no difference."""
    assert first_difference(everything(2), seed, PEOPLE, MONTHS) is None
