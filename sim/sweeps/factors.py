"""Factors of a design: the levers and the uncertain parameters that it varies, and the points of each method.

Levers are what somebody can decide; uncertainties are what nobody knows (X and L of XLRM, Lempert et al. 2003). They
have designs of their own, and every policy is run at every point of the uncertainties.

Limits    A Latin hypercube with more samples is another one: none of its points is a point of the smaller one. Points
          of the other methods stay as they are when samples are added.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from sim.schema.errors import NOTHING, Phrase, RequirementError
from sim.schema.quantities import Closed, Number

F = npt.NDArray[np.float64]
Method = Literal["grid", "list", "latin_hypercube", "sobol_sequence", "sobol", "morris"]
SAMPLED = ("latin_hypercube", "sobol_sequence", "sobol", "morris")
"""Methods with a number of samples."""
OF_INDICES = ("sobol", "morris")
"""Methods whose points belong together: indices are computed from all of them."""
MOST_POINTS = 10_000_000
LEVELS = 4
"""Levels of a Morris design."""


class Factor(Closed):
    """The values of a factor: some values, or a range, by default its declared range.

    Examples
    --------
    >>> Factor(values=[0.0, 0.05]).values
    [0.0, 0.05]
    """

    low: Number | None = Field(None, description="low end of the range")
    high: Number | None = Field(None, description="high end of the range")
    values: list[Number] | None = Field(None, min_length=1, description="the values, for a grid")
    steps: int | None = Field(None, ge=2, le=1_000, description="number of values from low to high, for a grid")
    distribution: Literal["uniform", "triangular"] = Field(
        "uniform", description="triangular: with its peak at the declared value"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.values is not None:
            for key in ("low", "high", "steps"):
                if getattr(self, key) is not None:
                    raise RequirementError("values, or a range", Phrase(f"values and {key}"), below=(key,))
            if len(set(self.values)) < len(self.values):
                raise RequirementError("each value once", self.values, below=("values",))
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise RequirementError(f"a number above low, {self.low:g}", self.high, below=("high",))
        return self


class Range(NamedTuple):
    """A factor of a design whose ends are known.

    Attributes
    ----------
    name : str
        Name of the factor.
    low, high, peak : float
        The ends, and the declared value.
    factor : Factor
        As the design has it.
    """

    name: str
    low: float
    high: float
    peak: float
    factor: Factor

    def values(self) -> list[float]:
        """The values of a grid."""
        if self.factor.values is not None:
            return list(self.factor.values)
        return [float(x) for x in np.linspace(self.low, self.high, self.factor.steps or 2)]

    def at(self, shares: F) -> F:
        """Values at shares of the distribution."""
        if self.factor.distribution == "triangular":
            from sim.ensemble.parameter_sampling import quantiles

            return quantiles(shares, *(np.array(end) for end in (self.low, self.peak, self.high)))
        out: F = np.clip(self.low + shares * (self.high - self.low), self.low, self.high)
        return out


class Factors(Closed):
    """A design of some factors.

    Attributes
    ----------
    method : str
        grid: every combination of values; list: the points that are listed; latin_hypercube and sobol_sequence: points
        that fill the space; sobol: the design of Saltelli for Sobol' indices, with `samples` base samples; morris: a
        design of elementary effects with `samples` trajectories.
    samples : int or None
        Number of samples.
    seed : int
        Seed of the design.
    factors : dict of str to Factor
        The factors, by name.
    points : list of dict
        The points of a list.
    """

    method: Method = "grid"
    samples: int | None = Field(None, ge=1, le=MOST_POINTS)
    seed: int = Field(0, ge=0)
    factors: dict[str, Factor] = Field(default_factory=dict)
    points: list[dict[str, Number]] = Field(default_factory=list)

    @field_validator("factors", mode="before")
    @classmethod
    def _dotted(cls, value: object) -> object:
        """`resilience.scar = { low = 0.1 }` in a file is a table in a table; the model has one dotted name."""
        return dict(named(value)) if isinstance(value, dict) else value

    @field_validator("points", mode="before")
    @classmethod
    def _dotted_points(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        return [dict(_numbers(point)) if isinstance(point, dict) else point for point in value]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.method == "list":
            for key in ("factors", "samples"):
                if getattr(self, key):
                    raise RequirementError("points only, as the method is list", Phrase(key), below=(key,))
            if not self.points:
                raise RequirementError("at least one point, as the method is list", NOTHING, below=("points",))
            for k, point in enumerate(self.points):
                if set(point) != set(self.points[0]) or not point:
                    names = ", ".join(sorted(self.points[0])) or "at least one factor"
                    raise RequirementError(f"the factors of the first point: {names}", point, below=("points", k))
            return self
        if self.points:
            raise RequirementError("method list for points", self.method, below=("method",))
        if not self.factors:
            raise RequirementError("at least one factor", NOTHING, below=("factors",))
        if self.method in SAMPLED:
            if self.samples is None:
                raise RequirementError(f"the number of samples of {self.method}", NOTHING, below=("samples",))
            for name, factor in self.factors.items():
                for key in ("values", "steps"):
                    if getattr(factor, key) is not None:
                        wanted = f"a range, as the method is {self.method}"
                        raise RequirementError(wanted, Phrase(key), below=("factors", name, key))
            if self.method == "sobol" and self.samples & (self.samples - 1):
                raise RequirementError("a power of 2, as the method is sobol", self.samples, below=("samples",))
        elif self.samples is not None:
            raise RequirementError("no samples, as the method is grid", self.samples, below=("samples",))
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors."""
        return tuple(self.points[0] if self.method == "list" else self.factors)


