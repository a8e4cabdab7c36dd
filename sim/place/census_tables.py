"""A new place from published neighbourhood tables: the rows of an authority, their sums, and the resulting place.

The rows are those of the tables' own columns of authorities; without such a column, those that the project's list of
English neighbourhoods of 2011 names. Sums are compared with the table of authorities and with the project's figures: a
table that lost or repeated rows is refused with both figures.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.place.age_bands import NEIGHBOURHOOD_BANDS
from sim.place.authority_names import codes_before, slug, spellings, successor
from sim.place.authority_table import AUTHORITIES_FILE, ENGLAND, Authority, combined, read_authorities
from sim.place.english_authorities import SPLITS_SOURCE, area_figures, authority_data, english_areas, find_area, listed
from sim.place.neighbourhood_table import (
    Neighbourhoods,
    agreement,
    check_codes,
    joined,
    missing_columns,
    nation_of,
    read_neighbourhoods,
)  # fmt: skip
from sim.place.place import FEWEST_PEOPLE, PLACES, Place
from sim.place.place_file import PlaceFigures, place_text, write_atomically
from sim.schema.errors import InputError, Phrase
from sim.schema.toml_files import load_text

NATIONS = {"E": "England", "W": "Wales", "S": "Scotland", "N": "Northern Ireland"}
NATION_CODES = {ENGLAND: "E", "W92000004": "W", "S92000003": "S", "N92000002": "N"}
COUNTS = {
    "E": {2001: 32_482, 2011: 32_844, 2021: 33_755},
    "W": {2001: 1_896, 2011: 1_909, 2021: 1_917},
    "S": {2001: 6_505, 2011: 6_976, 2022: 7_392},
    "N": {2001: 890, 2021: 3_780},
}
"""Number of neighbourhoods of each nation by census."""
LAST_OF_2011 = "E01033768"
"""The last English neighbourhood code of 2011; later ones are of 2021."""
MOSTLY_ALL = 0.75
"""A table with more than this share of a nation's neighbourhoods is a table of the nation."""
YEARS_APART = 0.7, 1.35
"""Range of the ratio of people in two years, or before and after the Census of 2021."""
SHARE_ROUNDING = 0.001
ESTIMATES = {"E": "ONS Small area population estimates", "W": "ONS Small area population estimates",
             "S": "NRS Small area population estimates", "N": "NISRA Small area population estimates"}  # fmt: skip
INDICES = {"E": "MHCLG English Indices of Deprivation", "W": "Welsh Government Welsh Index of Multiple Deprivation",
           "S": "Scottish Government Scottish Index of Multiple Deprivation",
           "N": "NISRA Northern Ireland Multiple Deprivation Measure"}  # fmt: skip
AREA_PATTERN = re.compile(r"[A-Z]\d{8}")


class Area(NamedTuple):
    """The area of a new place.

    Attributes
    ----------
    text : str
        Code or name as typed.
    code : str
        Code; empty if it is not known.
    name : str
        Name; empty if it is not known.
    codes : frozenset of str
        The code, and the codes of all authorities that it replaced.
    members : tuple of str
        Codes of the English authorities of 2021 of which it is the sum; empty if it is not English.
    """

    text: str
    code: str
    name: str
    codes: frozenset[str]
    members: tuple[str, ...]


