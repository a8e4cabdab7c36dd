"""The scope of the model: for each sector the money that the model holds beside published public spending in England.

The model's side is the baseline budget of each service, in pounds a head of the place. The published side is a data
file (outturn.toml). The last row is what remains of all spending for England, so that the rows add up to its total.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from sim.calibration.calibrate import solution_for
from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.schema.errors import RequirementError
from sim.schema.prices import to_base
from sim.schema.quantities import Closed, Number
from sim.schema.toml_files import load
from sim.services.catalogue import Service, Silo, load_catalogue

if TYPE_CHECKING:
    import pandas as pd

OUTTURN = Path(__file__).parent / "outturn.toml"
PEOPLE = 20_000
"""People of the place of which budgets a head are taken; they hardly depend on its size."""
REMAINDER, TOTAL = "other", "total"
"""Ids of the last rows: spending in no sector of the file, and all public spending for England."""
COLUMNS = ("sector", "label", "holds", "left_out", "model", "published", "share", "billion", "area", "year", "source")

Names = Annotated[tuple[str, ...], Field(strict=False)]


class PublishedArea(Closed):
    """An area for which spending is published, and its people."""

    name: str
    million: Number = Field(gt=0.0)
    source: str = Field(min_length=10)


class Sector(Closed):
    """A sector of public spending. Without a published total it has no `billion`, `area` and `year`."""

    id: str = Field(pattern=r"^[a-z][a-z_]*$")
    label: str = Field(min_length=2)
    silos: Annotated[tuple[Silo, ...], Field(strict=False)] = ()
    """Silos whose services belong here unless another sector names them."""
    services: Names = ()
    billion: Number | None = Field(None, gt=0.0)
    area: str | None = None
    year: str | None = None
    source: str = Field(min_length=10)
    left_out: str = Field(min_length=3)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        stated = [key for key in ("billion", "area", "year") if getattr(self, key) is not None]
        if len(stated) not in (0, 3):
            raise RequirementError("all of billion, area and year, or none", stated)
        return self


class TotalSpending(Closed):
    """All public spending for England."""

    per_head: Number = Field(gt=0.0)
    year: str
    source: str = Field(min_length=10)
    left_out: str


class Outturn(Closed):
    """The file of published spending."""

    base_year: str
    area: Annotated[tuple[PublishedArea, ...], Field(strict=False, min_length=1)]
    total: TotalSpending
    sector: Annotated[tuple[Sector, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        areas = tuple(area.name for area in self.area)
        for k, sector in enumerate(self.sector):
            if sector.area is not None and sector.area not in areas:
                raise RequirementError("an area of the file", sector.area, areas, below=("sector", k, "area"))
        for key in ("silos", "services"):
            named = [name for sector in self.sector for name in getattr(sector, key)]
            twice = sorted({name for name in named if named.count(name) > 1})
            if twice:
                raise RequirementError(f"each of the {key} in one sector", twice, below=("sector",))
        return self

    def sector_of(self, service: Service) -> Sector:
        """The sector to which a service belongs.

        Raises
        ------
        RequirementError
            If no sector names the service or its silo.
        """
        for sector in self.sector:
            if service.id in sector.services:
                return sector
        for sector in self.sector:
            if service.silo in sector.silos:
                return sector
        raise RequirementError(f"a sector for the silo of {service.id}", service.silo, [s.id for s in self.sector])

    def per_head(self, sector: Sector) -> float | None:
        """Published pounds a head of a sector, of the base year; None without a published total."""
        if sector.billion is None or sector.year is None:
            return None
        people = next(area.million for area in self.area if area.name == sector.area)
        return to_base(sector.billion * 1000.0 / people, sector.year)


@lru_cache
def outturn(path: Path = OUTTURN) -> Outturn:
    """Read the file of published spending."""
    return load(path, Outturn)


@lru_cache
def budgets_per_head(place: str = "anytown") -> dict[str, float]:
    """Baseline budget of each service, in pounds of the base year a head a year.

    Parameters
    ----------
    place : str
        Name of a place; England's mix by default.

    Returns
    -------
    dict of str to float
        By service, in the order of the catalogue.
    """
    where = Place.load(place)
    people = max(PEOPLE, where.fewest_people)
    world = solution_for(Scenario.load("baseline"), where).world(where, people, seed=0).world
    living = float(world.tally.people.sum())
    budgets = zip(load_catalogue(), world.services.base_budget, strict=True)
    return {service.id: float(budget) / living for service, budget in budgets}


def scope(place: str = "anytown") -> pd.DataFrame:
    """Set the money of the model beside published public spending in England.

    Parameters
    ----------
    place : str
        Name of the place whose baseline budgets are shown; England's mix by default.

    Returns
    -------
    pandas.DataFrame
        One row a sector, then ``other`` and ``total``: what the model holds and leaves out, pounds of the base year a
        head in the model and in England, the share of published spending that the model covers, and the source. A
        sector without a published total has no share. The sectors and ``other`` add up to ``total``.

    Examples
    --------
    >>> import sim
    >>> table = sim.scope()
    >>> bool(table["share"]["nhs"] < table["share"]["total"] * 10)
    True
    """
    import pandas as pd

    file, budgets = outturn(), budgets_per_head(place)
    by_sector: dict[str, list[Service]] = {sector.id: [] for sector in file.sector}
    for service in load_catalogue():
        by_sector[file.sector_of(service).id].append(service)
    rows: list[dict[str, object]] = []
    for sector in file.sector:
        services = by_sector[sector.id]
        rows.append(
            {
                "sector": sector.id,
                "label": sector.label,
                "holds": "; ".join(service.label for service in services) or "nothing",
                "left_out": sector.left_out,
                "model": sum(budgets[service.id] for service in services),
                "published": file.per_head(sector),
                "billion": sector.billion,
                "area": sector.area,
                "year": sector.year,
                "source": sector.source,
            }
        )
    table = pd.DataFrame(rows).set_index("sector")
    table["published"] = table["published"].astype(float)
    total = to_base(file.total.per_head, file.total.year)
    table.loc[REMAINDER] = {
        "label": "All other spending for England",
        "holds": "nothing",
        "left_out": file.total.left_out,
        "model": 0.0,
        "published": total - float(table["published"].sum()),
        "source": "the total less the published sectors above (CALC)",
    }
    table.loc[TOTAL] = {
        "label": "All public spending for England",
        "holds": "the services above",
        "left_out": "",
        "model": float(table["model"].sum()),
        "published": total,
        "year": file.total.year,
        "area": "England",
        "source": file.total.source,
    }
    table["share"] = table["model"] / table["published"]
    return table[[column for column in COLUMNS if column != "sector"]]
