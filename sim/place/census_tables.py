"""A new place from published neighbourhood tables: the rows of an authority, and the place that they describe.

The neighbourhood table may lack a column of authorities. The rows are then recovered from the authority's totals: LSOA
codes were assigned authority by authority, so an authority is one run of the sorted codes, plus up to three runs among
the codes that replaced split and merged ones in 2011. A recovery is accepted only if all eight age bands add up exactly
and no other candidate does. An authority whose rows cannot be determined is refused.
"""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.place.place import PLACES, PUBLISHED_BANDS, Place
from sim.schema.errors import InputError, Phrase, plain
from sim.schema.toml_files import load_text, read_text

NEIGHBOURHOOD_BANDS = (
    "age_0_4",
    "age_5_15",
    "age_16_24",
    "age_25_44",
    "age_45_64",
    "age_65_74",
    "age_75_84",
    "age_85_plus",
)
AUTHORITY_BANDS: tuple[tuple[str, ...], ...] = (
    ("age_0_4",),
    ("age_5_10", "age_11_15"),
    ("age_16_17", "age_18_24"),
    ("age_25_34", "age_35_44"),
    ("age_45_54", "age_55_64"),
    ("age_65_74",),
    ("age_75_84",),
    ("age_85_plus",),
)
"""The authority table's columns that make up each band of the neighbourhood table."""
AUTHORITIES_FILE = "la_population_imd.csv"
LAST_FIRST_CODE = "E01032482"
"""The last neighbourhood code assigned in 2004, authority by authority; later ones replace codes changed in 2011."""
MOST_DEPRIVED_10PC = "imd2019_prop_lsoa_most_deprived_10pc"
ENGLAND = "E92000001"
"""The code of England: every row of the table."""
SPLIT_BANDS = 1, 2
"""The bands of the neighbourhood table that an authority's younger shares split."""
LARGEST_TABLE = 50_000_000
CLOSE_ENOUGH = 0.01
MOST_STRETCHES = 2_500
"""Largest number of runs of later codes whose pairwise sums (three million) can be searched in about a second."""
SOME_LATER, MANY_LATER = 0.3, 0.45
"""Largest share of an authority's people in neighbourhoods with later codes (two fifths: City of London)."""

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class Neighbourhoods(NamedTuple):
    """The neighbourhood table, sorted by code."""

    codes: list[str]
    deciles: Ints
    ages: Ints  # (neighbourhood, 8 bands)
    authorities: list[str] | None


class Authority(NamedTuple):
    """One row of the authority table."""

    code: str
    name: str
    ages: tuple[int, ...]  # 8 bands
    younger: tuple[float, float]  # share of 5-15 who are 5-9; of 16-24 who are 16-17
    households: int
    most_deprived: float | None  # share of its neighbourhoods in the most deprived tenth


def new_place(
    name: str,
    authority_code: str,
    neighbourhoods_csv: Path,
    authorities_csv: Path | None = None,
    out_folder: Path | None = None,
    *,
    force: bool = False,
) -> Path:
    """Write the file of a place for one authority, or for England; nothing is written if anything is wrong.

    Parameters
    ----------
    name : str
        Name of the place: small letters, digits, - and _.
    authority_code : str
        Code of the authority, such as ``E08000010``; ``E92000001`` for England.
    neighbourhoods_csv : Path
        Table of neighbourhoods.
    authorities_csv : Path, optional
        Table of authorities; by default the one in the folder of the neighbourhood table, if there is one.
    out_folder : Path, optional
        Folder of the file; by default that of the project's places.
    force : bool
        Whether an existing file is replaced.

    Returns
    -------
    Path
        The file, `<out_folder>/<name>.toml`.

    Raises
    ------
    InputError
        If a table has a mistake, the rows of the authority cannot be determined, or the file exists.
    """
    folder = Path(out_folder) if out_folder is not None else PLACES
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", name):
        raise InputError("place new", None, "NAME", "a name of small letters, digits, - and _", name)
    target = folder / f"{name}.toml"
    if target.exists() and not force:
        raise InputError(target, None, "", "a name that is not taken (or --force)", Phrase("a place of that name"))
    table = read_neighbourhoods(Path(neighbourhoods_csv))
    beside = Path(neighbourhoods_csv).parent / AUTHORITIES_FILE
    known_from = Path(authorities_csv) if authorities_csv is not None else beside if beside.is_file() else None
    authorities = read_authorities(known_from) if known_from is not None else {}
    known = authorities | ({ENGLAND: combined(authorities.values())} if authorities else {})
    if known_from is not None and authority_code not in known:
        named = [row.code for row in authorities.values() if row.name.casefold() == authority_code.casefold()]
        near = named or difflib.get_close_matches(authority_code, list(authorities), n=6)
        suggestions = [f"{code} ({authorities[code].name})" for code in near]
        wanted = "the code of an authority in this table, such as E08000010"
        raise InputError(known_from, None, "ltla21_code", wanted, authority_code, suggestions)
    rows, method = rows_of(authority_code, table, authorities, Path(neighbourhoods_csv))
    text = place_text(name, authority_code, table, rows, method, known.get(authority_code))
    load_text(text, target, Place)
    write_atomically(target, text)
    return target