def new_place(
    name: str,
    authority_code: str,
    neighbourhoods_csv: Path | Sequence[Path],
    authorities_csv: Path | None = None,
    out_folder: Path | None = None,
    *,
    source: str = "",
    force: bool = False,
) -> Path:
    """Write the file of a place for one authority, or for a nation; nothing is written if anything is wrong.

    Parameters
    ----------
    name : str
        Name of the place: small letters, digits, - and _.
    authority_code : str
        Code or name of the authority, such as ``E08000010``; ``E92000001`` for England.
    neighbourhoods_csv : Path or sequence of Path
        Table of neighbourhoods; or several, joined by the code of the neighbourhood.
    authorities_csv : Path, optional
        Table of authorities; by default the one in the folder of the neighbourhood table, if there is one.
    out_folder : Path, optional
        Folder of the file; by default that of the project's places.
    source : str
        Publisher and year of the tables, where the columns do not state them.
    force : bool
        Whether an existing file is replaced.

    Returns
    -------
    Path
        The file, `<out_folder>/<name>.toml`.

    Raises
    ------
    InputError
        If a table has a mistake, the rows of the authority cannot be determined, a sum does not agree, or the file
        exists.
    """
    folder = Path(out_folder) if out_folder is not None else PLACES
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", name):
        raise InputError("place new", None, "NAME", "a name of small letters, digits, - and _", name)
    target = folder / f"{name}.toml"
    if target.exists() and not force:
        raise InputError(target, None, "", "a name that is not taken (or --force)", Phrase("a place of that name"))
    paths = (
        [Path(neighbourhoods_csv)]
        if isinstance(neighbourhoods_csv, str | Path)
        else [Path(p) for p in neighbourhoods_csv]
    )
    beside = paths[0].parent / AUTHORITIES_FILE
    known_from = Path(authorities_csv) if authorities_csv is not None else beside if beside.is_file() else None
    authorities = read_authorities(known_from) if known_from is not None else {}
    area = _area(authority_code, authorities)
    table = _read(paths, area)
    path = paths[0]
    rows, method = rows_of(area, table, authorities, path, known_from)
    table = _with_deciles(table, rows, path)
    checks = _Sums(area, table, rows, path, source)
    official = _official(area, authorities)
    checks.check_fifths()
    notes = [method, *checks.compare(official, known_from), *table.notes]
    people = int(table.ages[rows].sum())
    if people < FEWEST_PEOPLE:
        raise InputError(path, None, area.text, f"an authority of at least {FEWEST_PEOPLE:,} people", people)
    text = place_text(_figures(name, area, table, rows, official, checks, notes, source))
    load_text(text, target, Place)
    write_atomically(target, text)
    return target


def _area(typed: str, authorities: Mapping[str, Authority]) -> Area:
    """The area of a code or a name."""
    code = re.sub(r"\s", "", typed).upper()
    nation = next(
        (c for c, letter in NATION_CODES.items() if NATIONS[letter].casefold() == typed.strip().casefold()), None
    )
    code = nation or code
    if not AREA_PATTERN.fullmatch(code):
        names = {slug(row.name): row.code for row in authorities.values()}
        by_table = next((names[s] for s in spellings(typed) if s in names), None)
        by_project = find_area(typed)
        code = by_table or (by_project.code if by_project is not None else "")
    if code in NATION_CODES:
        members = english_areas()[ENGLAND].members if code == ENGLAND else ()
        return Area(typed, code, NATIONS[NATION_CODES[code]], frozenset([code]), members)
    if code[:1] == "K":
        raise InputError("--authority", None, "", "one nation or one authority", typed, list(NATION_CODES))
    english = english_areas().get(code)
    name = authorities[code].name if code in authorities else english.name if english is not None else ""
    return Area(
        typed, code, name, codes_before(code) if code else frozenset(), english.members if english is not None else ()
    )


def _read(paths: Sequence[Path], area: Area) -> Neighbourhoods:
    """Read the tables, and join them if there are several; all missing columns are named at once."""
    nation = nation_of(area.code) if area.code else ""
    table = read_neighbourhoods(paths[0], nation if nation in NATIONS else "")
    for path in paths[1:]:
        table = joined(paths[0], table, path, read_neighbourhoods(path, nation if nation in NATIONS else ""))
    missing = missing_columns(table)
    if not table.ages.size or (missing and not _can_fill_deciles(table, area)):
        wanted = (
            "a column of this name"
            if len(missing) == 1
            else "a column of each of these names (upstream place new --help lists others)"
        )
        raise InputError(paths[0], table.header_line, ", ".join(missing), wanted, Phrase("none"), table.names)
    check_codes(paths[0], table)
    return table


def _can_fill_deciles(table: Neighbourhoods, area: Area) -> bool:
    """Whether the project knows the tenth of every neighbourhood of an English area in the table."""
    owners = authority_data().authority_of
    inside = [code for code in table.codes if owners.get(code) in area.members]
    return bool(inside) and not any(code > LAST_OF_2011 for code in table.codes if code[0] == "E")


