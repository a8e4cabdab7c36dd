"""The design of a national run: a TOML file, or the same in Python.

Every authority is run twice with the same people and chance events: under the baseline, and under its policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from sim.ensemble.parameter_sampling import Draws
from sim.national.allocation import AllocationFormula, Need
from sim.national.hazard_groups import Hazards
from sim.scenario.scenario import LONGEST_YEARS
from sim.schema import toml_files
from sim.schema.errors import RequirementError
from sim.schema.quantities import Closed

T = TypeVar("T", str, float)
MOST_SEEDS, LARGEST_SEED, LARGEST_SCALE = 1_000, 2**31, 1_000


class ByAuthority(Closed, Generic[T]):
    """Values for some authorities; the most closely aimed has priority: authority, region, tier, then the common one.

    Attributes
    ----------
    tier : dict of str
        By fifth of authorities by deprivation, ``"1"`` for the most deprived.
    region : dict of str
        By name of the region.
    authority : dict of str
        By name or code of the authority.
    """

    tier: dict[str, T] = Field(default_factory=dict)
    region: dict[str, T] = Field(default_factory=dict)
    authority: dict[str, T] = Field(default_factory=dict)


class NationDesign(Closed):
    """A design of all authorities, or of some.

    Attributes
    ----------
    question : str
        The question.
    baseline : str
        Scenario in the library, or a .toml file, that every authority has in the baseline.
    policy : str or None
        Scenario of every authority that `policies` does not name.
    policies : ByAuthority of str
        Scenarios by tier, region and authority.
    budget : float
        Multiple of each authority's own budget under its policy.
    budgets : ByAuthority of float
        Multiples by tier, region and authority.
    authorities : list of str
        Names or codes; all 309 by default.
    scale : int
        People of an authority for each simulated person.
    small : {"finer", "refuse"}
        Whether an authority that would have too few people gets the fewest that are possible, or is refused.
    years : int
        Length.
    seeds : int or list of int
        Number of seeds, counted from 0, or the seeds.
    draws : {"all", "mechanisms", "none"}
        The parameters that each seed draws, the same for all authorities.
    hazards : {"supplied", "groups", "own"}
        Where the hazards of an authority come from.
    allocation : AllocationFormula or None
        The formula by which budgets follow last year's outcomes; without it each authority runs alone.
    need : {"serious_need", "acute_demand", "people"}
        The measure of need in the formula.

    Examples
    --------
    >>> NationDesign.of({"policy": "prevention-shift", "seeds": 2}).numbers
    (0, 1)
    """

    question: str = Field("", max_length=1_000)
    baseline: str = "baseline"
    policy: str | None = None
    policies: ByAuthority[str] = ByAuthority[str]()
    budget: float = Field(1.0, ge=0.5, le=1.5)
    budgets: ByAuthority[float] = ByAuthority[float]()
    authorities: list[str] = Field(default_factory=list)
    scale: int = Field(20, ge=1, le=LARGEST_SCALE)
    small: Literal["finer", "refuse"] = "finer"
    years: int = Field(20, ge=1, le=LONGEST_YEARS)
    seeds: int | list[int] = 4
    draws: Draws = "none"
    hazards: Hazards = "groups"
    allocation: AllocationFormula | None = None
    need: Need = "serious_need"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if isinstance(self.seeds, int):
            if not 1 <= self.seeds <= MOST_SEEDS:
                raise RequirementError(f"1 to {MOST_SEEDS:,} seeds, or a list", self.seeds, below=("seeds",))
        elif not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise RequirementError("at least one seed, each once", self.seeds, below=("seeds",))
        elif not all(0 <= seed <= LARGEST_SEED for seed in self.seeds):
            raise RequirementError(f"seeds from 0 to {LARGEST_SEED:,}", self.seeds, below=("seeds",))
        if self.allocation is None and "need" in self.model_fields_set:
            raise RequirementError("a table [allocation], as need is part of its formula", self.need, below=("need",))
        for table in ("tier", "region", "authority"):
            for name, multiple in getattr(self.budgets, table).items():
                if not 0.5 <= multiple <= 1.5:
                    raise RequirementError("0.5 to 1.5", multiple, below=("budgets", table, name))
        return self

    @property
    def numbers(self) -> tuple[int, ...]:
        """The seeds."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else tuple(self.seeds)

    @classmethod
    def load(cls, path: str | Path) -> tuple[NationDesign, Path]:
        """Read a design from a TOML file. Returns the design and its file."""
        file = Path(path).expanduser()
        return toml_files.load(file, cls), file

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> NationDesign:
        """Check a design that is written in Python."""
        return toml_files.check(settings, cls, "design")