# --- reading the tables ----------------------------------------------------------------------------------------------


def read_neighbourhoods(path: Path) -> Neighbourhoods:
    """Read the table of neighbourhoods: code, decile, people in eight age bands, and authority, if there is a column.

    Parameters
    ----------
    path : Path
        CSV file.

    Returns
    -------
    Neighbourhoods

    Raises
    ------
    InputError
        If the table has a mistake.
    """
    header, rows = _read(path, ("lsoa11_code", "imd2019_decile", *NEIGHBOURHOOD_BANDS))
    column = next((c for c in header if re.fullmatch(r"(ltla|lad|utla)\w*_?(code|cd)|lad\d\dcd", c.lower())), None)
    line_of_code: dict[str, int] = {}
    records: list[tuple[str, int, list[int], str]] = []
    for line, row in rows:
        code = row["lsoa11_code"].strip()
        if not code:
            raise InputError(path, line, "lsoa11_code", "a neighbourhood code")
        if code in line_of_code:
            raise InputError(path, line, "lsoa11_code", f"each code once (also on line {line_of_code[code]})", code)
        line_of_code[code] = line
        decile = _count(path, line, row, "imd2019_decile")
        if not 1 <= decile <= 10:
            raise InputError(path, line, "imd2019_decile", "a tenth from 1 (most deprived) to 10", decile)
        ages = [_count(path, line, row, band) for band in NEIGHBOURHOOD_BANDS]
        records.append((code, decile, ages, row[column].strip() if column else ""))
    records.sort()
    return Neighbourhoods(
        [code for code, _, _, _ in records],
        np.array([decile for _, decile, _, _ in records], np.int64),
        np.array([ages for _, _, ages, _ in records], np.int64),
        [authority for _, _, _, authority in records] if column else None,
    )


def read_authorities(path: Path) -> dict[str, Authority]:
    """Read the table of authorities.

    Parameters
    ----------
    path : Path
        CSV file.

    Returns
    -------
    dict of str to Authority
        By code.

    Raises
    ------
    InputError
        If the table has a mistake.
    """
    bands = [band for parts in AUTHORITY_BANDS for band in parts]
    header, rows = _read(path, ("ltla21_code", "ltla21_name", *bands, "households_2021"))
    authorities: dict[str, Authority] = {}
    for line, row in rows:
        code = row["ltla21_code"].strip()
        if not code or code in authorities:
            raise InputError(path, line, "ltla21_code", "a code that comes once", code or Phrase("nothing"))
        n = {band: _count(path, line, row, band) for band in bands}
        # The published band 5-10 has six years of age; the model's band 5-9 has five of them.
        school, youth = n["age_5_10"] + n["age_11_15"], n["age_16_17"] + n["age_18_24"]
        younger = (n["age_5_10"] * 5 / 6 / max(school, 1), n["age_16_17"] / max(youth, 1))
        deprived = row[MOST_DEPRIVED_10PC].strip() if MOST_DEPRIVED_10PC in header else ""
        try:
            most_deprived = float(deprived) if deprived else None
        except ValueError:
            raise InputError(path, line, MOST_DEPRIVED_10PC, "a share", deprived) from None
        ages = tuple(sum(n[band] for band in parts) for parts in AUTHORITY_BANDS)
        households = _count(path, line, row, "households_2021", blank=0)
        authorities[code] = Authority(code, row["ltla21_name"].strip(), ages, younger, households, most_deprived)
    return authorities


