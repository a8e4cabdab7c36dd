"""Cost of double running, worked out again from budgets: it is part of spending, and not recorded by itself.

The rule is that of `sim/feedback/double_running.py`. Budgets are recorded in whole pence a month, so a result differs
from the model's by some pence a month.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sim.feedback.double_running import DoubleRunning
from sim.results.money.ledger import services_in_tier

F = npt.NDArray[np.float64]
GROUP = "double_running"


def double_running_pounds(funding: F, at_start: F, parameters: Mapping[str, float]) -> F:
    """Compute what double running costs in each month of a run.

    Parameters
    ----------
    funding : ndarray, shape (months, services)
        Budget of each service, pence a month.
    at_start : ndarray, shape (services,)
        Budgets of the first month, to which services have adjusted, without the policy; pence a month.
    parameters : mapping of str to float
        Parameters that differ from the central ones, by dotted name.

    Returns
    -------
    ndarray of float64, shape (months,)
        Pounds.
    """
    p = DoubleRunning(
        **{
            field: parameters[f"{GROUP}.{field}"]
            for field in DoubleRunning.model_fields
            if f"{GROUP}.{field}" in parameters
        }
    )
    counted = services_in_tier("preventive") | services_in_tier("community")
    settled = at_start / 100.0
    out = np.zeros(len(funding))
    for month, granted in enumerate(funding / 100.0):
        new = granted - settled
        settled = settled + new / p.settles
        out[month] = p.set_up * new[counted & (new > 0.0)].sum()
    return out
