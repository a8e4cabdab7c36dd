"""Domains of need: the prevalence of each level in England, the rate of crises, and the meaning of each level.

A domain is one TOML file in `domains/`. To add a domain, add a file: no other file names it.
Levels are 0 well, 1 emerging, 2 serious, 3 crisis.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sim.schema import extensions
from sim.schema.errors import RequirementError
from sim.schema.quantities import AGE_BAND_NAMES, AGE_BANDS, Closed, Figure, Number, Status
from sim.schema.toml_files import fail, load

FOLDER = Path(__file__).parent / "domains"

Array = NDArray[np.float64]
Five = Annotated[tuple[Number, Number, Number, Number, Number], Field(strict=False)]
"""Five relative numbers, one for each deprivation fifth, most deprived first."""
Ages = Annotated[tuple[int, int], Field(strict=False)]
"""First and last year of age, both counted; each falls on the edge of an age band."""
Positive = Annotated[float, Field(strict=False, ge=0.0)]


def bands_within(ages: tuple[int, int]) -> slice:
    """The age bands that `ages` covers.

    Raises
    ------
    RequirementError
        If the ages cut through a band.
    """
    firsts, lasts = [a for a, _ in AGE_BANDS], [b for _, b in AGE_BANDS]
    if ages[0] not in firsts or ages[1] not in lasts or ages[0] > ages[1]:
        raise RequirementError("ages on the edges of age bands", ages, AGE_BAND_NAMES)
    return slice(firsts.index(ages[0]), lasts.index(ages[1]) + 1)


def _every_band(table: Mapping[str, object], key: str) -> None:
    """Refuse a table by age that lacks a band, or that names a band that does not exist."""
    for band in table:
        if band not in AGE_BAND_NAMES:
            raise RequirementError("an age band", band, AGE_BAND_NAMES, below=(key, band))
    if len(table) < len(AGE_BAND_NAMES):
        raise RequirementError(f"all {len(AGE_BAND_NAMES)} age bands", list(table), AGE_BAND_NAMES, below=(key,))


class ByAgeAndQuintile(Closed):
    """A quantity over age bands and deprivation fifths: an average by age with a relative gradient, or a full table."""

    by_age: dict[str, Positive] | None = None
    by_quintile: Five | None = None
    by_age_and_quintile: dict[str, Five] | None = None
    source: str = Field(min_length=3)
    status: Status
    spread: Annotated[float, Field(strict=False, gt=0.0, lt=1.0)]
    """Relative plausible range: 0.2 means that the entire table may be 20 % lower or higher."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.by_age_and_quintile is not None:
            if self.by_age is not None or self.by_quintile is not None:
                raise RequirementError(
                    "by_age_and_quintile alone, as it replaces by_age and by_quintile", "all three or two"
                )
            _every_band(self.by_age_and_quintile, "by_age_and_quintile")
            for band, row in self.by_age_and_quintile.items():
                if min(row) < 0.0:
                    raise RequirementError("five numbers of 0 or more", row, below=("by_age_and_quintile", band))
        elif self.by_age is None or self.by_quintile is None:
            raise RequirementError("by_age with by_quintile, or by_age_and_quintile", "one half")
        else:
            _every_band(self.by_age, "by_age")
            if min(self.by_quintile) <= 0.0:
                raise RequirementError("five relative numbers above 0", self.by_quintile, below=("by_quintile",))
        return self

    def table(self, england: Array) -> Array:
        """The quantity for each age band and fifth, shape (10, 5).

        Parameters
        ----------
        england : array of float, shape (10, 5)
            England's people or, for a household domain, its households by their reference person. In each band the
            gradient is scaled so that England's average is `by_age`.
        """
        if self.by_age_and_quintile is not None:
            return np.array([self.by_age_and_quintile[band] for band in AGE_BAND_NAMES], dtype=np.float64)
        assert self.by_age is not None and self.by_quintile is not None  # ensured by `_one_form`
        average = np.array([self.by_age[band] for band in AGE_BAND_NAMES], dtype=np.float64)
        relative = np.array(self.by_quintile, dtype=np.float64)
        counted = np.where(england.sum(axis=1, keepdims=True) > 0.0, england, 1.0)
        mean = (counted * relative).sum(axis=1) / counted.sum(axis=1)
        table: Array = average[:, None] * relative[None, :] / mean[:, None]
        return table


class LevelMeanings(Closed):
    """The meaning of each level, in a sentence for a reader who works in none of these services."""

    emerging: str = Field(min_length=10)
    serious: str = Field(min_length=10)
    crisis: str = Field(min_length=10)


class PrevalenceAtLeast(ByAgeAndQuintile):
    """Share of people at a level or above it, at one moment."""


class Prevalence(Closed):
    """Prevalence of need at the level of emerging or above, and of serious or above."""

    emerging: PrevalenceAtLeast
    serious: PrevalenceAtLeast


class EnglandTotal(Closed):
    """A published total that the crises of some ages must add up to, per 1,000 counted units of those ages a year."""

    ages: Ages
    value: Figure

    @model_validator(mode="after")
    def _on_edges(self) -> Self:
        bands_within(self.ages)
        return self