def combined(authorities: Iterable[Authority]) -> Authority:
    """Combine all authorities of a table to England.

    Parameters
    ----------
    authorities : iterable of Authority
        The authorities.

    Returns
    -------
    Authority
    """
    rows = list(authorities)
    ages = np.array([row.ages for row in rows])
    schooled, young = (
        float(np.average([row.younger[k] for row in rows], weights=ages[:, band])) for k, band in enumerate(SPLIT_BANDS)
    )
    households = sum(row.households for row in rows) if all(row.households for row in rows) else 0
    return Authority(ENGLAND, "England", tuple(ages.sum(axis=0).tolist()), (schooled, young), households, None)


def _read(path: Path, needed: Iterable[str]) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Header and rows of a CSV file, each row with the line on which it ends."""
    text = read_text(path, suffix=".csv", largest=LARGEST_TABLE)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
        if not any(header):
            raise InputError(path, 1, "", "a header line with names of columns", Phrase("an empty file"))
        for column in header:
            if header.count(column) > 1:
                raise InputError(path, 1, column, "each column once", Phrase(f"{header.count(column)} of them"))
        for column in needed:
            if column not in header:
                raise InputError(path, 1, column, "a column of this name", Phrase("none"), header)
        rows: list[tuple[int, dict[str, str]]] = []
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                line = reader.line_num
                raise InputError(path, line, "", f"{len(header)} values, as in the header", Phrase(f"{len(cells)}"))
            rows.append((reader.line_num, dict(zip(header, cells, strict=True))))
    except csv.Error as problem:
        raise InputError(path, reader.line_num, "", "comma-separated values", Phrase(f"'{problem}'")) from None
    if not rows:
        raise InputError(path, 2, "", "rows below the header", Phrase("none"))
    return header, rows


def _count(path: Path, line: int, row: Mapping[str, str], column: str, blank: int | None = None) -> int:
    written = row[column].strip()
    if not written and blank is not None:
        return blank
    if not re.fullmatch(r"[+-]?[0-9]{1,12}(\.0*)?", written):
        raise InputError(path, line, column, "a whole number", written or Phrase("nothing"))
    number = int(written.split(".")[0])
    if number < 0:
        raise InputError(path, line, column, "a number of at least 0", number)
    return number


# --- the rows of the authority ---------------------------------------------------------------------------------------


def rows_of(
    code: str, table: Neighbourhoods, authorities: Mapping[str, Authority], path: Path
) -> tuple[list[int], str]:
    """Determine the authority's rows of the table.

    Parameters
    ----------
    code : str
        Code of the authority.
    table : Neighbourhoods
        The table.
    authorities : mapping of str to Authority
        The authorities by code.
    path : Path
        File of the table, for messages.

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
    if code == ENGLAND:
        return list(range(len(table.codes))), "all rows of the table"
    if table.authorities is not None:
        rows = [i for i, row_authority in enumerate(table.authorities) if row_authority == code]
        if not rows:
            choices = sorted(set(table.authorities))
            raise InputError(path, None, "authority code", "a code in the table's authority column", code, choices)
        return rows, "rows by the table's authority column"
    if code not in authorities:
        wanted = (
            f"a column ltla21_code, or the table {AUTHORITIES_FILE} in the same folder, to determine the rows of {code}"
        )
        raise InputError(path, 1, "ltla21_code", wanted, Phrase("neither"))
    wanted_ages = np.array(authorities[code].ages, np.int64)
    recovered = recover(table, authorities, code).get(code)
    if recovered is not None:
        return (
            recovered,
            f"rows recovered from the order of codes ({_span(table, recovered)}): all 8 age bands add up exactly",
        )
    authority_people, table_people = int(wanted_ages.sum()), int(table.ages.sum())
    if abs(table_people - authority_people) <= CLOSE_ENOUGH * authority_people:
        off = table_people / authority_people - 1
        return list(
            range(len(table.codes))
        ), f"all rows of the table, whose people differ by {off:+.2%} from the authority's"
    wanted = (
        f"a column ltla21_code: the order of codes does not determine the rows of {code} ({authorities[code].name})"
    )
    raise InputError(path, 1, "ltla21_code", wanted, Phrase("none"))


