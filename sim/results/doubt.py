"""What the bands of a comparison do not contain, and which draws are missing from them, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

BEYOND_BANDS = (
    "Not in any band: doubt about the model's structure and scope. Of nine published effects that `upstream validate` "
    "simulates, five come out wrong by a factor of 2 or more, and one by a factor of 10."
)
"""The order of magnitude of doubt beyond chance and parameters.

Counted in simulations of 10 seeds with central parameters, as the larger of simulated over published and published over
simulated: A&E visits of older people 3.5 (V1), young people's offending 2.7 (V2), two age groups of Sure Start 1.0 and
1.3 (V3), the cost of a QALY 10 (V4, which tests the ratio of two such costs alone), continuity 1.1 (V5), early help's
share 2.1, its spending 1.5, and adult social care's share 3.9 (V6).
"""


def refusals(refused: Mapping[int, str]) -> list[str]:
    """State how many draws could not be calibrated, and why.

    Parameters
    ----------
    refused : mapping of int to str
        The reason by seed.

    Returns
    -------
    list of str
        One sentence, or none.
    """
    if not refused:
        return []
    reasons = "; ".join(f"seed {seed}: {reason}" for seed, reason in refused.items())
    count = f"{len(refused)} draw{'s' if len(refused) > 1 else ''} of the parameters"
    return [f"{count} could not be calibrated, and {'have' if len(refused) > 1 else 'has'} no run ({reasons})."]
