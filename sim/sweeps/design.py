"""The design of a sweep: a TOML file, or the same in Python.

A run of the design is a policy (a scenario, with each point of the levers) in a place, with a point of the
uncertainties, and a seed. The seeds, and the parameters that they draw, are the same for every policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from sim.ensemble.parameter_sampling import Draws
from sim.ensemble.replicates import OTHER_CHANCE
from sim.scenario.calibration_mode import CALIBRATE_MEANING, Calibrate
from sim.scenario.scenario import LONGEST_YEARS
from sim.schema import toml_files
from sim.schema.errors import Phrase, RequirementError
from sim.schema.quantities import Closed
from sim.sweeps.conditions import RunFilter
from sim.sweeps.factors import Factors

Engine = Literal["agents", "stocks"]
MOST_SEEDS, LARGEST_SEED = 1_000_000, 2**53
MOST_REPLICATES = 2**63 // OTHER_CHANCE - 1
AXES = ("service", "quintile", "age", "neighbourhood", "domain")


class Levers(Factors):
    """A design of levers. At each of its points, each scenario has a policy for each lever.

    Attributes
    ----------
    start : str or None
        First month of the policies, YYYY-MM; by default one year after the start of the scenario.
    over_months : int
        Months until a policy is complete.
    with_baseline : bool
        Whether the first scenario is also run without these policies, as the baseline of differences.
    """

    start: str | None = Field(None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    over_months: int = Field(1, ge=1, le=12 * LONGEST_YEARS)
    with_baseline: bool = True


class SweepDesign(Closed):
    """A design of runs.

    Attributes
    ----------
    question : str
        The question of the sweep.
    scenarios : list of str
        Names in the library, or .toml files (relative to the design's file); the baseline first.
    places : list of str
        Names of places, or files; by default the place of the first scenario.
    people, years : int or None
        Number of people of each place, and length of the runs; by default those of the first scenario.
    seeds : int or list of int
        Number of seeds, counted from `seed`, or the seeds.
    seed : int
        The first seed.
    replicates : int
        Runs with the draw of a seed, each with other chance events.
    draws : {"all", "mechanisms", "none"}
        The parameters that each seed draws, besides those that the design or its scenarios set.
    engine : {"agents", "stocks"}
        Individual people, or the stock-flow twin.
    calibrate : {"none", "fast", "full"} or None
        How hazards are solved for the parameters; by default as in the first scenario.
    metrics : list of str
        Measures to store; by default all.
    by : list of str
        Axes by whose groups measures are stored too.
    levers : Levers or None
        What somebody can decide.
    uncertainties : Factors or None
        What nobody knows.
    filter : list of RunFilter
        Conditions that every run must meet.

    Examples
    --------
    >>> design = SweepDesign.of(dict(scenarios=["baseline", "salami-slice"], seeds=4, people=3_000, years=2))
    >>> design.numbers
    (0, 1, 2, 3)
    """

    question: str = Field("", max_length=1_000)
    scenarios: list[str] = Field(default_factory=lambda: ["baseline"], min_length=1)
    places: list[str] = Field(default_factory=list)
    people: int | None = None
    years: int | None = Field(None, ge=1, le=LONGEST_YEARS)
    seeds: int | list[int] = 1
    seed: int = Field(0, ge=0, le=LARGEST_SEED)
    replicates: int = Field(1, ge=1, le=MOST_REPLICATES)
    draws: Draws = "none"
    engine: Engine = "agents"
    calibrate: Calibrate | None = Field(None, description=CALIBRATE_MEANING)
    metrics: list[str] = Field(default_factory=list)
    by: list[Literal["service", "quintile", "age", "neighbourhood", "domain"]] = Field(default_factory=list)
    levers: Levers | None = None
    uncertainties: Factors | None = None
    filter: list[RunFilter] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key in ("scenarios", "places", "metrics", "by"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise RequirementError("each entry once", values, below=(key,))
        if isinstance(self.seeds, int):
            if not 1 <= self.seeds <= MOST_SEEDS:
                raise RequirementError(f"1 to {MOST_SEEDS:,} seeds, or a list", self.seeds, below=("seeds",))
        elif not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise RequirementError("at least one seed, each once", self.seeds, below=("seeds",))
        elif not all(0 <= seed <= LARGEST_SEED for seed in self.seeds):
            raise RequirementError(f"seeds from 0 to {LARGEST_SEED:,}", self.seeds, below=("seeds",))
        elif self.seed:
            raise RequirementError("no first seed, as seeds is a list", self.seed, below=("seed",))
        if self.engine == "stocks":
            if self.draws == "none" and len(self.numbers) > 1:
                wanted = "one seed, as the stock-flow twin has no chance events and draws is none"
                raise RequirementError(wanted, Phrase(f"{len(self.numbers)} seeds"), below=("seeds",))
            if self.calibrate is not None:
                wanted = "no calibrate, as the stock-flow twin balances every baseline itself"
                raise RequirementError(wanted, self.calibrate, below=("calibrate",))
        if self.replicates > 1 and (self.engine == "stocks" or self.draws == "none"):
            why = "the stock-flow twin has no chance events" if self.engine == "stocks" else "draws is none: add seeds"
            raise RequirementError(f"one replicate, as {why}", self.replicates, below=("replicates",))
        return self

    @property
    def numbers(self) -> tuple[int, ...]:
        """The seeds."""
        return tuple(range(self.seed, self.seed + self.seeds)) if isinstance(self.seeds, int) else tuple(self.seeds)

    @classmethod
    def load(cls, path: str | Path) -> tuple[SweepDesign, Path]:
        """Read a design from a TOML file.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        design : SweepDesign
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
    def of(cls, settings: Mapping[str, Any]) -> SweepDesign:
        """Check a design that is written in Python.

        Parameters
        ----------
        settings : mapping
            As in the TOML file.

        Returns
        -------
        SweepDesign

        Raises
        ------
        InputError
            If the settings do not match.
        """
        return toml_files.check(settings, cls, "design")
