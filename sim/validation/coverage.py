"""Compares how many people with a need have help at baseline with published coverage, domain by domain.

The published figures are a data file (coverage.toml), which also states what counts as help. Some of them set the
caseload of a service: those are marked, as their agreement is no independent test.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from sim.people.domains import bands_within, load_domains
from sim.results.comparison import Comparison
from sim.results.records import Record
from sim.results.summary import summarise
from sim.schema.errors import RequirementError
from sim.schema.quantities import AGE_BANDS, Closed, Number
from sim.schema.toml_files import load
from sim.services.catalogue import load_catalogue

COVERAGE = Path(__file__).parent / "coverage.toml"
SHARE = (0.0, 1.0)


class CoverageFigure(Closed):
    """A published share of people with a need who have help."""

    domain: str
    level: Literal["serious", "any"]
    ages: Annotated[tuple[int, int], Field(strict=False)]
    published: Number = Field(ge=0.0, le=1.0)
    low: Number
    high: Number
    """Range of published figures or, where the source says so, assumed bounds."""
    counts: str = Field(min_length=10)
    """The people and the help that the source counts."""
    source: str = Field(min_length=10)
    sets: str | None = None
    """Parameter whose value was computed from this figure, if there is one."""
    leave_out: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Services of the domain whose help the source does not count."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        domains, services = [domain.id for domain in load_domains()], [s.id for s in load_catalogue()]
        if self.domain not in domains:
            raise RequirementError("a domain", self.domain, domains, below=("domain",))
        for name in self.leave_out:
            if name not in services:
                raise RequirementError("a service", name, services, below=("leave_out",))
        if not self.low <= self.published <= self.high:
            raise RequirementError(f"a share from {self.low:g} to {self.high:g}", self.published, below=("published",))
        edges = {first for first, _ in AGE_BANDS}, {last for _, last in AGE_BANDS}
        if self.ages[0] not in edges[0] or self.ages[1] not in edges[1]:
            raise RequirementError("ages on the edges of age bands", self.ages, below=("ages",))
        return self


class CoverageFile(Closed):
    """The file of published coverage."""

    help: str = Field(min_length=40)
    """What counts as help."""
    figure: Annotated[tuple[CoverageFigure, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _every_domain(self) -> Self:
        present = {figure.domain for figure in self.figure}
        missing = [domain.id for domain in load_domains() if domain.id not in present]
        if missing:
            raise RequirementError("a figure for each domain", f"none for {', '.join(missing)}", below=("figure",))
        return self


class CoverageRow(NamedTuple):
    """A published coverage and that of the baseline, with its 95 % interval."""

    domain: str
    label: str
    level: str
    ages: tuple[int, int]
    published: float
    low: float
    high: float
    simulated: float
    ci_low: float | None
    ci_high: float | None
    counts: str
    source: str
    sets: str | None

    @property
    def unmet(self) -> float:
        """Share of the need without help at baseline."""
        return 1.0 - self.simulated

    @property
    def miss(self) -> float:
        """How far the baseline lies outside the published range, in shares; 0 inside."""
        return max(0.0, self.low - self.simulated) - max(0.0, self.simulated - self.high)


@lru_cache
def published_coverage(path: Path = COVERAGE) -> CoverageFile:
    """Read the file of published coverage."""
    return load(path, CoverageFile)


def coverage_rows(result: Comparison) -> list[CoverageRow]:
    """Set the coverage of the baseline beside each published figure.

    Parameters
    ----------
    result : Comparison
        A run of the baseline.

    Returns
    -------
    list of CoverageRow
        In the order of the file.
    """
    labels = {domain.id: domain.label for domain in load_domains()}
    rows = []
    for figure in published_coverage().figure:
        shares = np.array([[share_helped(record, figure)] for record in result.records[result.baseline]])
        estimate = summarise(shares, SHARE).iloc[0]
        ci_low, ci_high = (None if np.isnan(end) else float(end) for end in (estimate["ci_low"], estimate["ci_high"]))
        rows.append(
            CoverageRow(
                figure.domain,
                labels[figure.domain],
                figure.level,
                figure.ages,
                figure.published,
                figure.low,
                figure.high,
                float(estimate["mean"]),
                ci_low,
                ci_high,
                figure.counts,
                figure.source,
                figure.sets,
            )
        )
    return rows


def share_helped(record: Record, figure: CoverageFigure) -> float:
    """Share of the people with a need who have help, over all months of a run.

    Serious need is counted by age. Help for any need is recorded by service, not by age: all of it is set against the
    people of the ages of the figure.
    """
    d = [domain.id for domain in load_domains()].index(figure.domain)
    bands = bands_within(figure.ages)
    census = record.monthly["census"][:, d]
    if figure.level == "serious":
        serious = census[:, 2][:, :, bands].sum()
        return 1.0 - float(record.monthly["unmet"][:, d][:, :, bands].sum()) / max(1.0, float(serious))
    counted = [s for s, x in enumerate(load_catalogue()) if x.domain == figure.domain and x.id not in figure.leave_out]
    helped = float(record.monthly["helped"][:, counted].sum())
    return helped / max(1.0, float(census[:, 1:3][:, :, :, bands].sum()))


def coverage_document(rows: list[CoverageRow]) -> dict[str, Any]:
    """The coverage as part of a JSON document."""
    return {
        "help": published_coverage().help,
        "coverage": [row._asdict() | {"unmet": row.unmet, "miss": row.miss} for row in rows],
    }