def _span(table: Neighbourhoods, rows: list[int]) -> str:
    runs: list[list[int]] = []
    for i in rows:
        if runs and runs[-1][1] == i - 1:
            runs[-1][1] = i
        else:
            runs.append([i, i])
    names = [f"{table.codes[a]}-{table.codes[b]}" if a < b else table.codes[a] for a, b in runs]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more runs" if len(names) > 6 else "")


def recover(
    table: Neighbourhoods, authorities: Mapping[str, Authority], wanted: str | None = None
) -> dict[str, list[int]]:
    """Recover the rows of each authority that the age totals determine uniquely; others are omitted.

    Parameters
    ----------
    table : Neighbourhoods
        The table.
    authorities : mapping of str to Authority
        The authorities by code.
    wanted : str, optional
        Code of an authority: the search stops once it is recovered, and the slowest step is for it alone.

    Returns
    -------
    dict of str to list of int
        Positions in the table, by code of the authority.

    Notes ----- Each recovered authority narrows the rest, so the easy ones come first: runs alone; then runs that begin
    or end where a recovered one ends or begins, with a run of later codes; then any run with a run of later codes; then
    several such runs.
    """
    search = _Search(table, authorities)
    search.take(search.runs_alone())
    steps = (
        partial(search.with_later_run, edges=True),
        partial(search.with_later_run, edges=False),
        partial(search.with_later_runs, 2),
        partial(search.with_later_runs, 3, only=wanted),
    )
    # The first step that recovers an authority; then again from the easiest step.
    while wanted not in search.rows_by_code and any(search.take(step()) for step in steps):
        pass
    return search.rows_by_code