def _with_deciles(table: Neighbourhoods, rows: Sequence[int], path: Path) -> Neighbourhoods:
    """The table with tenths of the project's list, if it has none."""
    if table.deciles.size:
        return table
    known = authority_data().decile_of
    unknown = [table.codes[i] for i in rows if table.codes[i] not in known]
    if unknown:
        raise InputError(
            path, table.header_line, "imd2019_decile", "a column of this name", Phrase("none"), table.names
        )
    deciles = np.array([known.get(code, 0) for code in table.codes], np.int64)
    note = "tenths from the project's list of IMD 2019 by neighbourhood of 2011"
    return table._replace(deciles=deciles, index_year=2019, notes=(*table.notes, note))


# --- the rows of the area --------------------------------------------------------------------------------------------


def rows_of(
    area: Area, table: Neighbourhoods, authorities: Mapping[str, Authority], path: Path, known_from: Path | None
) -> tuple[list[int], str]:
    """Determine the area's rows of the table.

    Parameters
    ----------
    area : Area
        The area.
    table : Neighbourhoods
        The table.
    authorities : mapping of str to Authority
        The authorities by code.
    path : Path
        File of the table, for messages.
    known_from : Path or None
        File of the authorities.

    Returns
    -------
    rows : list of int
        Positions in the table.
    method : str
        Description of the way in which they were determined.

    Raises
    ------
    InputError
        If the rows cannot be determined.
    """
    if area.code in NATION_CODES:
        return list(range(len(table.codes))), f"all rows of the table, for {area.name}"
    by_column = _rows_by_column(area, table, path)
    if by_column is not None:
        return by_column
    owners = authority_data().authority_of
    rows = [i for i, code in enumerate(table.codes) if owners.get(code) in area.members]
    if rows and table.codes[-1] <= LAST_OF_2011:
        return rows, "rows by the project's list of the authority of each neighbourhood of 2011"
    if area.code in authorities and not table.authorities:
        official = authorities[area.code]
        if tuple(table.ages.sum(axis=0).tolist()) == official.ages:
            return list(range(len(table.codes))), "all rows of the table: all 8 age bands add up exactly"
        wanted = f"a column ltla21_code, or the {official.people:,} people of {official.name} in all rows"
        raise InputError(
            path, table.header_line, "ltla21_code", wanted, Phrase(f"none, and {int(table.ages.sum()):,} people")
        )
    if table.authorities:
        raise _unknown_area(area, table, path)
    if authorities and area.code not in authorities:
        raise _not_in_authorities(area, authorities, known_from)
    beside = f"the table {AUTHORITIES_FILE} in the same folder"
    wanted = f"a column ltla21_code, or {beside}, to determine the rows of {area.text}"
    raise InputError(path, table.header_line, "ltla21_code", wanted, Phrase("neither"))


def _rows_by_column(area: Area, table: Neighbourhoods, path: Path) -> tuple[list[int], str] | None:
    """The rows that a column of authorities names: by code, by the codes that it replaced, or by name."""
    columns = [[re.sub(r"\s", "", value).upper() for value in column] for column in table.authorities]
    for column in columns:
        rows = [i for i, value in enumerate(column) if value and value == area.code]
        if rows:
            return rows, "rows by the table's authority column"
    for column in columns:
        rows = [i for i, value in enumerate(column) if value in area.codes]
        if rows:
            present = {column[i] for i in rows}
            absent = [code for code in area.members if not (codes_before(code) & present)]
            if absent:
                names = listed(authority_data().authorities[code].name for code in absent)
                came = Phrase(f"no rows of {names}")
                raise InputError(path, None, area.text, f"rows of all authorities that {area.name} replaced", came)
            return (
                rows,
                f"rows by the table's authority column, of the {len(present)} authorities that {area.name} replaced",
            )
    wanted = set(
        spellings(area.text if not area.code or not AREA_PATTERN.fullmatch(area.text.strip().upper()) else area.name)
    )
    for values in table.authorities:
        slugs = {value: slug(value) for value in set(values)}
        rows = [i for i, value in enumerate(values) if value and slugs[value] in wanted]
        if rows:
            return rows, "rows by the table's authority column, by name"
    return None


