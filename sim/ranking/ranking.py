"""The result of a ranking: what each intervention does and costs in each draw, and its place by each criterion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.ranking.criteria import CRITERIA, Criterion, Effects, surely_costs
from sim.ranking.interventions import Funding, SetApart
from sim.ranking.order import Standing, standings
from sim.results.spread import Replicates
from sim.results.summary import summary
from sim.scenario.valuation import Valuation

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from sim.results.money.appraisal import Appraisal

F = npt.NDArray[np.float64]
NOTHING, NOTHING_LABEL = "no-intervention", "No intervention"
"""The baseline as a row of the ranking: it costs and changes nothing."""
NO_RATIO = "no ratio: what it adds to lines and programmes is not surely above £0 in the draws"


@dataclass(frozen=True)
class RankedIntervention:
    """An intervention of a ranking.

    Attributes
    ----------
    name, label : str
        Name and label.
    funding : {"new money", "other lines"}
        Where its money comes from.
    size : tuple of str
        Its policies at the budget, in words.
    effects : Effects
        What it does and costs in each draw.
    replicates : Effects or None
        The same of the runs that repeat some draws with other chance events.
    money : Appraisal
        Who pays and who gains.
    """

    name: str
    label: str
    funding: Funding
    size: tuple[str, ...]
    effects: Effects
    replicates: Effects | None
    money: Appraisal


@dataclass(frozen=True)
class Ranking:
    """Interventions ranked for one place under one budget: the result of `sim.rank`.

    Attributes
    ----------
    place, place_label : str
        The place.
    people, years : int
        People of the runs, and length of the runs in years.
    seeds : tuple of int
        The seeds that were run.
    repeated : tuple of int
        The seeds whose draws were repeated with other chance events.
    draws : str
        The parameters that each seed draws.
    budget : float
        Pounds a head a year.
    budget_present : float
        Present value of the budget: pounds a head over all years.
    spending : float
        Spending in scope of the baseline, pounds a head a year.
    start, ramp_months : str and int
        First month of the budget, and the months until it is complete.
    valuation : Valuation
        Discount rates and values of a QALY.
    interventions : tuple of RankedIntervention
        The interventions.
    apart : tuple of SetApart
        Interventions that are not ranked, with the reason.
    refused : dict of int to str
        Seeds whose draws could not be calibrated.
    """

    place: str
    place_label: str
    people: int
    years: int
    seeds: tuple[int, ...]
    repeated: tuple[int, ...]
    draws: str
    budget: float
    budget_present: float
    spending: float
    start: str
    ramp_months: int
    valuation: Valuation
    interventions: tuple[RankedIntervention, ...]
    apart: tuple[SetApart, ...]
    refused: Mapping[int, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Place, number of interventions, budget and draws in one line."""
        return (
            f"<Ranking for {self.place}: {len(self.interventions)} interventions, £{self.budget:,.2f} a head a year, "
            f"{self.people:,} people, {self.years} years, {len(self.seeds)} draws>"
        )

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria."""
        return CRITERIA

    @cached_property
    def by_name(self) -> dict[str, RankedIntervention]:
        """Each intervention by its name."""
        return {entry.name: entry for entry in self.interventions}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Label of each row by name, with its name where labels are alike."""
        labels = [entry.label for entry in self.interventions]
        return {
            **{e.name: e.label if labels.count(e.label) == 1 else f"{e.label} ({e.name})" for e in self.interventions},
            NOTHING: NOTHING_LABEL,
        }

    @cached_property
    def without_ratio(self) -> tuple[str, ...]:
        """Names of the interventions whose cost is not surely above 0 in the draws."""
        return tuple(entry.name for entry in self.interventions if not surely_costs(entry.effects.cost))

    def per_pound(self, name: str, criterion: Criterion) -> F:
        """Return the values of a row for each pound.

        Parameters
        ----------
        name : str
            Name of an intervention, or `NOTHING`.
        criterion : Criterion
            The criterion.

        Returns
        -------
        ndarray of float64, shape (draws,)
            0 for no intervention.
        """
        if name == NOTHING:
            return np.zeros(len(self.seeds))
        return self.by_name[name].effects.per_pound[:, CRITERIA.index(criterion)]

    @cached_property
    def standings(self) -> dict[str, tuple[Standing, ...]]:
        """The places of all interventions, and of no intervention, by the name of the criterion; best first."""
        names = [entry.name for entry in self.interventions if entry.name not in self.without_ratio]
        return {c.name: standings({name: self.per_pound(name, c) for name in (*names, NOTHING)}) for c in CRITERIA}

    def figures(self, name: str, criterion: Criterion, *, ratio: bool = True) -> dict[str, float]:
        """Summarise a row over the draws.

        Parameters
        ----------
        name : str
            Name of an intervention, or `NOTHING`.
        criterion : Criterion
            The criterion.
        ratio : bool
            Whether for each pound, or the effect itself.

        Returns
        -------
        dict of str to float
            The columns of `sim.results.summary.SUMMARY`.
        """
        if name == NOTHING:
            return {key: float(value) for key, value in summary(np.zeros(len(self.seeds))).items()}
        entry, k = self.by_name[name], CRITERIA.index(criterion)

        def column(effects: Effects) -> F:
            return (effects.per_pound if ratio else effects.values)[:, k]

        return self.summary_of(column(entry.effects), None if entry.replicates is None else column(entry.replicates))

    def summary_of(self, values: F, again: F | None) -> dict[str, float]:
        """Summarise values over the draws, with the parts of chance and parameters.

        Parameters
        ----------
        values : ndarray of float64, shape (draws,)
            Values.
        again : ndarray of float64, shape (repeated draws,), or None
            Those of the repeated draws; None if all seeds have the same parameters.

        Returns
        -------
        dict of str to float
        """
        replicates = None
        if self.draws != "none":
            rows = np.array([self.seeds.index(seed) for seed in self.repeated], dtype=np.intp)
            replicates = Replicates(rows, values[:0] if again is None else again)
        return {key: float(value) for key, value in summary(values, replicates=replicates).items()}

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        pandas.DataFrame
            A row for each criterion and intervention, best first: the columns of `ranking.csv`.
        """
        import pandas as pd

        from sim.ranking.tables import COLUMNS, rows

        return pd.DataFrame(list(rows(self)), columns=list(COLUMNS))

    def document(self) -> dict[str, Any]:
        """Collect the ranking for JSON.

        Returns
        -------
        dict
        """
        from sim.ranking.tables import document

        return document(self)

    def save(self, folder: str | Path) -> tuple[str, ...]:
        """Write `ranking.json`, `ranking.csv`, `payers.csv` and `ranking.svg` to a folder.

        Parameters
        ----------
        folder : str or Path
            The folder, which is created.

        Returns
        -------
        tuple of str
            Names of the files.

        Raises
        ------
        InputError
            If the folder is a file, or cannot be written to.
        """
        from pathlib import Path

        from sim.ranking.tables import files
        from sim.results.result_folder import writable, write_text

        path = writable(Path(folder), "save")
        written = files(self)
        for name, text in written.items():
            write_text(path, name, text)
        return tuple(written)