class _Search:
    """Rows not yet assigned to an authority, in order of code, and sums over runs of them as 64-bit fingerprints.

    A fingerprint is a random linear form of the eight age counts. So the fingerprint of a sum is the sum of
    fingerprints, and two runs with the same fingerprint almost surely have the same ages, which is then checked.
    """

    def __init__(self, table: Neighbourhoods, authorities: Mapping[str, Authority]) -> None:
        """Compute the fingerprints, and the running totals."""
        self.table, self.authorities = table, authorities
        draw = np.random.default_rng(2011)
        self.form = draw.integers(1, 2**63, size=len(NEIGHBOURHOOD_BANDS), dtype=np.uint64) | np.uint64(1)
        self.prints = self._print(table.ages)
        self.people = table.ages.sum(axis=1)
        first = np.array([code <= LAST_FIRST_CODE for code in table.codes])
        self.early, self.late = np.flatnonzero(first), np.flatnonzero(~first)
        self.rows_by_code: dict[str, list[int]] = {}
        self.sums()

    def _print(self, ages: Ints) -> Hashes:
        return np.asarray((ages.astype(np.uint64) * self.form).sum(axis=-1, dtype=np.uint64))

    def sums(self) -> None:
        """Compute running totals over the rows that are left."""
        self.running = _running(self.prints[self.early])
        self.heads = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.people[self.early])])
        later = _running(self.prints[self.late])
        a, b = np.triu_indices(len(later), 1)
        a, b = (
            np.concatenate([np.zeros(1, np.int64), a]),
            np.concatenate([np.zeros(1, np.int64), b]),
        )  # the empty run first
        sums = later[b] - later[a]
        order = np.argsort(sums)
        self.later_from, self.later_to, self.later_sums = a[order], b[order], sums[order]
        self.sieve = np.zeros(1 << 24, np.bool_)
        self.sieve[_top(sums)] = True
        gap = np.flatnonzero(np.diff(self.early) > 1) + 1
        self.edges = np.unique(np.concatenate([np.zeros(1, np.int64), gap, np.array([len(self.early)])]))

    def left(self) -> list[Authority]:
        """List the authorities that are not recovered."""
        return [row for code, row in self.authorities.items() if code not in self.rows_by_code]

    def runs_alone(self) -> dict[str, list[list[int]]]:
        """Find runs of early codes that are an authority by themselves."""
        order = np.argsort(self.running)
        ordered = self.running[order]
        candidates: dict[str, list[list[int]]] = {}
        for row in self.left():
            ends = self.running + self._print(np.array(row.ages))
            at = np.minimum(np.searchsorted(ordered, ends), len(ordered) - 1)
            for i in np.flatnonzero(ordered[at] == ends):
                candidates.setdefault(row.code, []).append([int(x) for x in self.early[i : order[at[i]]]])
        return candidates

    def with_later_run(self, *, edges: bool) -> dict[str, list[list[int]]]:
        """Find runs of early codes with at most one run of later codes.

        Parameters
        ----------
        edges : bool
            Whether runs begin or end at an edge of the rows that are left.

        Returns
        -------
        dict of str to list of list of int
            Candidate rows, by code of the authority.
        """
        heads, candidates = self.heads, dict[str, list[list[int]]]()
        for row in self.left():
            total, mark = sum(row.ages), self._print(np.array(row.ages))
            if edges:
                start, stop = self._edge_pairs(total, MANY_LATER)
            else:
                start, stop = _pairs(np.arange(len(heads)), heads, total, SOME_LATER, backwards=False)
            missing = mark - self.running[stop] + self.running[start]
            maybe = np.flatnonzero(self.sieve[_top(missing)])
            at = np.minimum(np.searchsorted(self.later_sums, missing[maybe]), len(self.later_sums) - 1)
            for position, k in zip(maybe, at, strict=True):
                if self.later_sums[k] == missing[position]:
                    early = self.early[start[position] : stop[position]]
                    late = self.late[self.later_from[k] : self.later_to[k]]
                    rows = [int(x) for x in np.concatenate([early, late])]
                    if rows not in candidates.setdefault(row.code, []):
                        candidates[row.code].append(rows)
        return candidates

    def with_later_runs(self, many: int, only: str | None = None) -> dict[str, list[list[int]]]:
        """Find runs of early codes from or to an edge of the rows that are left, with two or three runs of later codes.

        Parameters
        ----------
        many : int
            Number of runs of later codes, 2 or 3.
        only : str, optional
            Code of the only authority to search for.

        Returns
        -------
        dict of str to list of list of int
            Candidate rows, by code of the authority.
        """
        a, b = self._later_stretches()
        candidates: dict[str, list[list[int]]] = {}
        if len(a) == 0 or (many == 3 and len(a) > MOST_STRETCHES):
            return candidates
        later, heads = _running(self.prints[self.late]), np.concatenate([[0], np.cumsum(self.people[self.late])])
        order = np.argsort(heads[b] - heads[a], kind="stable")
        a, b = a[order], b[order]
        people, prints = heads[b] - heads[a], later[b] - later[a]
        # The other side of the sum: one run, or two.
        part_a, part_b = (np.arange(len(a)),) * 2 if many == 2 else np.triu_indices(len(a), 1)
        sums = prints if many == 2 else prints[part_a] + prints[part_b]
        by_sum = np.argsort(sums)
        part_a, part_b, sums = part_a[by_sum], part_b[by_sum], sums[by_sum]
        sieve = np.zeros(1 << 24, np.bool_)
        sieve[_top(sums)] = True
        bands = np.vstack([np.zeros((1, len(self.form)), np.int64), np.cumsum(self.table.ages[self.early], axis=0)])
        for row in self.left():
            if only not in (None, row.code):
                continue
            ages = np.array(row.ages, np.int64)
            start, stop = self._edge_pairs(int(ages.sum()), SOME_LATER)
            missing = ages - (bands[stop] - bands[start])
            possible = (missing >= 0).all(axis=1)
            for i, j, lack in zip(start[possible], stop[possible], missing[possible], strict=True):
                small = int(np.searchsorted(people, lack.sum(), side="right"))
                rest = self._print(lack) - prints[:small]
                for k in np.flatnonzero(sieve[_top(rest)]):
                    at = int(np.searchsorted(sums, rest[k]))
                    if at < len(sums) and sums[at] == rest[k]:
                        parts = [self.late[a[m] : b[m]] for m in sorted({int(k), int(part_a[at]), int(part_b[at])})]
                        rows = sorted({int(x) for part in (self.early[i:j], *parts) for x in part})
                        if rows not in candidates.setdefault(row.code, []):
                            candidates[row.code].append(rows)
        return candidates

    def _later_stretches(self) -> tuple[Ints, Ints]:
        """First position, and position after the last, of each unbroken run of the later codes that are left."""
        breaks = [0, *(int(x) + 1 for x in np.flatnonzero(np.diff(self.late) > 1)), len(self.late)]
        pairs = [np.stack(np.triu_indices(y - x + 1, 1)) + x for x, y in pairwise(breaks)]
        combined = np.concatenate(pairs, axis=1)
        return combined[0], combined[1]

    def _edge_pairs(self, total: int, later: float) -> tuple[Ints, Ints]:
        """Beginnings and ends of runs that touch an edge of the rows that are left."""
        start, stop = _pairs(self.edges, self.heads, total, later, backwards=False)
        last, first = _pairs(self.edges, self.heads, total, later, backwards=True)
        both = np.stack([np.concatenate([start, first]), np.concatenate([stop, last])])
        start, stop = np.unique(both, axis=1)
        return start, stop

    def take(self, candidates: Mapping[str, list[list[int]]]) -> bool:
        """Accept the authorities with one candidate that adds up, agrees on deprivation and overlaps no other."""
        sure: dict[str, list[int]] = {}
        for code, options in candidates.items():
            good = [rows for rows in options if self._agrees(self.authorities[code], rows)]
            if len(good) == 1:
                sure[code] = good[0]
        claims = np.zeros(len(self.table.codes), np.int64)
        for rows in sure.values():
            claims[rows] += 1
        sure = {code: rows for code, rows in sure.items() if claims[rows].max() == 1}
        self.rows_by_code |= sure
        gone = [i for rows in sure.values() for i in rows]
        self.early, self.late = np.setdiff1d(self.early, gone), np.setdiff1d(self.late, gone)
        if sure:
            self.sums()
        return bool(sure)

    def _agrees(self, row: Authority, rows: list[int]) -> bool:
        if not rows or tuple(int(n) for n in self.table.ages[rows].sum(axis=0)) != row.ages:
            return False
        share = float((self.table.deciles[rows] == 1).mean())
        return row.most_deprived is None or abs(share - row.most_deprived) < 0.001


