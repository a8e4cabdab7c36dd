"""What acute demand is made of: the points of its index that each acute service makes, and how a policy changes them.

Each service's points are its episodes at their unit cost, per person, over the same number as the index, so that the
services add up to the index and their differences to its difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.results.episode_weights import unit_cost
from sim.results.metrics import HEADLINE
from sim.results.number_text import plain_number
from sim.results.service_groups import counted_services
from sim.services.catalogue import load_catalogue

if TYPE_CHECKING:
    import pandas as pd

    from sim.results.comparison import Comparison

SPREAD = ("q025", "q975", "ci_low", "ci_high")
"""Columns of the difference beside its mean."""
COLUMNS = ("year", "service", "label", "unit_cost", "baseline", "level", "difference", *SPREAD)


def composition_rows(comparison: Comparison, scenario: str) -> list[dict[str, Any]]:
    """List the points of the index of acute demand by year and service, the largest service of the baseline first.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    scenario : str
        Name of one of its scenarios.

    Returns
    -------
    list of dict
        With the keys of `COLUMNS`: `unit_cost` in pounds per episode; `baseline` and `level`, the points in the
        baseline and in the scenario, on average over the seeds; `difference`, the difference of the two, with the
        middle 95% of the seeds and the 95% interval of its mean.
    """
    series = comparison[HEADLINE]
    before = series.figures(comparison.baseline, "year", "service", change=False)["mean"]
    after = series.figures(scenario, "year", "service", change=False)["mean"]
    change = series.figures(scenario, "year", "service", change=True)
    services = [load_catalogue()[k] for k in counted_services()]
    order = np.argsort(-before.mean(axis=1), kind="stable")
    return [
        {
            "year": year + 1,
            "service": services[k].id,
            "label": services[k].label,
            "unit_cost": unit_cost(services[k]),
            "baseline": float(before[k, year]),
            "level": float(after[k, year]),
            "difference": float(change["mean"][k, year]),
            **{name: float(change[name][k, year]) for name in SPREAD},
        }
        for year in range(before.shape[1])
        for k in order.tolist()
    ]


def composition_frame(comparison: Comparison, scenario: str) -> pd.DataFrame:
    """Make `composition_rows` a frame."""
    import pandas as pd

    return pd.DataFrame(composition_rows(comparison, scenario), columns=list(COLUMNS))


def composition_document(comparison: Comparison) -> dict[str, list[dict[str, Any]]]:
    """Make the rows of every scenario for JSON, by name of the scenario."""
    return {
        name: [
            {key: plain_number(value) if isinstance(value, float) else value for key, value in row.items()}
            for row in composition_rows(comparison, name)
        ]
        for name in comparison.names
    }
