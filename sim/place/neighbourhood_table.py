"""Neighbourhood tables as published: people by age, tenth by deprivation and authority of each neighbourhood.

A table may have title rows, footnotes, rows of larger areas and totals; these are recognised and left out. Cells that
are suppressed, fifths in place of tenths, tenths counted from the other end, and codes of other kinds of area are
refused by name. Two tables, such as one of deprivation and one of ages, are joined by the code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.place.age_bands import FEMALE, MALE, NEIGHBOURHOOD_BANDS, PERSONS, band_columns
from sim.place.table_columns import (
    AREA_CODE,
    HEADER_ROWS,
    NEIGHBOURHOOD_CODE,
    OTHER_AREAS,
    Columns,
    header_of,
    recognise,
)
from sim.place.table_formats import Sheet, TableFile, read_table_file
from sim.schema.errors import InputError, Phrase

Ints = NDArray[np.int64]
SUPPRESSED = re.compile(
    r"\[?(?:c|x|z|u|low|s|suppressed|disclosive|confidential|n/?a|na|nan|null|none|not available)\]?|"
    r"\*+|-+|–|\.{1,3}|…|:|~|"
    r"#n/a|<\s?\d+|#\S*",
    re.IGNORECASE,
)
"""Marks in place of a number that was suppressed or is not available."""
TOTAL_NAMES = ("total", "grand total", "all", "sum", "overall", "england", "wales", "scotland", "northern ireland",
               "england and wales", "united kingdom", "great britain", "all areas", "all lsoas", "totals")  # fmt: skip
TRUE_TOTALS = ("total", "grand total", "sum", "totals")
"""Names of rows that state the sum of the rows above."""
RANKS = {("E", 2019): 32_844, ("E", 2015): 32_844, ("E", 2025): 33_755, ("E", 2010): 32_482, ("W", 2019): 1_909,
         ("W", 2025): 1_917, ("S", 2020): 6_976, ("S", 2016): 6_976, ("N", 2017): 890}  # fmt: skip
"""Number of neighbourhoods that are ranked, by nation and year of the index."""
FEWEST_FOR_ORDER = 5
"""Smallest number of rows whose order is compared."""


class Neighbourhoods(NamedTuple):
    """The neighbourhood table, sorted by code.

    Attributes
    ----------
    codes : list of str
        Code of each neighbourhood.
    deciles : array of int
        Tenth by deprivation, 1 = most deprived; empty if the table has no column of deprivation.
    ages : array of int
        People in the eight published bands, shape (neighbourhood, 8); empty if the table has no columns of ages.
    younger : array of int
        People aged 5-9 and 16-17, shape (neighbourhood, 2); empty if the table does not state them.
    authorities : tuple of list of str
        Each column of codes or names of authorities.
    notes : tuple of str
        What was left out or converted.
    index_year, people_year : int or None
        Year of the deprivation index and of the people, as far as the table states them.
    lines : list of int
        Line of each neighbourhood.
    names : list of str
        Names of the columns, for messages.
    header_line : int
        Line of the header.
    """

    codes: list[str]
    deciles: Ints
    ages: Ints
    younger: Ints
    authorities: tuple[list[str], ...]
    notes: tuple[str, ...]
    index_year: int | None
    people_year: int | None
    lines: list[int]
    names: list[str]
    header_line: int


def read_neighbourhoods(path: Path, nation: str = "") -> Neighbourhoods:
    """Read a table of neighbourhoods.

    Parameters
    ----------
    path : Path
        CSV file or workbook.
    nation : str
        First letter of the codes to read (E, W, S or N); all by default.

    Returns
    -------
    Neighbourhoods

    Raises
    ------
    InputError
        If the table has a mistake.
    """
    file = read_table_file(Path(path))
    sheet, position, columns = _choose_sheet(file)
    return _Reader(file, sheet, position, columns, nation).read()


def _choose_sheet(file: TableFile) -> tuple[Sheet, int, Columns]:
    """The sheet with most of the columns; among equals that of persons, then the latest."""
    choices = []
    for sheet in file.sheets:
        header = header_of(sheet)
        if header is not None and any(True for _ in sheet.rows):
            year = max((int(y) for y in re.findall(r"20\d\d", sheet.name)), default=0)
            choices.append(((header[1].score, "person" in sheet.name.lower(), year), sheet, *header))
    if choices:
        _, sheet, position, columns = max(choices, key=lambda choice: choice[0])
        return sheet, position, columns
    sheet = max(file.sheets, key=lambda s: len(s.rows))
    widest = max(range(min(HEADER_ROWS, len(sheet.rows))), key=lambda k: sum(map(bool, sheet.rows[k][1])))
    first, cells = sheet.rows[0]
    if any(NEIGHBOURHOOD_CODE.fullmatch(cell) for cell in cells):
        raise InputError(file.path, first, "", "a header line with names of columns", Phrase("a row of data"))
    line, cells = sheet.rows[widest]
    came = Phrase(
        "none" + (f" ({file.form}, sheets {', '.join(s.name for s in file.sheets[:8])})" if sheet.name else "")
    )
    wanted = "a column of neighbourhood codes"
    areas = _other_areas([cell for _, row in sheet.rows[:200] for cell in row])
    if areas:
        came = Phrase(f"codes of {areas}")
    partly = recognise([*cells, "lsoa11_code"])
    absent = _missing(partly) if partly is not None else []
    raise InputError(
        file.path,
        line,
        ", ".join(["lsoa11_code", *absent]),
        f"{wanted}, and a column of each other name" if absent else wanted,
        came,
        cells,
    )


def _other_areas(cells: Sequence[str]) -> str:
    kinds = Counter(OTHER_AREAS[cell[:3]] for cell in cells if AREA_CODE.fullmatch(cell) and cell[:3] in OTHER_AREAS)
    return kinds.most_common(1)[0][0] if kinds else ""


def _missing(columns: Columns) -> list[str]:
    bands = band_columns(columns.ages)
    deprived = [] if columns.decile is not None or columns.rank is not None else ["imd2019_decile"]
    return [*deprived, *bands.missing]


def check_codes(path: Path, table: Neighbourhoods) -> None:
    """Refuse a code that is not a neighbourhood's; columns that are missing are named before.

    Parameters
    ----------
    path : Path
        The file, for messages.
    table : Neighbourhoods
        The table.

    Raises
    ------
    InputError
        If there is such a code, with its line.
    """
    wrong = [(line, code) for line, code in zip(table.lines, table.codes, strict=True) if not is_neighbourhood(code)]
    if wrong:
        line, code = min(wrong)
        raise InputError(path, line, "lsoa11_code", "a neighbourhood code, such as E01000001", code)


def is_neighbourhood(code: str) -> bool:
    """Test whether a code is that of a neighbourhood of a British nation."""
    return NEIGHBOURHOOD_CODE.fullmatch(code) is not None


def missing_columns(table: Neighbourhoods) -> list[str]:
    """Name the columns that a table lacks for a place: those of deprivation and of ages."""
    lacking = [] if table.deciles.size else ["imd2019_decile"]
    if not table.ages.size:
        columns = recognise(table.names)
        lacking += band_columns(columns.ages).missing if columns is not None else NEIGHBOURHOOD_BANDS
    return lacking


class _Reader:
    """Reads the rows of one sheet below its header."""

    def __init__(self, file: TableFile, sheet: Sheet, position: int, columns: Columns, nation: str) -> None:
        self.file, self.sheet, self.columns, self.nation = file, sheet, columns, nation
        self.path = file.path
        self.header_line = sheet.rows[position][0]
        self.titles = [" ".join(cells) for _, cells in sheet.rows[:position]]
        self.below = sheet.rows[position + 1 :]
        self.notes: list[str] = []
        self.bands = band_columns(columns.ages)
        if position:
            self.notes.append(f"{position} row{'s' if position > 1 else ''} above the header left out")
        if not file.form.startswith("comma") or " in " in file.form:
            self.notes.append(f"read as {file.form}" + (f", sheet '{sheet.name}'" if sheet.name else ""))

    def read(self) -> Neighbourhoods:
        """Read and check all rows."""
        self._check_header()
        if not self.below:
            raise InputError(self.path, self.header_line + 1, "", "rows below the header", Phrase("none"))
        rows = self._neighbourhood_rows()
        has_ages = not self.bands.missing
        ages: Ints = np.zeros((0, 8), np.int64)
        if has_ages:
            ages = np.array([[self._band(line, row, b) for b in range(8)] for line, row in rows], np.int64)
        younger: Ints = np.zeros((0, 2), np.int64)
        if has_ages and self.bands.younger:
            counts = [self._sum(line, row, positions) for line, row in rows for positions in self.bands.younger]
            younger = np.reshape(np.array(counts, np.int64), (-1, 2))
        if has_ages:
            self._check_totals(rows, ages)
        deciles = self._deciles(rows)
        order = sorted(range(len(rows)), key=lambda k: self._code(rows[k][1]))
        authorities = tuple([rows[k][1][column].strip() for k in order] for column in self.columns.authorities)
        return Neighbourhoods(
            [self._code(rows[k][1]) for k in order], deciles[order] if deciles.size else deciles,
            ages[order] if has_ages else ages, younger[order] if younger.size else younger, authorities,
            tuple(self.notes), self._index_year(), self._people_year(), [rows[k][0] for k in order],
            self.columns.names, self.header_line,
        )  # fmt: skip

    def _check_header(self) -> None:
        names = self.columns.names
        used = {self.columns.code, self.columns.decile, self.columns.rank, *self.columns.authorities}
        used |= {column.position for column in self.columns.ages}
        for k in sorted(k for k in used if k is not None):
            if names.count(names[k]) > 1:
                raise InputError(
                    self.path,
                    self.header_line,
                    names[k],
                    "each column once",
                    Phrase(f"{names.count(names[k])} of them"),
                )
        sexes = {column.sex for column in self.columns.ages}
        titled = " ".join([self.sheet.name, *self.titles]).casefold()
        sex = next((s for s in (FEMALE, MALE) if re.search(rf"\b{s}\b", titled)), "")
        if (
            sexes == {PERSONS}
            and sex
            and not re.search(r"\bpersons\b|males and females|\bmales\b.*\bfemales\b", titled)
        ):
            raise InputError(
                self.path,
                self.header_line,
                "",
                "people of both sexes",
                Phrase(f"{sex} only, as the sheet or its title states"),
            )
        if len(sexes) == 1 and PERSONS not in sexes:
            raise InputError(self.path, self.header_line, "", "people of both sexes", Phrase(f"{sexes.pop()} only"))
        if self.columns.decile is None and self.columns.rank is None and self.columns.fifth is not None:
            name = names[self.columns.fifth]
            came = Phrase("fifths" if "quart" not in name.casefold() else "quarters")
            raise InputError(
                self.path, self.header_line, name, "tenths by deprivation (imd2019_decile), not fifths", came
            )

    def _code(self, row: Sequence[str]) -> str:
        return _plain_code(row[self.columns.code])

    def _neighbourhood_rows(self) -> list[tuple[int, list[str]]]:
        """The rows of neighbourhoods; others are left out if their meaning is certain, and refused otherwise."""
        width = len(self.columns.names)
        line_of_code: dict[str, int] = {}
        rows: list[tuple[int, list[str]]] = []
        left_out: Counter[str] = Counter()
        self.totals: list[tuple[int, list[str]]] = []
        for line, cells in self.below:
            kind = self._other_row(cells)
            if kind:
                left_out[kind] += 1
                if kind == "total":
                    self.totals.append((line, cells))
                continue
            filled = len(cells) - next((k for k, cell in enumerate(reversed(cells)) if cell), len(cells))
            if filled > width or (len(cells) != width and not self.sheet.name and len(cells) - filled == 0):
                raise InputError(self.path, line, "", f"{width} values, as in the header", Phrase(f"{len(cells)}"))
            row = (cells + [""] * width)[:width]
            code = self._code(row)
            name = self.columns.names[self.columns.code]
            if not code:
                raise InputError(self.path, line, name, "a neighbourhood code")
            if self.nation and NEIGHBOURHOOD_CODE.fullmatch(code) and nation_of(code) != self.nation:
                left_out["neighbourhood of another nation"] += 1
                continue
            if code in line_of_code:
                raise InputError(self.path, line, name, f"each code once (also on line {line_of_code[code]})", code)
            line_of_code[code] = line
            rows.append((line, row))
        if not rows:
            areas = _other_areas([self._code((cells + [""] * width)[:width]) for _, cells in self.below])
            came = Phrase(f"codes of {areas}" if areas else "none")
            if left_out["neighbourhood of another nation"]:
                came = Phrase(f"{left_out['neighbourhood of another nation']} neighbourhoods, all of other nations")
            raise InputError(self.path, self.header_line + 1, "", "rows below the header, of neighbourhoods", came)
        self.has_other_nations = left_out["neighbourhood of another nation"] > 0
        self.notes += [f"{n} {kind} row{'s' if n > 1 else ''} left out" for kind, n in left_out.items()]
        return rows

    def _other_row(self, cells: Sequence[str]) -> str:
        """Kind of a row that is not a neighbourhood's; empty for a neighbourhood's, or if the kind is not certain."""
        code = cells[self.columns.code].strip() if self.columns.code < len(cells) else ""
        plain_code = _plain_code(code)
        if NEIGHBOURHOOD_CODE.fullmatch(plain_code):
            return ""
        filled = [cell for cell in cells if cell]
        if list(cells[: len(self.columns.names)]) == self.columns.names[: len(cells)] and len(filled) > 1:
            return "repeated header"
        labels = {cell.casefold().strip(" :.*") for cell in filled if not re.search(r"\d", cell)}
        if labels & set(TRUE_TOTALS):
            return "total"
        if labels & set(TOTAL_NAMES) or (plain_code and AREA_CODE.fullmatch(plain_code)):
            return "larger area"
        if any(re.search(r"^(?:sub-?)?totals?\b|^all\b|\btotals?$", label) for label in labels):
            return "subtotal"
        numeric = {self.columns.decile, self.columns.rank, *(column.position for column in self.columns.ages)}
        has_numbers = any(k is not None and k < len(cells) and cells[k] for k in numeric if k != self.columns.code)
        if not has_numbers and len(filled) <= 2 and not re.fullmatch(r"[A-Z0-9]{6,12}", plain_code):
            return "footnote"
        if not plain_code and self._names_larger_area(cells, has_numbers=has_numbers):
            return "larger area"
        return ""

    def _names_larger_area(self, cells: Sequence[str], *, has_numbers: bool) -> bool:
        others = [cell for k, cell in enumerate(cells) if cell and k != self.columns.code]
        return (
            has_numbers
            and any(AREA_CODE.fullmatch(cell) and not NEIGHBOURHOOD_CODE.fullmatch(cell) for cell in others)
            and (self.columns.code > 0)
        )

    def _sum(self, line: int, row: Sequence[str], positions: Sequence[int]) -> int:
        return sum(self._count(line, row, k) for k in positions)

    def _band(self, line: int, row: Sequence[str], band: int) -> int:
        return self._sum(line, row, self.bands.bands[band])

    def _count(self, line: int, row: Sequence[str], k: int) -> int:
        return count_of(self.path, line, self.columns.names[k], row[k])

    def _check_totals(self, rows: list[tuple[int, list[str]]], ages: Ints) -> None:
        """Compare the ages with the column of all people, and with the row of totals."""
        total = self.columns.total
        if total is not None:
            for (line, row), people in zip(rows, ages.sum(axis=1), strict=True):
                written = row[total].strip()
                if written and not SUPPRESSED.fullmatch(written) and self._count(line, row, total) != people:
                    name = self.columns.names[total]
                    wanted = f"the sum of this row's ages, {int(people):,}"
                    raise InputError(self.path, line, name, wanted, Phrase(f"{self._count(line, row, total):,}"))
        if len(self.totals) == 1 and not self.has_other_nations:
            line, cells = self.totals[0]
            row = (cells + [""] * len(self.columns.names))[: len(self.columns.names)]
            try:
                stated = sum(self._band(line, row, b) for b in range(8))
            except InputError:
                return
            if stated != ages.sum():
                wanted = f"the sum of the {len(rows):,} rows above, {int(ages.sum()):,} people"
                raise InputError(
                    self.path, line, "", wanted, Phrase(f"a total of {stated:,}: rows were lost or repeated")
                )

    def _deciles(self, rows: list[tuple[int, list[str]]]) -> Ints:
        decile, rank = self.columns.decile, self.columns.rank
        if decile is None and rank is None:
            return np.zeros(0, np.int64)
        ranks = (
            [count_of(self.path, line, self.columns.names[rank], row[rank]) for line, row in rows]
            if rank is not None
            else []
        )
        if decile is None:
            return self._tenths_of(ranks, rows)
        name = self.columns.names[decile]
        values = np.array([self._tenth(line, row[decile], name) for line, row in rows], np.int64)
        if values.max(initial=0) > 10:
            at = int(np.flatnonzero(values > 10)[0])
            hint = " (these are ranks, not tenths)" if values.max() > 100 else ""
            raise InputError(
                self.path, rows[at][0], name, f"a tenth from 1 (most deprived) to 10{hint}", int(values[at])
            )
        if self._counts_from_least(name):
            self.notes.append(f"'{name}' counts from the least deprived: converted to 1 = most deprived")
            values = 11 - values
        if ranks and len(rows) >= FEWEST_FOR_ORDER and agreement(np.array(ranks), values) < -0.5:
            self._refuse_reversed(name, "the ranks in the same table state that 1 is the most deprived")
        if values.max(initial=0) <= 5 and ranks:
            most = self._ranked(rows) or max(ranks)
            if len(rows) >= FEWEST_FOR_ORDER and all(
                -(-r * 5 // most) == d for r, d in zip(ranks, values, strict=True)
            ):
                raise InputError(
                    self.path,
                    self.header_line,
                    name,
                    "tenths from 1 to 10",
                    Phrase("fifths: no decile above 5, and they agree with the ranks"),
                )
        return values

    def _refuse_reversed(self, name: str, reason: str) -> None:
        wanted = "tenths with 1 = most deprived"
        raise InputError(self.path, self.header_line, name, wanted, Phrase(f"tenths in reverse order: {reason}"))

    def _counts_from_least(self, name: str) -> bool:
        text = " ".join([name, *self.titles]).casefold()
        return bool(
            re.search(
                r"\b1 ?(?:is|=|being|:|\()? ?(?:the )?least[ -]deprived|"
                r"\b10 ?(?:is|=|being|:|\()? ?(?:the )?most[ -]deprived(?! ?10)",
                text,
            )
        )

    def _tenth(self, line: int, written: str, name: str) -> int:
        match = re.fullmatch(r"(?:decile |d)?(\d{1,2})(?:\.0*)?(?: ?[-(–].*)?", written.strip().casefold())
        value = int(match[1]) if match else count_of(self.path, line, name, written)
        if value < 1:
            raise InputError(self.path, line, name, "a tenth from 1 (most deprived) to 10", value)
        return value

    def _tenths_of(self, ranks: list[int], rows: list[tuple[int, list[str]]]) -> Ints:
        assert self.columns.rank is not None
        name, most = self.columns.names[self.columns.rank], self._ranked(rows)
        if most is None:
            wanted = "a column of tenths (imd2019_decile), or the year of the index in the name of the column of ranks"
            raise InputError(
                self.path, self.header_line, name, wanted, Phrase("ranks of an unknown number of neighbourhoods")
            )
        for (line, _), rank in zip(rows, ranks, strict=True):
            if not 1 <= rank <= most:
                raise InputError(self.path, line, name, f"a rank from 1 to {most:,}", rank)
        self.notes.append(f"tenths computed from ranks among {most:,} neighbourhoods")
        return np.array([-(-rank * 10 // most) for rank in ranks], np.int64)

    def _ranked(self, rows: list[tuple[int, list[str]]]) -> int | None:
        nation = nation_of(self._code(rows[0][1]))
        year = self._index_year()
        if year is not None:
            return RANKS.get((nation, year))
        years = {"N": 2017}
        return RANKS.get((nation, years[nation])) if nation in years else None

    def _index_year(self) -> int | None:
        column = next((k for k in (self.columns.decile, self.columns.rank) if k is not None), None)
        if column is None:
            return None
        name = self.columns.names[column]
        texts = [name, *self.titles, self.sheet.name, self.path.stem.replace("_", " ")]
        for text in texts:
            match = re.search(r"(?:imd|iod|deprivation)\D{0,12}(20\d\d)", text.casefold())
            if match:
                return int(match[1])
        if "multiple deprivation measure" in name.casefold():
            return 2017
        codes = self.columns.names[self.columns.code].casefold()
        if re.search(r"\b1 is most deprived", name.casefold()):  # the English index's own words
            return 2025 if "21" in codes else 2019 if "11" in codes else None
        return None

    def _people_year(self) -> int | None:
        names = [n for n in self.columns.names if re.search(r"pop|mid|people", n.casefold())]
        texts = [self.sheet.name, *self.titles, *names, self.path.stem]
        for text in texts:
            match = re.search(r"(?:mid|pop\w*|estimates?)[-_ ,]{0,3}(20\d\d)", text.casefold())
            if match and not self.bands.missing:
                return int(match[1])
        return None


def count_of(path: Path, line: int, column: str, written: str, blank: int | None = None) -> int:
    """Read a cell with a number of people: a whole number, with or without separators of thousands.

    Parameters
    ----------
    path : Path
        The file, for messages.
    line : int
        Line of the cell.
    column : str
        Name of its column.
    written : str
        Text of the cell.
    blank : int, optional
        Value of an empty cell; by default an empty cell is refused.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If the cell is not a number of at least 0.
    """
    text = written.strip()
    if text.isdigit() and text.isascii() and len(text) <= 12:
        return int(text)
    if not text and blank is not None:
        return blank
    if re.fullmatch(r"\d{1,3}(?:[ ,\u00a0\u202f]\d{3})+(?:\.0*)?", text):
        text = re.sub(r"[ ,\u00a0\u202f]", "", text)
    if not re.fullmatch(r"[+-]?[0-9]{1,12}(\.0*)?", text):
        suppressed = SUPPRESSED.fullmatch(text) is not None
        wanted = "a whole number" + (f", not a suppressed or missing cell ('{text}')" if suppressed else "")
        raise InputError(path, line, column, wanted, text or Phrase("nothing"))
    number = int(text.split(".")[0])
    if number < 0:
        raise InputError(path, line, column, "a number of at least 0", number)
    return number


@lru_cache(maxsize=200_000)
def _plain_code(written: str) -> str:
    return re.sub(r"\s", "", written).upper()


def nation_of(code: str) -> str:
    """First letter of the nation of an area code: E, W, S or N."""
    return "N" if code[:2] == "95" else code[:1]


def agreement(a: Ints, b: Ints) -> float:
    """Correlation of the order of two series.

    Parameters
    ----------
    a, b : array of int
        The series.

    Returns
    -------
    float
        From -1 to 1; 0 if either does not vary.
    """
    first, second = a.argsort().argsort(), b.astype(float)
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def joined(path: Path, table: Neighbourhoods, other_path: Path, other: Neighbourhoods) -> Neighbourhoods:
    """Join two tables of the same neighbourhoods, such as one of deprivation and one of ages.

    Parameters
    ----------
    path, other_path : Path
        Files of the tables, for messages.
    table, other : Neighbourhoods
        The tables.

    Returns
    -------
    Neighbourhoods

    Raises
    ------
    InputError
        If a neighbourhood is in one table only, or both tables have the same columns.
    """
    for subject, first, second in (("deprivation", table.deciles, other.deciles), ("ages", table.ages, other.ages)):
        if first.size and second.size:
            raise InputError(
                other_path,
                other.header_line,
                "",
                f"{subject} in one table only",
                Phrase(f"{subject} in {path.name} too"),
            )
    if table.codes != other.codes:
        absent, extra = sorted(set(table.codes) - set(other.codes)), sorted(set(other.codes) - set(table.codes))
        some = ", ".join([*absent[:3], *extra[:3]])
        came = Phrase(
            f"{len(other.codes):,} neighbourhoods: {len(absent):,} are missing and {len(extra):,} are new, such as "
            f"{some} (neighbourhoods of 2011 and of 2021 differ)"
        )
        wanted = f"the same {len(table.codes):,} neighbourhoods as in {path.name}"
        raise InputError(other_path, None, "", wanted, came)
    ages_from = table if table.ages.size else other
    return table._replace(
        deciles=table.deciles if table.deciles.size else other.deciles, ages=ages_from.ages, younger=ages_from.younger,
        authorities=(*table.authorities, *other.authorities), notes=(*table.notes, *other.notes),
        index_year=table.index_year or other.index_year, people_year=table.people_year or other.people_year,
        names=[*table.names, *other.names],
    )  # fmt: skip