def _unknown_area(area: Area, table: Neighbourhoods, path: Path) -> InputError:
    choices = sorted({value for column in table.authorities for value in column if value})
    later = successor(area.code or area.text)
    hint = (
        f" ({area.name or area.text} became part of {english_areas()[later].name}, {later})"
        if later in english_areas() and later
        else ""
    )
    return InputError(path, None, "authority code", f"a code in the table's authority column{hint}", area.text, choices)


def _not_in_authorities(area: Area, authorities: Mapping[str, Authority], known_from: Path | None) -> InputError:
    near = difflib.get_close_matches(area.text, list(authorities), n=6)
    names = {row.name: code for code, row in authorities.items()}
    near = near or [names[name] for name in difflib.get_close_matches(area.text, list(names), n=6)]
    suggestions = [f"{code} ({authorities[code].name})" for code in near]
    wanted = "the code or name of an authority in this table, such as E08000010"
    return InputError(known_from or AUTHORITIES_FILE, None, "ltla21_code", wanted, area.text, suggestions)


# --- sums ------------------------------------------------------------------------------------------------------------


def _official(area: Area, authorities: Mapping[str, Authority]) -> Authority | None:
    """The area's figures in the table of authorities: its own row, or the sum of those that it replaced."""
    if area.code in authorities:
        return authorities[area.code]
    if area.code == ENGLAND and authorities:
        return combined(authorities.values())
    if area.members and all(code in authorities for code in area.members):
        return combined((authorities[code] for code in area.members), area.code, area.name)
    return None


