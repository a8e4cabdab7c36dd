"""The design of a search: a TOML file, or the same in Python.

Nothing in a design has a preferred direction for a lever: its range may lie on both sides of the baseline, and limits
and objectives concern what comes out of a run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from sim.ensemble.parameter_sampling import Which
from sim.scenario.scenario import LONGEST_YEARS
from sim.schema import toml_files
from sim.schema.errors import NOTHING, Phrase, RequirementError
from sim.schema.quantities import Closed, Number
from sim.sweeps.factors import named

FEWEST_DRAWS, MOST_DRAWS = 4, 10_000
FEWEST_OBJECTIVES, MOST_OBJECTIVES = 2, 3
"""With more than three objectives almost every mix is on the front, and NSGA-II is the wrong method."""
LARGEST_SEED = 2**32 - 1
Direction = Literal["up", "down"]


class LeverRange(Closed):
    """The range of a lever; by default its declared range."""

    low: Number | None = Field(None, description="low end, a value of the lever, or a shift of a lever that is 0")
    high: Number | None = Field(None, description="high end")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise RequirementError(f"a number above low, {self.low:g}", self.high, below=("high",))
        return self


class SearchLevers(Closed):
    """The levers of a mix.

    Attributes
    ----------
    start : str or None
        First month of the policies, YYYY-MM; by default one year after the start of the scenario.
    over_months : int
        Months until a policy is complete.
    same_money : {"place", "budget_holder"}
        Whether the plans of the place together, or those of each budget holder, cost the same as in the baseline.
    factors : dict of str to LeverRange
        Ranges by LEVER, or LEVER.AIM: a service, a kind of prevention or a tier of services.
    """

    start: str | None = Field(None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    over_months: int = Field(12, ge=1, le=12 * LONGEST_YEARS)
    same_money: Literal["place", "budget_holder"] = "place"
    factors: dict[str, LeverRange] = Field(min_length=1)

    @field_validator("factors", mode="before")
    @classmethod
    def _dotted(cls, value: object) -> object:
        """`service_budget.gp = { low = 0.5 }` in a file is a table in a table; the model has one dotted name."""
        return dict(named(value)) if isinstance(value, dict) else value


class _Measured(Closed):
    """A measure over some years and draws."""

    metric: str
    years: list[int] | None = Field(None, min_length=2, max_length=2, description="first and last year; default: all")
    quantile: Number | None = Field(
        None, ge=0.5, lt=1.0, description="share of the draws that are at least as good; default: the mean of all draws"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.years is not None and not 1 <= self.years[0] <= self.years[1]:
            raise RequirementError("a first and a last year, from 1", self.years, below=("years",))
        return self


class Objective(_Measured):
    """A difference from the baseline that shall be small or large.

    Attributes
    ----------
    better : {"up", "down"} or None
        The better direction; by default that of the measure. Measures of money have none.
    """

    better: Direction | None = None


class Limit(_Measured):
    """A limit that the difference from the baseline must keep.

    Attributes
    ----------
    at_most, at_least : float or None
        Largest, smallest difference.
    relative : bool
        Whether it is a share of the baseline, and not in the unit of the measure.
    by : {"quintile", "age"} or None
        Axis in each group of which the limit holds.
    """

    at_most: Number | None = None
    at_least: Number | None = None
    relative: bool = False
    by: Literal["quintile", "age"] | None = None

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise RequirementError("at_most, at_least or both", Phrase("neither"))
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            wanted = f"a number of at most {self.at_most:g}, as at_most says"
            raise RequirementError(wanted, self.at_least, below=("at_least",))
        return self


class OptimiserSettings(Closed):
    """How long the optimiser searches.

    Attributes
    ----------
    population, generations : int
        Mixes of a generation, and number of generations.
    seeds : list of int
        Seeds of the optimiser; a search of its own for each, so that their fronts can be compared.
    """

    population: int = Field(24, ge=4, le=10_000)
    generations: int = Field(20, ge=1, le=100_000)
    seeds: list[int] = Field(default_factory=lambda: [1, 2], min_length=1)


class ConfirmationSettings(Closed):
    """How points of the front are run again by agents.

    Attributes
    ----------
    points : int
        Number of points; 0 for none.
    seeds : int
        Number of fresh draws, each with chance events of its own.
    people : int or None
        Number of people; by default as in the search.
    """

    points: int = Field(5, ge=0, le=100)
    seeds: int = Field(16, ge=2, le=10_000)
    people: int | None = None


class SearchDesign(Closed):
    """A search for mixes of spending.

    Attributes
    ----------
    question : str
        The question.
    baseline, place : str
        Name or file of the baseline, and of the place (by default that of the baseline).
    people, years : int or None
        Number of people, and length of the runs; by default those of the baseline.
    levers : SearchLevers
        The levers of a mix.
    draws, seed : int
        Number of draws of the parameters, the same for every mix, and the first.
    parameters : {"all", "mechanisms"}
        The parameters that are drawn.
    objectives : list of Objective
        By default acute demand, spending in scope, and the gap in acute demand between fifths, each as small as can be.
    spending_tolerance : float or None
        Share of the baseline's spending by which spending may be larger, on average over draws; None for no limit.
    no_fifth_worse : list of str
        Measures that may be worse in no deprivation fifth than in the baseline, on average over draws.
    limits : list of Limit
        Further limits.
    optimiser : OptimiserSettings
        How long the optimiser searches.
    confirmation : ConfirmationSettings
        How points of the front are run again by agents.

    Examples
    --------
    >>> design = SearchDesign.of({"levers": {"factors": {"service_budget": {"gp": {"low": 0.8, "high": 1.2}}}}})
    >>> list(design.levers.factors), design.draws
    (['service_budget.gp'], 32)
    """

    question: str = Field("", max_length=1_000)
    baseline: str = "baseline"
    place: str | None = None
    people: int | None = None
    years: int | None = Field(None, ge=2, le=LONGEST_YEARS)
    levers: SearchLevers
    draws: int = Field(32, ge=FEWEST_DRAWS, le=MOST_DRAWS)
    seed: int = Field(0, ge=0, le=LARGEST_SEED)
    parameters: Which = "all"
    objectives: list[Objective] = Field(
        default_factory=lambda: [
            Objective(metric="acute_demand"),
            Objective(metric="spend_total", better="down"),
            Objective(metric="gap_most_least_deprived"),
        ],
        min_length=FEWEST_OBJECTIVES,
        max_length=MOST_OBJECTIVES,
    )
    spending_tolerance: Number | None = Field(0.01, ge=0.0, le=1.0)
    no_fifth_worse: list[str] = Field(default_factory=lambda: ["acute_demand"])
    limits: list[Limit] = Field(default_factory=list)
    optimiser: OptimiserSettings = Field(default_factory=OptimiserSettings)
    confirmation: ConfirmationSettings = Field(default_factory=ConfirmationSettings)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        stated: tuple[tuple[str, Sequence[_Measured]], ...] = (("objectives", self.objectives), ("limits", self.limits))
        for key, measured in stated:
            for k, each in enumerate(measured):
                if each.quantile is not None and self.draws < draws_needed(each.quantile):
                    wanted = f"at least {draws_needed(each.quantile)} draws, as {key} have the quantile"
                    raise RequirementError(f"{wanted} {each.quantile:g}", self.draws, below=("draws",))
                if measured.index(each) < k:
                    raise RequirementError("each entry once", Phrase("the same entry twice"), below=(key, k))
        seeds = self.optimiser.seeds
        if len(set(seeds)) < len(seeds) or not all(0 <= seed <= LARGEST_SEED for seed in seeds):
            wanted = f"seeds from 0 to {LARGEST_SEED:,}, each once"
            raise RequirementError(wanted, seeds or NOTHING, below=("optimiser", "seeds"))
        return self

    @classmethod
    def load(cls, path: str | Path) -> tuple[SearchDesign, Path]:
        """Read a design from a TOML file.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        design : SearchDesign
        path : Path
            The file, to which names of other files are relative.

        Raises
        ------
        InputError
            If the file cannot be read or does not match.
        """
        file = Path(path).expanduser()
        return toml_files.load(file, cls), file

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> SearchDesign:
        """Check a design that is written in Python.

        Parameters
        ----------
        settings : mapping
            As in the TOML file.

        Returns
        -------
        SearchDesign

        Raises
        ------
        InputError
            If the settings do not match.
        """
        return toml_files.check(settings, cls, "design")


def draws_needed(quantile: float) -> int:
    """The fewest draws of which one lies beyond a quantile.

    Parameters
    ----------
    quantile : float
        0.5 to 1.

    Returns
    -------
    int

    Examples
    --------
    >>> draws_needed(0.9), draws_needed(0.95)
    (10, 20)
    """
    return math.ceil(round(1.0 / (1.0 - quantile), 9))