def number_of_points(factors: Factors, ranges: list[Range]) -> int:
    """Count the points of a design without making them.

    Parameters
    ----------
    factors : Factors
        The design.
    ranges : list of Range
        Its factors with their ends; none for a list.

    Returns
    -------
    int
    """
    if factors.method == "list":
        return len(factors.points)
    samples = factors.samples or 0
    if factors.method == "grid":
        return int(np.prod([len(r.values()) for r in ranges], dtype=float))
    if factors.method == "sobol":
        return samples * (len(ranges) + 2)
    return samples * (len(ranges) + 1) if factors.method == "morris" else samples


def points_of(factors: Factors, ranges: list[Range]) -> F:
    """Make the points of a design.

    Parameters
    ----------
    factors : Factors
        The design.
    ranges : list of Range
        Its factors with their ends; none for a list.

    Returns
    -------
    ndarray of float64, shape (points, factors)
        In the order of the method.
    """
    if factors.method == "list":
        return np.array([[point[name] for name in factors.names] for point in factors.points])
    if factors.method == "grid":
        return np.array(list(itertools.product(*(r.values() for r in ranges))), float)
    shares = _shares(factors, len(ranges))
    return np.stack([r.at(shares[:, k]) for k, r in enumerate(ranges)], axis=1)


def _shares(factors: Factors, width: int) -> F:
    """Points as shares of the distributions."""
    from scipy.stats import qmc

    samples, out = factors.samples or 0, np.empty((0, width))
    if factors.method == "latin_hypercube":
        out = qmc.LatinHypercube(d=width, rng=np.random.default_rng(factors.seed)).random(samples)
    elif factors.method == "sobol_sequence":
        sequence = qmc.Sobol(d=width, scramble=True, rng=np.random.default_rng(factors.seed))
        out = sequence.random_base2(max(0, samples - 1).bit_length())[:samples]
    elif factors.method == "sobol":
        from sim.analysis.sensitivity.indices import sobol_design

        out = sobol_design([str(k) for k in range(width)], (), samples, factors.seed)
    elif factors.method == "morris":
        from sim.analysis.sensitivity.indices import screening_design

        out = screening_design([str(k) for k in range(width)], samples, factors.seed)
    return np.asarray(out, float)


def named(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The factors of tables in tables, with dotted names: a table of keys of `Factor` only is a factor."""
    for key, value in table.items():
        if isinstance(value, dict) and value and not set(value) & set(Factor.model_fields):
            yield from named(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _numbers(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _numbers(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