class _Sums:
    """Comparison of the rows of an area with published totals."""

    def __init__(self, area: Area, table: Neighbourhoods, rows: Sequence[int], path: Path, source: str) -> None:
        self.area, self.table, self.rows, self.path = area, table, list(rows), path
        self.codes = [table.codes[i] for i in rows]
        self.ages = table.ages[self.rows].sum(axis=0)
        self.people = int(self.ages.sum())
        self.deciles = table.deciles[self.rows]
        self.nation = nation_of(self.codes[0])
        years = [int(year) for year in re.findall(r"\b20[012]\d\b", source)]
        self.other_people_year = table.people_year not in (None, 2020) or any(year != 2020 for year in years)
        self.other_index_year = table.index_year not in (None, 2019) or any(year not in (2019, 2020) for year in years)
        self.people_year = table.people_year
        self.index_year = table.index_year
        self.is_2021 = (
            any(code > LAST_OF_2011 for code in table.codes if code[0] == "E")
            or "21" in table.names[self._code_column()]
        )

    def _code_column(self) -> int:
        names = [name.casefold() for name in self.table.names]
        return next((k for k, name in enumerate(names) if "lsoa" in name and "name" not in name), 0)

    def compare(self, official: Authority | None, known_from: Path | None) -> list[str]:
        """Compare with all that is known; raise an InputError with both figures if anything does not agree."""
        notes = self._with_nation()
        notes += self._with_project()
        if official is not None and known_from is not None:
            notes += self._with_authority(official, known_from)
        return notes

    def _refuse(self, wanted: str, came: str) -> None:
        raise InputError(self.path, None, self.area.text, wanted, Phrase(came))

    def _with_nation(self) -> list[str]:
        """Neighbourhoods and most deprived tenth of a nation, if the table is one of a nation."""
        inside = [i for i, code in enumerate(self.table.codes) if nation_of(code) == self.nation]
        counts = COUNTS.get(self.nation, {})
        is_nation = self.area.code in NATION_CODES
        if not counts or (not is_nation and len(inside) < MOSTLY_ALL * min(counts.values())):
            return []
        if len(inside) not in counts.values():
            listed_counts = " or ".join(f"{n:,} ({year})" for year, n in counts.items())
            self._refuse(
                f"all neighbourhoods of {NATIONS[self.nation]}: {listed_counts}",
                f"{len(inside):,} with {int(self.table.ages[inside].sum()):,} people: rows were lost or repeated",
            )
        share = float((self.table.deciles[inside] == 1).mean())
        if abs(share - 0.1) > 0.002:
            self._refuse(
                f"a tenth of {NATIONS[self.nation]}'s neighbourhoods in the most deprived tenth",
                f"{share:.1%} of {len(inside):,}",
            )
        return [f"all {len(inside):,} neighbourhoods of {NATIONS[self.nation]} are in the table"]

    def _with_project(self) -> list[str]:
        """The project's figures of an English area, if the neighbourhoods are those of the area in 2011."""
        data, area = authority_data(), self.area
        if not area.members:
            return []
        listed_codes = (
            {code for code, owner in data.authority_of.items() if owner in area.members}
            if area.code != ENGLAND
            else set(data.authority_of)
        )
        inside = [code for code in self.codes if code in listed_codes]
        if len(inside) < 0.5 * len(self.codes):
            return [
                f"not compared with {area.name}'s published figures: {len(self.codes) - len(inside)} of "
                f"{len(self.codes)} neighbourhoods are not listed there"
            ]
        expected = english_areas()[area.code]
        people = expected.people
        if not self.is_2021 and (len(inside) != len(listed_codes) or len(inside) != len(self.codes)):
            self._refuse(
                f"the {len(listed_codes):,} neighbourhoods of {area.name}, with {people:,} people in mid-2020",
                f"{len(self.codes):,} with {self.people:,} people: rows were lost or repeated",
            )
        notes = self._with_project_deciles(inside)
        if self.people_year in (None, 2020) and tuple(self.ages.tolist()) == area_figures(expected).ages:
            self.people_year = 2020
            return [*notes, f"{self.people:,} people, exactly the published mid-2020 total"]
        if self.table.people_year == 2020 and not self.is_2021:
            self._refuse(
                f"the {people:,} people of {area.name} in mid-2020",
                f"{self.people:,} people in {len(self.codes):,} rows: rows were lost or repeated",
            )
        low, high = YEARS_APART
        if not low * people <= self.people <= high * people:
            self._refuse(
                f"about the {people:,} people of {area.name} in mid-2020",
                f"{self.people:,} people in {len(self.codes):,} rows: rows were lost or repeated",
            )
        return [*notes, f"{self.people:,} people, beside {people:,} in mid-2020"]

    def _with_project_deciles(self, inside: Sequence[str]) -> list[str]:
        known = authority_data().decile_of
        position = dict(zip(self.codes, range(len(self.codes)), strict=True))
        ours = np.array([known[code] for code in inside], np.int64)
        theirs = np.array([self.deciles[position[code]] for code in inside], np.int64)
        if (ours == theirs).all():
            self.index_year = self.index_year or 2019
            return ["tenths of all neighbourhoods as in IMD 2019"] if not self.is_2021 else []
        if (theirs == 11 - ours).all() or agreement(ours, theirs) < -0.5:
            self._refuse(
                "tenths with 1 = most deprived", "tenths in reverse order: IMD 2019 has them the other way round"
            )
        if theirs.max() <= 5 < ours.max() and (theirs == (ours + 1) // 2).mean() > 0.9:
            self._refuse("tenths from 1 to 10", "fifths: no decile above 5")
        if self.table.index_year == 2019 and not self.is_2021:
            mine, stated = int((theirs == 1).sum()), int((ours == 1).sum())
            if mine != stated:
                self._refuse(
                    f"{stated:,} neighbourhoods of {self.area.name} in the most deprived tenth of IMD 2019", f"{mine:,}"
                )
            return [f"{int((theirs != ours).sum()):,} tenths differ from IMD 2019"]
        return []

    def _with_authority(self, official: Authority, known_from: Path) -> list[str]:
        """The area's row of the table of authorities."""
        rows, file = len(self.rows), known_from.name
        low, high = YEARS_APART
        other_year = self.other_people_year or self.people_year not in (None, 2020)
        if self.people == official.people:
            notes = [f"{self.people:,} people, as in {file}"]
        elif other_year and low * official.people <= self.people <= high * official.people:
            notes = [f"{self.people:,} people, beside {official.people:,} of another year in {file}"]
        else:
            self._refuse(
                f"the {official.people:,} people that {file} has for {official.name} (for tables of other years, state "
                "them with --source)",
                f"{self.people:,} people in {rows:,} rows: rows were lost or repeated",
            )
        share = float((self.deciles == 1).mean())
        if (
            official.most_deprived is not None
            and not self.other_index_year
            and abs(share - official.most_deprived) > SHARE_ROUNDING
        ):
            self._refuse(
                f"{official.most_deprived:.2%} of neighbourhoods in the most deprived tenth, as {file} has for "
                f"{official.name}",
                f"{share:.2%} of {rows:,}",
            )
        return notes

    def check_fifths(self) -> None:
        """Refuse a table without a decile above 5, unless the project lists these tenths."""
        known = authority_data().decile_of
        agrees = [known.get(code) == decile for code, decile in zip(self.codes, self.deciles, strict=True)]
        if self.table.deciles.max(initial=0) <= 5 and sum(agrees) < 0.9 * len(agrees):
            name = next((n for n in self.table.names if "decile" in n.casefold()), "imd2019_decile")
            raise InputError(
                self.path,
                self.table.header_line,
                name,
                "tenths from 1 to 10",
                Phrase("no decile above 5: these may be fifths"),
            )


# --- the place -------------------------------------------------------------------------------------------------------


def _figures(
    name: str,
    area: Area,
    table: Neighbourhoods,
    rows: Sequence[int],
    official: Authority | None,
    checks: _Sums,
    notes: Sequence[str],
    source: str,
) -> PlaceFigures:
    """The content of the place's file."""
    chosen = list(rows)
    ages, deciles = np.zeros((10, len(NEIGHBOURHOOD_BANDS)), np.int64), table.deciles[chosen] - 1
    np.add.at(ages, deciles, table.ages[chosen])
    expected = area_figures(english_areas()[area.code]) if area.members else None
    alike = [
        row for row in (official, expected) if row is not None and abs(row.people - checks.people) <= 0.1 * row.people
    ]
    households = next((row.households for row in alike if row.households), 0)
    younger, younger_source = (alike[0].younger, SPLITS_SOURCE) if alike else (None, "")
    if table.younger.size:
        counts, bands = table.younger[chosen].sum(axis=0), table.ages[chosen].sum(axis=0)
        younger = float(counts[0] / max(bands[1], 1)), float(counts[1] / max(bands[2], 1))
        younger_source = "from the single years of age of the table"
    note = ""
    if checks.nation != "E":
        nation = NATIONS[checks.nation]
        note = (
            "Hazards are England's: the model is calibrated to English rates. Tenths by deprivation are those of "
            f"{nation}."
        )
    label = area.name or (official.name if official is not None else "") or area.text
    code = area.code or {v: k for k, v in NATION_CODES.items()}[checks.nation]
    return PlaceFigures(
        name, label, code, np.bincount(deciles, minlength=10), ages, younger, younger_source, households,
        _provenance(checks, notes, source), note,
    )  # fmt: skip


def _provenance(checks: _Sums, notes: Sequence[str], source: str) -> str:
    """Publishers and years as far as the columns and codes state them, then the user's statement, then the checks."""
    nation = checks.nation
    people = (
        f"{ESTIMATES[nation]} mid-{checks.people_year}"
        if checks.people_year
        else "population estimates of an unstated year"
    )
    index = (
        f"{INDICES[nation]} {checks.index_year}"
        if checks.index_year
        else "deprivation tenths of an unstated index and year"
    )
    kinds = {"E": "LSOA", "W": "LSOA", "S": "data zone", "N": "small area"}
    vintage = f"{2021 if checks.is_2021 else 2011} " if nation in "EW" else ""
    stated = [f"source as stated with --source: {source.strip()}"] if source.strip() else []
    return "; ".join([f"{people} and {index}, by neighbourhood ({vintage}{kinds[nation]})", *stated, *notes])