def _running(values: Hashes) -> Hashes:
    return np.concatenate([np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)])


def _top(values: Hashes) -> Ints:
    return (values >> np.uint64(40)).astype(np.int64)


def _pairs(fixed: Ints, heads: Ints, total: int, later: float, *, backwards: bool) -> tuple[Ints, Ints]:
    """Pair each fixed end with every other end that leaves at most a share `later` of the people to later codes."""
    fixed_heads = heads[fixed]
    if backwards:
        low, high = (
            np.searchsorted(heads, fixed_heads - total),
            np.searchsorted(heads, fixed_heads - (1 - later) * total, side="right"),
        )
    else:
        low, high = (
            np.searchsorted(heads, fixed_heads + (1 - later) * total),
            np.searchsorted(heads, fixed_heads + total, side="right"),
        )
    many = high - low
    other = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + np.repeat(low, many)
    return np.repeat(fixed, many), other


# --- writing ---------------------------------------------------------------------------------------------------------


def place_text(
    name: str, code: str, table: Neighbourhoods, rows: list[int], method: str, authority: Authority | None
) -> str:
    """Compose the text of a place's file.

    Parameters
    ----------
    name, code : str
        Name of the place, and code of the authority.
    table : Neighbourhoods
        The table.
    rows : list of int
        The authority's rows.
    method : str
        Description of the way in which the rows were determined.
    authority : Authority or None
        The authority's row of the authority table, if known.

    Returns
    -------
    str
        TOML.

    Raises
    ------
    InputError
        If the authority has fewer than 10,000 people.
    """
    ages, deciles = table.ages[rows], table.deciles[rows]
    people = int(ages.sum())
    if people < 10_000:
        raise InputError("place new", None, code, "an authority of at least 10,000 people", people)
    label = authority.name if authority else code
    source = (
        "ONS Small area population estimates mid-2020 and MHCLG English Indices of Deprivation 2019, by neighbourhood "
        f"(2011 LSOA); {method}"
    )
    figures = _figures(people, authority)
    around = round(people / len(rows))
    around = min(max(around, 200), 20_000)
    lines = [
        f"# {plain(label)}: {people:,} people in {len(rows)} neighbourhoods. Written by `upstream place new`.",
        "# Contains public sector information licensed under the Open Government Licence v3.0.",
        f"name = {_quoted(name)}",
        f"label = {_quoted(label)}",
        'kind = "authority"',
        f"authority_code = {_quoted(code)}",
        f"population = {people}",
        f"source = {_quoted(source)}",
        f"neighbourhood_people = {around}",
    ]
    if authority:
        lines += ["", "[splits] # from the authority's own ages; of 5-10 five sixths are taken as 5-9"]
        names = ("younger_5_15", "younger_16_24")
        lines += [f"{key} = {share:.4f}" for key, share in zip(names, authority.younger, strict=True)]
    lines += ["", *figures]
    for decile in range(1, 11):
        decile_ages = ages[deciles == decile]
        if decile_ages.sum() == 0:
            continue
        shares = decile_ages.sum(axis=0) / decile_ages.sum()
        listed = ", ".join(f'"{band}" = {share:.5f}' for band, share in zip(PUBLISHED_BANDS, shares, strict=True))
        lines += ["", "[[deciles]]", f"decile = {decile}", f"neighbourhoods = {len(decile_ages)}"]
        lines += [f"people = {decile_ages.sum()}"]
        lines += [f"ages = {{ {listed} }}"]
    return "\n".join(lines) + "\n"


