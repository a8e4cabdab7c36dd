"""The result of a study: indices of the leading parameters on the difference between a policy and its baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.analysis.sensitivity.indices import OTHERS
from sim.results.number_text import plain_number

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

FIXABLE = 0.01
"""A parameter may be fixed if the interval of its total index ends below this."""
WIDE = 0.5
"""Largest width of the interval of a share that counts as settled."""
MOST_DRIVERS = 5
INDEX_COLUMNS = ("first_order", "first_order_low", "first_order_high", "total", "total_low", "total_high")
END_COLUMNS = ("at_low", "at_high")
COLUMNS = (
    "parameter",
    "unit",
    "value",
    "low",
    "high",
    "status",
    "source",
    *INDEX_COLUMNS,
    *END_COLUMNS,
    "sign_may_change",
    "may_be_fixed",
)
"""Columns of `Sensitivity.frame`."""


@dataclass(frozen=True)
class Sensitivity:
    """Sensitivity of the difference between a policy and its baseline to the parameters of the model.

    Attributes
    ----------
    document : dict
        The study as a JSON document: its question (`baseline`, `scenario`, `place`, `people`, `metric`, `unit`), its
        size (`samples`, `trajectories`, `seed`, `evaluations`, `refused`, `screened`), the difference by year with the
        declared parameters (`declared`) and over draws (`mean`, `sd`, `q025`, `q975`), and `parameters`: for each
        leading parameter its declaration, and indices and differences by year.
    """

    document: Mapping[str, Any]

    def __repr__(self) -> str:
        """Question and size in one line."""
        d = self.document
        return (
            f"<Sensitivity of {d['metric']}, {d['scenario']} - {d['baseline']}: {d['place']}, {d['screened']} "
            f"parameters, {d['evaluations']:,} evaluations>"
        )

    @property
    def years(self) -> int:
        """Number of years."""
        return len(self.document["declared"])

    def year(self, year: int | None = None) -> int:
        """Return a year of the study; by default the last. Raises ValueError for a year that it does not cover."""
        if year is not None and not 1 <= year <= self.years:
            raise ValueError(f"a year from 1 to {self.years}, not {year}")
        return year or self.years

    def frame(self, year: int | None = None) -> pd.DataFrame:
        """Make a table of the leading parameters in a year.

        Parameters
        ----------
        year : int, optional
            Year, counted from 1; by default the last.

        Returns
        -------
        pandas.DataFrame
            A row for each leading parameter, that with the largest total index first, and a last row for all other
            parameters together: its declaration; `first_order` and `total`, shares of the variance of the difference
            over draws, with the ends of their 95% intervals; the difference with the parameter `at_low` and `at_high`
            and all others as declared; `sign_may_change`: whether the difference is above 0 at one of these and below 0
            at another, or as declared; `may_be_fixed`: whether the interval of the total index ends below 0.01.
        """
        import pandas as pd

        rows = self.rows(year)
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def rows(self, year: int | None = None) -> list[dict[str, Any]]:
        """Return the rows of `frame` as dictionaries; a number that could not be computed is None."""
        k = self.year(year) - 1
        declared = self.document["declared"][k]
        rows = []
        for entry in self.document["parameters"]:
            row = {name: entry[name] for name in COLUMNS[:7]}
            row |= {name: entry[name][k] for name in (*INDEX_COLUMNS, *END_COLUMNS)}
            ends = [v for v in (declared, row["at_low"], row["at_high"]) if v is not None]
            row["sign_may_change"] = min(ends, default=0.0) < 0.0 < max(ends, default=0.0)
            row["may_be_fixed"] = row["total_high"] is not None and row["total_high"] < FIXABLE
            rows.append(row)
        rows.sort(key=lambda row: (row["parameter"] == OTHERS, -(row["total"] or 0.0)))
        return rows

    def drivers(self, year: int | None = None) -> list[dict[str, Any]]:
        """List the parameters on which the difference depends most.

        Parameters
        ----------
        year : int, optional
            Year, counted from 1; by default the last.

        Returns
        -------
        list of dict
            Up to five, the largest first: `parameter`, `status`, `source`, `share` (its total index) with the ends of
            its 95% interval `share_low` and `share_high`, `settled` (whether that interval is no wider than
            `WIDE`), `at_low`, `at_high`, `sign_may_change`. Empty in a year without a difference.
        """
        rows = [row for row in self.rows(year) if row["parameter"] != OTHERS and row["total"] is not None]
        return [
            {
                **{name: row[name] for name in ("parameter", "unit", "value", "low", "high", "status", "source")},
                **_shares(row),
                **{name: row[name] for name in (*END_COLUMNS, "sign_may_change")},
            }
            for row in rows[:MOST_DRIVERS]
        ]

    def others(self, year: int | None = None) -> dict[str, Any] | None:
        """Return the share of all parameters that do not lead, together: `share`, `share_low`, `share_high`."""
        for row in self.rows(year):
            if row["parameter"] == OTHERS and row["total"] is not None:
                return _shares(row)
        return None

    def fixable(self, year: int | None = None) -> list[str]:
        """Name the leading parameters that may be fixed: the interval of their total index ends below 0.01."""
        return [row["parameter"] for row in self.rows(year) if row["may_be_fixed"] and row["parameter"] != OTHERS]

    def plot(self, year: int | None = None) -> go.Figure:
        """Draw the tornado chart of a year: the difference with each leading parameter at its low and high end.

        Parameters
        ----------
        year : int, optional
            Year, counted from 1; by default the last.

        Returns
        -------
        plotly.graph_objects.Figure
        """
        from sim.analysis.sensitivity.charts import tornado

        return tornado(self, self.year(year))


def plain(values: Any) -> Any:
    """Arrays as lists of rounded numbers for JSON, with None for NaN."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list):
        return [plain(value) for value in values]
    return plain_number(float(values)) if math.isfinite(values) else None


def _shares(row: dict[str, Any]) -> dict[str, Any]:
    """A total index with the ends of its interval. An estimate may leave 0 to 1, which an index cannot."""
    names = {"share": "total", "share_low": "total_low", "share_high": "total_high"}
    shares = {name: min(1.0, max(0.0, row[of])) for name, of in names.items()}
    return {**shares, "settled": shares["share_high"] - shares["share_low"] <= WIDE}
