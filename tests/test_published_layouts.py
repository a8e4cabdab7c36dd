"""Imitations of published tables, with the publishers' sheets and headers, build the places that they describe.

English tables are made from the published table of neighbourhoods, for Wigan: 200 neighbourhoods and 330,712 people.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pytest

from sim.place.age_bands import BAND_AGES
from sim.place.census_tables import new_place
from sim.place.english_authorities import authority_data
from sim.place.neighbourhood_table import Neighbourhoods, read_neighbourhoods
from sim.place.place import Place

TABLE = Path(__file__).parents[2] / "shared" / "data" / "lsoa_imd2019_pop2020.csv"
published = pytest.mark.skipif(not TABLE.exists(), reason=f"needs the published table {TABLE}")
WIGAN, PEOPLE = "E08000010", 330_712
INDEX_HEADER = [
    "LSOA code ({lsoa})", "LSOA name ({lsoa})", "Local Authority District code ({lad})",
    "Local Authority District name ({lad})", "Index of Multiple Deprivation (IMD) Score",
    "Index of Multiple Deprivation (IMD) Rank (where 1 is most deprived)",
    "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)", "Income Score (rate)",
    "Income Rank (where 1 is most deprived)", "Income Decile (where 1 is most deprived 10% of LSOAs)",
    "Total population: mid {denominator} (excluding prisoners)",
]  # fmt: skip
"""Columns of File 7 of the English Indices of Deprivation 2019 and 2025 (scores, ranks, deciles and denominators)."""


class Hood(NamedTuple):
    """A neighbourhood with single years of age, 0 to 90 and over."""

    code: str
    decile: int
    years: list[int]


def single_years(bands: Sequence[int]) -> list[int]:
    """People of each year of age, as even as possible, with the sums of the bands."""
    years: list[int] = []
    for (low, high), people in zip(BAND_AGES, bands, strict=True):
        count = min(high, 90) - low + 1
        years += [people // count + (1 if k < people % count else 0) for k in range(count)]
    return years


@pytest.fixture(scope="module")
def table() -> Neighbourhoods:
    """The published table."""
    return read_neighbourhoods(TABLE)


@pytest.fixture(scope="module")
def wigan(table: Neighbourhoods) -> list[Hood]:
    """The neighbourhoods of Wigan."""
    owner = authority_data().authority_of
    rows = [i for i, code in enumerate(table.codes) if owner[code] == WIGAN]
    return [Hood(table.codes[i], int(table.deciles[i]), single_years(table.ages[i].tolist())) for i in rows]


def write_csv(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def write_sheets(path: Path, sheets: dict[str, Sequence[Sequence[object]]]) -> Path:
    """A workbook."""
    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def index_table(path: Path, hoods: Sequence[Hood], lsoa: int, lad: int, denominator: int, ranked: int) -> Path:
    """File 7 of an English index."""
    header = [name.format(lsoa=lsoa, lad=lad, denominator=denominator) for name in INDEX_HEADER]
    rows = []
    for hood in hoods:
        rank = (hood.decile - 1) * ranked // 10 + 100
        names = [hood.code, "Wigan 001A", WIGAN, "Wigan", 30.5, rank]
        rows.append([*names, hood.decile, 0.1, 31_000, 11 - hood.decile, 1_500])
    return write_csv(path, [header, *rows])


def ages_2020(path: Path, hoods: Sequence[Hood]) -> Path:
    """ONS mid-2020 estimates by single year of age: the workbook of persons, with its titles and totals."""
    header = ["LSOA Code", "LSOA Name", "LA Code (2018 boundaries)", "LA name (2018 boundaries)",
              "LA Code (2021 boundaries)", "LA name (2021 boundaries)", "All Ages", *range(90), "90+"]  # fmt: skip
    titles = [["SAPE23DT2: Mid-2020 Population Estimates for Lower layer Super Output Areas"], ["Persons"], [], []]
    rows = [[h.code, "Wigan 001A", WIGAN, "Wigan", WIGAN, "Wigan", sum(h.years), *h.years] for h in hoods]
    notes = [["Contents"], ["Mid-2020 Persons"], ["Terms and conditions"]]
    return write_sheets(path, {"Contents": notes, "Mid-2020 Persons": [*titles, header, *rows]})


def ages_2022(path: Path, hoods: Sequence[Hood]) -> Path:
    """ONS mid-2022 estimates by single year of age and sex, for the neighbourhoods of 2021."""
    header = ["LAD 2023 Code", "LAD 2023 Name", "LSOA 2021 Code", "LSOA 2021 Name", "Total",
              *(f"{sex}{age}" for sex in "FM" for age in range(91))]  # fmt: skip
    titles = [["Mid-2022 population estimates by LSOA 2021, single year of age and sex"], [], ["Source: ONS"]]
    rows = []
    for hood in hoods:
        females = [n // 2 for n in hood.years]
        males = [n - f for n, f in zip(hood.years, females, strict=True)]
        rows.append([WIGAN, "Wigan", hood.code, "Wigan 001A", sum(hood.years), *females, *males])
    return write_sheets(path, {"Contents": [["Contents"]], "Mid-2022 LSOA 2021": [*titles, header, *rows]})


@published
def test_index_of_2019_with_ages_of_2020(wigan: list[Hood], tmp_path: Path) -> None:
    """Two English tables are joined, to the last person and tenth, and exactly agree with the published totals."""
    index = index_table(tmp_path / "File_7.csv", wigan, 2011, 2019, 2015, 32_844)
    ages = ages_2020(tmp_path / "sape23dt2.xlsx", wigan)
    place = Place.load(new_place("w", WIGAN, [index, ages], out_folder=tmp_path))
    shipped = Place.load("wigan")
    assert place.population == PEOPLE
    assert place.deciles == shipped.deciles
    assert place.source.startswith("ONS Small area population estimates mid-2020 and MHCLG English Indices of Depriv")
    assert "Deprivation 2019" in place.source
    assert "exactly the published mid-2020 total" in place.source
    assert place.splits.younger_5_15 == pytest.approx(5 / 11, abs=0.01)
    with pytest.raises(ValueError, match=r"199 neighbourhoods: 1 are missing"):
        new_place("v", WIGAN, [index, ages_2020(tmp_path / "fewer.xlsx", wigan[1:])], out_folder=tmp_path)


@published
def test_ages_of_2020_alone(wigan: list[Hood], tmp_path: Path) -> None:
    """The workbook of ages alone builds the place: its tenths come with the project."""
    ages = ages_2020(tmp_path / "sape23dt2.xlsx", wigan)
    place = Place.load(new_place("w", "Wigan", ages, out_folder=tmp_path))
    assert place.deciles == Place.load("wigan").deciles


@published
def test_index_of_2025_with_ages_of_2022(wigan: list[Hood], tmp_path: Path) -> None:
    """Tables by neighbourhoods of 2021 are not compared with those of 2011; years and codes are in the source."""
    hoods = [hood._replace(code=f"E01034{n:03d}") if n >= 195 else hood for n, hood in enumerate(wigan)]
    index = index_table(tmp_path / "iod25.csv", hoods, 2021, 2024, 2022, 33_755)
    ages = ages_2022(tmp_path / "sape.xlsx", hoods)
    place = Place.load(new_place("w", WIGAN, [index, ages], out_folder=tmp_path))
    assert place.population == PEOPLE
    assert "mid-2022" in place.source
    assert "Deprivation 2025, by neighbourhood (2021 LSOA)" in place.source
    with pytest.raises(ValueError, match="2011 and of 2021 differ"):
        new_place("v", WIGAN, [index, ages_2020(tmp_path / "old.xlsx", wigan)], out_folder=tmp_path)


def small_hoods(codes: Sequence[str]) -> list[Hood]:
    """Neighbourhoods of the tenths 1 to 10 in turn."""
    return [Hood(code, n % 10 + 1, single_years([80, 170, 160, 400, 410, 160, 90, 30])) for n, code in enumerate(codes)]


def test_welsh_tables(tmp_path: Path) -> None:
    """WIMD 2019 ranks by local authority name, with ages by single year."""
    hoods = small_hoods([f"W01{n:06d}" for n in range(1, 51)])
    names = ["Isle of Anglesey" if n < 20 else "Gwynedd" for n in range(50)]
    header = ["LSOA Code", "LSOA Name (Eng)", "Local Authority Name (Eng)", "WIMD 2019", "Income", "Employment"]
    rows = [[h.code, "Area", name, h.decile * 1_909 // 10, 5, 6] for h, name in zip(hoods, names, strict=True)]
    index = write_sheets(
        tmp_path / "wimd.xlsx", {"Cover": [["WIMD 2019"]], "WIMD_2019_ranks": [["Ranks"], [], header, *rows]}
    )
    ages = write_csv(tmp_path / "ages.csv", [["LSOA11CD", *range(90), "90+"], *([h.code, *h.years] for h in hoods)])
    place = Place.load(new_place("m", "Isle of Anglesey", [index, ages], out_folder=tmp_path))
    assert (place.population, place.label) == (20 * 1_500, "Isle of Anglesey")
    assert "Welsh Index of Multiple Deprivation 2019" in place.source
    assert "England's" in place.note


def test_scottish_tables(tmp_path: Path) -> None:
    """SIMD 2020v2 deciles by council area, with ages by single year."""
    hoods = small_hoods([f"S01{n:06d}" for n in range(6_506, 6_536)])
    header = ["Data_Zone", "Intermediate_Zone", "Council_area", "Total_population", "SIMD2020v2_Rank",
              "SIMD2020v2_Percentile", "SIMD2020v2_Vigintile", "SIMD2020v2_Decile", "SIMD2020v2_Quintile",
              "SIMD2020v2_Income_Domain_Rank"]  # fmt: skip
    rows = [
        [h.code, "Culter", "Aberdeen City", 1_600, 690 * h.decile, 5, 9, h.decile, (h.decile + 1) // 2, 7]
        for h in hoods
    ]
    index = write_sheets(tmp_path / "simd.xlsx", {"SIMD 2020v2 ranks": [header, *rows]})
    ages = write_csv(tmp_path / "ages.csv", [["DataZone", *(f"Age {a}" for a in range(90)), "Age 90 and over"],
                                             *([h.code, *h.years] for h in hoods)])  # fmt: skip
    place = Place.load(new_place("a", "Aberdeen City", [index, ages], out_folder=tmp_path))
    assert place.population == 30 * 1_500
    assert [part.neighbourhoods for part in place.deciles] == [3] * 10
    assert "Scottish Index of Multiple Deprivation 2020" in place.source


def test_northern_irish_tables(tmp_path: Path) -> None:
    """NIMDM 2017 ranks of super output areas, by the name of the district."""
    hoods = small_hoods([f"95GG{n:02d}S1" for n in range(10, 40)])
    header = ["LGD2014name", "SOA2001", "SOA2001_name", "Urban mixed rural status",
              "Multiple Deprivation Measure Rank \n(where 1 is most deprived)",
              "Income Domain Rank \n(where 1 is most deprived)"]  # fmt: skip
    rows = [["Belfast", h.code, "Ardoyne", "Urban", h.decile * 89, 5] for h in hoods]
    index = write_sheets(tmp_path / "nimdm.xlsx", {"Notes": [["NIMDM17"]], "MDM": [header, *rows]})
    ages = write_csv(tmp_path / "ages.csv", [["SOA2001", *range(90), "90+"], *([h.code, *h.years] for h in hoods)])
    place = Place.load(new_place("b", "Belfast", [index, ages], out_folder=tmp_path))
    assert place.population == 30 * 1_500
    assert "Northern Ireland Multiple Deprivation Measure" in place.source