def _figures(people: int, authority: Authority | None) -> list[str]:
    size = people / authority.households if authority and authority.households else 2.41
    size_source = (
        f"ONS mid-2020 residents over {authority.households} households of Census 2021, as A07; range assumed"
        if authority and authority.households
        else "A07 [DS2], England: this authority's households are not in the table; range assumed"
    )
    return [
        "[households]",
        _figure("people_per_household", round(size, 3), "persons", 0.05, size_source, "estimated"),
        _figure("one_person_share", 0.29, "share of households", 0.02, "A08 [ONS13] UK 2013", "estimated"),
        _figure(
            "four_plus_share", 0.20, "share of households", 0.02, "A08 [ONS13] UK 2013; range assumed", "estimated"
        ),
        _figure(
            "lone_parent_share", 0.16, "share of families", 0.02, "A09 [ONS23] UK 2023; range assumed", "estimated"
        ),
        "",
        "[ties]",
        'close_ties = { value = 5, unit = "ties per adult", low = 3, high = 8, '
        'source = "A19: convention (support clique of about 5), recalled; range assumed", status = "assumed" }',
        _figure("far_share", 0.3, "share of friends", 0.2, "assumed", "assumed"),
        _figure("street_share", 0.4, "share of ties", 0.2, "assumed: people within a few doors", "assumed"),
    ]


def _figure(key: str, value: float, unit: str, around: float, source: str, status: str) -> str:
    low, high = round(value - around, 3), round(value + around, 3)
    return (
        f"{key} = {{ value = {value:g}, unit = {_quoted(unit)}, low = {low:g}, high = {high:g}, "
        f"source = {_quoted(source)}, status = {_quoted(status)} }}"
    )


def _quoted(text: str) -> str:
    """Write a TOML basic string."""
    marks = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(marks.get(c, c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'


def write_atomically(target: Path, text: str) -> None:
    """Write a file completely or not at all.

    Parameters
    ----------
    target : Path
        The file.
    text : str
        Its text.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as problem:
        raise InputError(target, None, "", "a folder that can be written to", Phrase(f"'{problem.strerror}'")) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(half).chmod(0o644)
        Path(half).replace(target)
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise
