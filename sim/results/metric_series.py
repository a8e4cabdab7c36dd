"""One measure of a comparison: its levels and its differences from the baseline, as pandas frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.results.metric_types import Metric
from sim.results.metrics import AXIS_NAMES
from sim.results.summary import SUMMARY, summary

if TYPE_CHECKING:
    import pandas as pd

    from sim.results.comparison import Comparison

F = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MetricSeries:
    """One measure of one comparison.

    Attributes
    ----------
    comparison : Comparison
        The comparison.
    metric : Metric
        The measure.
    """

    comparison: Comparison
    metric: Metric

    def __repr__(self) -> str:
        """Measure, unit and comparison in one line."""
        return f"<{self.metric.name} ({self.metric.unit}) of {self.comparison!r}>"

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return self.metric.unit

    def by_month(self, by: str | None = None) -> pd.DataFrame:
        """Summarise the measure by scenario and month; flows are yearly rates.

        Parameters
        ----------
        by : str, optional
            Axis to group by, such as ``quintile``.

        Returns
        -------
        pandas.DataFrame
            Columns `scenario`, the axis, `month`, `mean`, `q025`, `q975` (middle 95% of the seeds), `ci_low` and
            `ci_high` (95% interval of the mean), `luck_sd` and `parameter_sd` (standard deviations between seeds by
            chance events and by parameters). A measure recorded by year only has the year's value in each month.

        Raises
        ------
        ValueError
            If the measure is not available by the axis.
        """
        return self._frame("month", by, self.comparison.names, change=False)

    def by_year(self, by: str | None = None) -> pd.DataFrame:
        """Summarise the measure by scenario and year.

        Parameters
        ----------
        by : str, optional
            Axis to group by, such as ``quintile``.

        Returns
        -------
        pandas.DataFrame
            Columns `scenario`, the axis, `year` (counted from 1), `mean`, `q025`, `q975` (middle 95% of the seeds),
            `ci_low` and `ci_high` (95% interval of the mean), `luck_sd` and `parameter_sd` (standard deviations between
            seeds by chance events and by parameters).

        Raises
        ------
        ValueError
            If the measure is not available by the axis.
        """
        return self._frame("year", by, self.comparison.names, change=False)

    def difference(self, by: str | None = None) -> pd.DataFrame:
        """Summarise the difference from the baseline, taken seed by seed, by scenario and year.

        Parameters
        ----------
        by : str, optional
            Axis to group by, such as ``quintile``.

        Returns
        -------
        pandas.DataFrame
            Columns `scenario`, the axis, `year` (counted from 1), `mean`, `q025`, `q975` (middle 95% of the seeds),
            `ci_low` and `ci_high` (95% interval of the mean), `luck_sd` and `parameter_sd` (standard deviations between
            seeds by chance events and by parameters). A measure that is a comparison itself covers the years from the
            first to that year, and has a column `note`.

        Raises
        ------
        ValueError
            If the measure is not available by the axis.
        """
        return self._frame("year", by, self.comparison.names[1:], change=True)

    def level(self, scenario: str, step: str = "year", by: str | None = None, group: str | None = None) -> dict[str, F]:
        """Summarise the level of one scenario over time.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        step : {"year", "month"}
            Step of time.
        by : str, optional
            Axis to group by.
        group : str, optional
            Group of that axis.

        Returns
        -------
        dict of str to ndarray of float64, shape (time,)
            As `summary` returns it.
        """
        values, replicates = self.comparison.paired(lambda c: c.values(scenario, self.metric, step, by, group), step)
        return summary(values, self.metric.limits, replicates)

    def change(self, scenario: str, by: str | None = None, group: str | None = None) -> dict[str, F]:
        """Summarise the difference of one scenario from the baseline, by year.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        by : str, optional
            Axis to group by.
        group : str, optional
            Group of that axis.

        Returns
        -------
        dict of str to ndarray of float64, shape (years,)
            As `summary` returns it.
        """

        def change(c: Comparison) -> F:
            return c.values(scenario, self.metric, "year", by, group) - c.values(
                c.baseline, self.metric, "year", by, group
            )

        values, replicates = self.comparison.paired(change, "year")
        return summary(values, self.metric.difference_limits, replicates)

    def groups(self, by: str | None) -> tuple[str | None, ...]:
        """List the groups of an axis, in order.

        Parameters
        ----------
        by : str or None
            The axis.

        Returns
        -------
        tuple of str or None
            (None,) for no axis.

        Raises
        ------
        ValueError
            If the measure is not available by the axis.
        """
        if by is None:
            return (None,)
        axes: tuple[str, ...] = ()
        services = None
        if self.metric.parts is not None:
            parts = self.metric.parts(self.comparison.records[self.comparison.baseline][0])
            axes, services = (*parts.axes, *self.metric.finer), parts.services
        elif self.metric.derived is not None:
            axes, services = self.metric.derived.by, self.metric.derived.services
        if by not in axes:
            have = ", ".join(axes) or "no axis"
            raise ValueError(f"'{self.metric.name}' is not available by '{by}'; it has {have}")
        if by == "neighbourhood":
            return self.comparison.neighbourhoods
        return services if by == "service" and services is not None else AXIS_NAMES[by]()

    def figures(self, scenario: str, step: str, by: str | None, *, change: bool) -> dict[str, Any]:
        """Summarise a scenario, or its difference from the baseline, for each group of an axis.

        Parameters
        ----------
        scenario : str
            Name of the scenario.
        step : {"year", "month"}
            Step of time.
        by : str or None
            Axis to group by.
        change : bool
            Whether the difference is summarised.

        Returns
        -------
        dict of str to ndarray of float64, shape (groups, time)
            As `summary` returns it; also `note`, a list by year, for a measure that is a comparison itself.
        """
        c, measure = self.comparison, self.metric
        if change and measure.against is not None:
            verdicts = measure.against(c.beyond_baseline(scenario))
            figures: dict[str, Any] = {k: np.array([[getattr(v, k) for v in verdicts]]) for k in SUMMARY}
            return {**figures, "note": [v.note for v in verdicts]}

        def values(of: Comparison) -> F:
            level = of.grouped(scenario, measure, step, by)
            return level - of.grouped(of.baseline, measure, step, by) if change else level

        of_seeds, replicates = c.paired(values, step)
        return summary(of_seeds, measure.difference_limits if change else measure.limits, replicates)

    def _frame(self, step: str, by: str | None, scenarios: Sequence[str], *, change: bool) -> pd.DataFrame:
        import pandas as pd

        groups = self.groups(by)
        when: Any = self.comparison.months if step == "month" else np.arange(1, self.comparison.scenarios[0].years + 1)
        rows = []
        for name in scenarios:
            figures = self.figures(name, step, by, change=change)
            keys = {} if by is None else {by: np.repeat(np.array(groups, dtype=object), len(when))}
            columns = {k: np.ravel(column) for k, column in figures.items()}
            rows.append(pd.DataFrame({"scenario": name, **keys, step: np.tile(when, len(groups)), **columns}))
        if not rows:
            note = ["note"] if self.metric.against is not None else []
            return pd.DataFrame(columns=["scenario", *([] if by is None else [by]), step, *SUMMARY, *note])
        return pd.concat(rows, ignore_index=True)
