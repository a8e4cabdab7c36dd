"""Columns of published neighbourhood tables, recognised by their names.

`COLUMNS` lists the names for the help of `upstream place new` and for the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from sim.place.age_bands import AgeColumn, age_column
from sim.place.table_formats import Sheet

COLUMNS: tuple[tuple[str, str, str], ...] = (
    (
        "neighbourhood",
        "lsoa11_code, lsoa21_code, LSOA code (2011), LSOA 2021 Code, LSOA11CD, LSOA Code, Data_Zone, SOA2001, "
        "Area Codes",
        "code of each neighbourhood",
    ),
    (
        "deprivation",
        "imd2019_decile, Index of Multiple Deprivation (IMD) Decile, IMD Decile, WIMD 2019 overall decile, "
        "SIMD2020v2_Decile; or a rank: imd2019_rank, IMD Rank, Multiple Deprivation Measure Rank",
        "tenth by deprivation, 1 = most deprived; or rank, 1 = most deprived",
    ),
    (
        "ages",
        "0, 1, …, 90+; Age 0, Aged 1 year; F0 … F90 with M0 … M90; or bands: age_0_4, age_5_15, age_16_24, age_25_44, "
        "age_45_64, age_65_74, age_75_84, age_85_plus",
        "people of each age, in columns that add up to these eight bands",
    ),
    (
        "authority",
        "ltla21_code, LAD23CD, LAD 2023 Code, Local Authority District code (2019), LA Code (2021 boundaries), and "
        "names of authorities in such columns",
        "authority of each neighbourhood; not needed for English neighbourhoods of 2011",
    ),
    ("total", "All Ages, Total, Total population", "checked against the ages, if there"),
)
"""Kind of column, names that are recognised, and meaning."""

HEADER_ROWS = 60
"""Number of rows at the top of a sheet in which the header is looked for."""
NEIGHBOURHOOD_CODE = re.compile(r"[EW]01\d{6}|S01\d{6}|N20\d{6}|N21\d{6}|95[A-Z]{2}\d{2}[A-Z]\d")
AREA_CODE = re.compile(r"[EWSNK]\d{8}|95[A-Z]{2}(?:\d{2})?|95[A-Z]{2}\d{2}[A-Z]\d")
OTHER_AREAS = {
    "E00": "output areas", "W00": "output areas", "S00": "output areas", "N00": "output areas",
    "E02": "middle layer areas (MSOA)", "W02": "middle layer areas (MSOA)", "S02": "intermediate zones",
    "E05": "wards", "W05": "wards", "S13": "wards", "N08": "wards",
    "E06": "authorities", "E07": "authorities", "E08": "authorities", "E09": "authorities", "E10": "counties",
    "W06": "authorities", "S12": "authorities", "N09": "authorities", "E12": "regions", "E92": "countries",
    "W92": "countries", "S92": "countries", "N92": "countries", "K02": "countries", "K03": "countries",
    "K04": "countries", "E14": "constituencies", "E38": "clinical commissioning groups", "E54": "health boards",
}  # fmt: skip
"""Kinds of area by the first three characters of the code."""

_DOMAINS = re.compile(
    r"income|employ|educat|skill|train|health|disab|crime|barrier|hous|access|living|environment|idaci|idaopi|child|"
    r"older|young|adult|geograph|wider|indoor|outdoor|service|safety|physical|within|local|score|quintile|quartile|fifth|percentile"
)
_CODE = re.compile(
    r"(?:lsoa|lower (?:layer|level) (?:super output|soa) areas?|super output area|super data zone|sdz|soa|"
    r"data ?zone|dz)"
    r" ?\(?(?:20)?(\d\d)?\)? ?(?:v\d)?(?:code|codes|cd)?(?: ?\(?(?:20)(\d\d)\)?)?(?: code)?"
)
_GENERIC_CODE = re.compile(
    r"(?:area|geography|feature|gss|ons|neighbourhood|geo)? ?(?:code|codes|cd|code id)|mnemonic|areacd|geogcode"
)
_AUTHORITY = re.compile(
    r"(?:(?:lower tier |upper tier |unitary |metropolitan )?local authority(?: district)?|"
    r"local government district|council area|"
    r"council|district|ltla|utla|lad|la|lgd|ua|authority|ca)"
    r" ?\(?(?:20)?(\d\d)?\)?(?: boundaries)? ?(code|codes|cd|name|names|nm|nmw)?"
    r"(?: ?\(?(?:20)?(\d\d)?(?: ?boundaries)?\)?)?(?: ?\(?(?:eng|english|cym|welsh)\)?)?"
)
_TOTAL = re.compile(r"(?:all ages|total(?: population| people| persons)?(?: all ages)?|all persons|persons|population)")


class Columns(NamedTuple):
    """The recognised columns of a table, by position.

    Attributes
    ----------
    names : list of str
        All names of columns.
    code : int
        Column of neighbourhood codes.
    decile, rank, fifth, total : int or None
        Columns of deprivation tenths, ranks and fifths, and of all people.
    authorities : tuple of int
        Columns of codes or names of authorities.
    ages : tuple of AgeColumn
        Columns of ages.
    """

    names: list[str]
    code: int
    decile: int | None
    rank: int | None
    fifth: int | None
    total: int | None
    authorities: tuple[int, ...]
    ages: tuple[AgeColumn, ...]

    @property
    def score(self) -> int:
        """How many kinds of column there are, to choose among sheets and rows."""
        has = (self.decile, self.rank, self.fifth)
        return sum(x is not None for x in has) + bool(self.authorities) + min(8, len(self.ages))


def normalised(name: str) -> str:
    """Write a name in small letters, with single spaces between words."""
    words = re.sub(r"[\s_\-\u2010-\u2015:/]+", " ", name.casefold())
    return re.sub(r"(?<=[a-z])(?=\d\d(?: |c|n|$))", " ", words).strip()


def recognise(names: Sequence[str], sample: Sequence[Sequence[str]] = ()) -> Columns | None:
    """Recognise columns by their names; None if there is no column of neighbourhood codes.

    Parameters
    ----------
    names : sequence of str
        Names of the columns.
    sample : sequence of sequence of str
        Some rows below, which decide between columns of codes with general names.

    Returns
    -------
    Columns or None
    """
    plain_names = [normalised(name) for name in names]
    code = _code_column(plain_names, sample)
    if code is None:
        return None
    ages = tuple(column for k, name in enumerate(names) if k != code and (column := age_column(k, name)) is not None)
    authorities = tuple(k for k, name in enumerate(plain_names) if k != code and _AUTHORITY.fullmatch(name))
    totals = [k for k, name in enumerate(plain_names) if _TOTAL.fullmatch(name)]
    return Columns(
        list(names), code, _deprivation(plain_names, "decile|tenth"), _rank(plain_names),
        _deprivation(plain_names, "quintile|fifth"), totals[0] if len(totals) == 1 else None, authorities, ages,
    )  # fmt: skip


def header_of(sheet: Sheet) -> tuple[int, Columns] | None:
    """Find the header of a sheet among its first rows.

    Parameters
    ----------
    sheet : Sheet
        The sheet.

    Returns
    -------
    position : int
        Position of the header among the rows.
    columns : Columns
        Its columns.
    """
    best: tuple[int, Columns] | None = None
    for position, (_, cells) in enumerate(sheet.rows[:HEADER_ROWS]):
        if any(NEIGHBOURHOOD_CODE.fullmatch(cell) for cell in cells):
            break
        columns = recognise(cells, [row for _, row in sheet.rows[position + 1 : position + 20]])
        if columns is not None and (best is None or columns.score > best[1].score):
            best = position, columns
    return best


def _code_column(names: Sequence[str], sample: Sequence[Sequence[str]]) -> int | None:
    by_name = [k for k, name in enumerate(names) if _CODE.fullmatch(name)]
    general = [k for k, name in enumerate(names) if name and _GENERIC_CODE.fullmatch(name)]

    def codes(k: int) -> int:
        return sum(k < len(row) and NEIGHBOURHOOD_CODE.fullmatch(row[k].strip().upper()) is not None for row in sample)

    with_codes = [k for k in [*by_name, *general] if codes(k)]
    if with_codes:
        return max(with_codes, key=codes)
    return by_name[0] if by_name else None


def _deprivation(names: Sequence[str], word: str) -> int | None:
    """The column of the overall index among columns with a word such as decile."""
    columns = [k for k, name in enumerate(names) if re.search(word, name)]
    others = re.sub(r"\|?(?:quintile|fifth)", "", _DOMAINS.pattern) if "fifth" in word else _DOMAINS.pattern
    overall = [k for k in columns if _is_overall(names[k]) or not re.search(others, names[k])]
    named = [k for k in overall if _is_overall(names[k])]
    return _last(named or overall)


def _is_overall(name: str) -> bool:
    return re.search(
        r"\b(?:w|s|ni)?imd\b|imd ?\d|multiple deprivation|overall|simd|wimd|nimdm", name
    ) is not None and not re.search(
        r"income|employ|educat|health|crime|barrier|housing|living|idaci|idaopi|access|environment|score|within|local",
        name,
    )


def _rank(names: Sequence[str]) -> int | None:
    ranks = [k for k, name in enumerate(names) if re.search(r"\brank\b|rank$", name) and not re.search("decile", name)]
    overall = [k for k in ranks if _is_overall(names[k]) or not re.search(_DOMAINS, names[k])]
    bare = [k for k, name in enumerate(names) if re.fullmatch(r"(?:w|s)?imd ?(?:20\d\d)?", name)]
    named = [k for k in overall if _is_overall(names[k])]
    return _last(named or overall or bare)


def _last(positions: Sequence[int]) -> int | None:
    return positions[-1] if positions else None