class Crisis(ByAgeAndQuintile):
    """New crises per 1,000 in the band a year, the totals they are scaled to, and how long one lasts in months."""

    england_total: tuple[EnglandTotal, ...] = Field(min_length=1, strict=False)
    england_total_per: Literal["people", "households"]
    mean_months: dict[str, Annotated[float, Field(strict=False, ge=1.0)]]
    waits_for: str | None = None
    """Another domain: while its need is serious and not helped, a crisis of this domain seldom ends."""

    @model_validator(mode="after")
    def _totals_apart(self) -> Self:
        _every_band(self.mean_months, "mean_months")
        covered: set[int] = set()
        for total in self.england_total:
            bands = set(range(len(AGE_BANDS))[bands_within(total.ages)])
            if covered & bands:
                raise RequirementError("totals for ages apart from one another", total.ages, below=("england_total",))
            covered |= bands
        return self

    def per_year(self, england: Array) -> Array:
        """New crises per person (or household) and year by band and fifth, scaled to England's published totals."""
        rates = self.table(england) / 1000.0
        for total in self.england_total:
            bands = bands_within(total.ages)
            crises, counted = float((rates[bands] * england[bands]).sum()), float(england[bands].sum())
            if crises > 0.0:
                rates[bands] *= total.value.value / 1000.0 * counted / crises
        return rates

    def months(self) -> Array:
        """How long a crisis lasts on average, in months, by age band. Shape (10,)."""
        return np.array([self.mean_months[band] for band in AGE_BAND_NAMES], dtype=np.float64)


class Recovery(Closed):
    """Hazard of improving by one level without help, per year."""

    emerging_per_year: Figure
    serious_per_year: Figure


class LossByLevel(Closed):
    """The loss at each level, compared with a person without need in the domain."""

    emerging: Figure
    serious: Figure
    crisis: Figure

    @model_validator(mode="after")
    def _grows(self) -> Self:
        values = (0.0, self.emerging.value, self.serious.value, self.crisis.value)
        if list(values) != sorted(values):
            raise RequirementError("losses of 0 or more that do not shrink from level to level", values[1:])
        return self

    def values(self) -> Array:
        """The loss by level, 0 (well) first. Shape (4,)."""
        return np.array([0.0, self.emerging.value, self.serious.value, self.crisis.value])


class Wellbeing(Closed):
    """Loss of wellbeing by need in the domain. The losses of several domains add up."""

    utility_loss: LossByLevel
    """Part of the weight, 0 to 1, of a year of life in a QALY."""
    life_satisfaction_loss: LossByLevel
    """Points of life satisfaction, on the scale from 0 to 10."""


class Domain(Closed):
    """One domain of need, with the figures for England."""

    id: str = Field(pattern=r"^[a-z][a-z_]*$")
    label: str = Field(min_length=3)
    order: int = Field(ge=0)
    unit: Literal["person", "household"]
    meaning: LevelMeanings
    prevalence: Prevalence
    crisis: Crisis
    recovery: Recovery
    informal_help: bool = False
    """Whether people at home can give much of the help, and are strained if no service helps."""
    wellbeing: Wellbeing
    interactions: dict[str, Figure] = Field(default_factory=dict)
    """Other domain's id -> omega: the hazard of worsening is multiplied by 1 + omega * level in the other domain."""

    @model_validator(mode="after")
    def _same_unit(self) -> Self:
        wanted = "households" if self.unit == "household" else "people"
        if self.crisis.england_total_per != wanted:
            key = ("crisis", "england_total_per")
            raise RequirementError(
                f"'{wanted}', as this domain's unit is a {self.unit}", self.crisis.england_total_per, below=key
            )
        if self.id in self.interactions:
            raise RequirementError("another domain than this one", self.id, below=("interactions", self.id))
        return self


@lru_cache
def load_domains(folder: Path | None = None) -> tuple[Domain, ...]:
    """All domain files of a folder, sorted by their `order`. By default the package's, then those of extensions."""
    return tuple(domain for _, domain in _entries(folder))


def file_of(domain: str) -> Path:
    """The file of a domain, by its id."""
    return next(path for path, entry in _entries(None) if entry.id == domain)


@lru_cache
def _entries(folder: Path | None) -> tuple[tuple[Path, Domain], ...]:
    """Every domain with its file."""
    files = sorted((folder or FOLDER).glob("*.toml"))
    if not files:
        raise fail(folder or FOLDER, "", "at least one domain file (*.toml)", [])
    entries: list[tuple[Path, Domain]] = []
    for listed in (files, *(extensions.files("domains") if folder is None else ())):
        part = sorted(((path, load(path, Domain)) for path in listed), key=lambda pair: pair[1].order)
        for (_, before), (path, domain) in pairwise(part):
            if domain.order == before.order:
                raise fail(path, "order", f"an order other than that of {before.id}", domain.order)
        entries += part
    ids = [domain.id for _, domain in entries]
    for k, (path, domain) in enumerate(entries):
        if domain.id in ids[:k]:
            raise fail(path, "id", "an id that no other domain has", domain.id)
        for other in domain.interactions:
            if other not in ids:
                raise fail(path, ("interactions", other), "another domain's id", other, ids)
        if domain.crisis.waits_for is not None and domain.crisis.waits_for not in ids:
            raise fail(path, ("crisis", "waits_for"), "another domain's id", domain.crisis.waits_for, ids)
    return tuple(entries)
