"""Recovery of the neighbourhoods of each English authority from two published tables.

The neighbourhood table has no column of authorities. The rows are recovered from the authorities' totals: LSOA codes
were assigned authority by authority, so an authority is a few runs of the sorted codes, plus a few runs among the codes
that replaced split and merged ones in 2011. A recovery is accepted only if all eight age bands add up exactly, the
share of neighbourhoods in the most deprived tenth agrees, and no other candidate does. The command `python -m
sim.place.derive_authorities` runs it once; its result comes with the project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from sim.place.authority_table import Authority
from sim.place.neighbourhood_table import Neighbourhoods

LAST_FIRST_CODE = "E01032482"
"""The last neighbourhood code assigned in 2004, authority by authority; later ones replace codes changed in 2011."""
MOST_STRETCHES = 2_500
"""Largest number of runs of later codes whose pairwise sums (three million) can be searched in about a second."""
SOME_LATER, MANY_LATER = 0.3, 0.45
"""Largest share of an authority's people in neighbourhoods with later codes (two fifths: City of London)."""
FEW_LATER = 0.1
"""The same share for the steps in which most authorities are recovered already (Leeds: 0.08; West Suffolk: 0.18)."""
BANDS = 8

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


def recover(table: Neighbourhoods, authorities: Mapping[str, Authority]) -> dict[str, list[int]]:
    """Recover the rows of each authority that the age totals determine uniquely; others are omitted.

    Parameters
    ----------
    table : Neighbourhoods
        The table.
    authorities : mapping of str to Authority
        The authorities by code.

    Returns
    -------
    dict of str to list of int
        Positions in the table, by code of the authority.

    Notes
    -----
    Each recovered authority narrows the rest, so the easy ones come first: runs alone; then runs that begin or end
    where a recovered one ends or begins, with a run of later codes; then any run with a run of later codes; then
    several such runs. The last steps are for authorities made of several former districts: all early codes between
    recovered ones, or two runs of them, with up to four runs of the later codes that are left.
    """
    search = _Search(table, authorities)
    search.take(search.runs_alone())
    steps = (
        partial(search.with_later_run, edges=True),
        partial(search.with_later_run, edges=False),
        partial(search.with_later_runs, 2),
        partial(search.with_later_runs, 3),
        partial(search.components, (1,), most=2),
        partial(search.components, (1,), most=4, pairs=2_000_000),
        partial(search.component_ends, most=2),
        partial(search.components, (1, 2, 3), most=4, pairs=3_000_000),
        partial(search.component_ends, most=3),
        partial(search.two_runs, most=1),
        partial(search.components, (1, 2), most=4, pairs=12_000_000),
        partial(search.two_runs, most=2),
    )
    # The first step that recovers an authority; then again from the easiest step.
    while search.left() and any(search.take(step()) for step in steps):
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
        self.form = draw.integers(1, 2**63, size=BANDS, dtype=np.uint64) | np.uint64(1)
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

    def with_later_runs(self, many: int) -> dict[str, list[list[int]]]:
        """Find runs of early codes from or to an edge of the rows that are left, with two or three runs of later codes.

        Parameters
        ----------
        many : int
            Number of runs of later codes, 2 or 3.

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

    def components(self, counts: tuple[int, ...], most: int, pairs: int = 0) -> dict[str, list[list[int]]]:
        """Find unions of unbroken runs of the early codes that are left, with runs of later codes.

        Parameters
        ----------
        counts : tuple of int
            Numbers of unbroken runs in a union.
        most : int
            Largest number of runs of later codes.
        pairs : int
            Largest number of pairs of such runs that is searched.

        Returns
        -------
        dict of str to list of list of int
            Candidate rows, by code of the authority.
        """
        unions = [np.concatenate(union) for n in counts for union in combinations(_unbroken(self.early), n)]
        return self._with_later_sets(lambda: iter(unions), SOME_LATER, most, pairs)

    def component_ends(self, most: int) -> dict[str, list[list[int]]]:
        """Find beginnings and ends of unbroken runs of the early codes that are left, with runs of later codes.

        Parameters
        ----------
        most : int
            Largest number of runs of later codes, 2 or 3.

        Returns
        -------
        dict of str to list of list of int
            Candidate rows, by code of the authority.
        """

        def ends() -> Iterator[Ints]:
            for run in _unbroken(self.early):
                for k in range(1, len(run)):
                    yield run[:k]
                    yield run[k:]

        return self._with_later_sets(ends, FEW_LATER, most, MOST_STRETCHES**2)

    def _with_later_sets(
        self, early: Callable[[], Iterator[Ints]], later: float, most: int, pairs: int
    ) -> dict[str, list[list[int]]]:
        candidates: dict[str, list[list[int]]] = {}
        for row in self.left():
            ages = np.array(row.ages, np.int64)
            for part in early():
                missing = ages - self.table.ages[part].sum(axis=0)
                if (missing >= 0).all() and missing.sum() <= later * ages.sum():
                    for rest in self._later_sets(missing, most, pairs):
                        candidates.setdefault(row.code, []).append(sorted([*(int(x) for x in part), *rest]))
        return candidates

    def _later_sets(self, ages: Ints, most: int, most_pairs: int) -> list[list[int]]:
        """Sets of the later codes that are left, of as few runs as possible, with exactly these ages."""
        late, bands = (
            self.late,
            np.vstack([np.zeros((1, BANDS), np.int64), np.cumsum(self.table.ages[self.late], axis=0)]),
        )
        if not ages.any():
            return [[]]
        a, b = np.triu_indices(len(late) + 1, 1)
        fits = ((bands[b] - bands[a]) <= ages).all(axis=1)
        a, b = a[fits], b[fits]
        if len(a) == 0:
            return []
        running, target = _running(self.prints[late]), self._print(ages)
        prints = running[b] - running[a]

        def exact(runs: Iterator[tuple[int, ...]]) -> list[list[int]]:
            sets = {tuple(sorted({int(x) for m in parts for x in late[a[m] : b[m]]})) for parts in runs}
            return [list(rows) for rows in sets if (self.table.ages[list(rows)].sum(axis=0) == ages).all()]

        singles = _Sums(prints)
        out = exact((k,) for _, k in singles.matches(np.array([target])))
        out = out or exact(singles.matches(target - prints))
        if out or most == 2 or len(a) ** 2 / 2 > most_pairs:
            return out
        i, j = np.triu_indices(len(a), 1)
        two = prints[i] + prints[j]
        pairs = _Sums(two)
        out = exact((m, i[k], j[k]) for m, k in pairs.matches(target - prints))
        if out or most == 3:
            return out
        return exact((i[m], j[m], i[k], j[k]) for m, k in pairs.matches(target - two))

    def two_runs(self, most: int) -> dict[str, list[list[int]]]:
        """Find two runs within an unbroken run of the early codes that are left, with runs of later codes.

        Parameters
        ----------
        most : int
            Largest number of runs of later codes, 1 or 2.

        Returns
        -------
        dict of str to list of list of int
            Candidate rows, by code of the authority.
        """
        later, candidates = self._sets_of_runs(most), dict[str, list[list[int]]]()
        later_prints = [self.prints[rows].sum(dtype=np.uint64) for rows in later]
        for component in _unbroken(self.early):
            running = _running(self.prints[component])
            a, b = np.triu_indices(len(component) + 1, 1)
            prints = running[b] - running[a]
            sums = _Sums(prints)
            for row in self.left():
                if sum(row.ages) > self.people[component].sum() + self.people[self.late].sum():
                    continue
                target = self._print(np.array(row.ages))
                for rows, mark in zip(later, later_prints, strict=True):
                    for m, k in sums.matches(target - mark - prints):
                        if b[m] <= a[k]:
                            parts = component[a[m] : b[m]], component[a[k] : b[k]], rows
                            chosen = sorted(int(x) for part in parts for x in part)
                            if chosen not in candidates.setdefault(row.code, []):
                                candidates[row.code].append(chosen)
        return candidates

    def _sets_of_runs(self, most: int) -> list[Ints]:
        """Every set of later codes that are left of at most `most` (1 or 2) runs, the empty set first."""
        runs = list(combinations(range(len(self.late) + 1), 2))
        sets = [self.late[:0], *(self.late[a:b] for a, b in runs)]
        if most == 2:
            sets += [
                np.concatenate([self.late[a:b], self.late[c:d]])
                for a, b, c, d in combinations(range(len(self.late) + 1), 4)
            ]
        return sets

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


class _Sums:
    """Fingerprints of sums, sorted, with a sieve of their leading bits."""

    def __init__(self, sums: Hashes) -> None:
        """Sort the sums."""
        self.order = np.argsort(sums)
        self.ordered = sums[self.order]
        self.sieve = np.zeros(1 << 24, np.bool_)
        self.sieve[_top(sums)] = True

    def matches(self, wanted: Hashes) -> Iterator[tuple[int, int]]:
        """Pair positions of `wanted` with the position of an equal sum."""
        maybe = np.flatnonzero(self.sieve[_top(wanted)])
        at = np.minimum(np.searchsorted(self.ordered, wanted[maybe]), len(self.ordered) - 1)
        equal = self.ordered[at] == wanted[maybe]
        return zip(maybe[equal].tolist(), self.order[at[equal]].tolist(), strict=True)


def _unbroken(rows: Ints) -> list[Ints]:
    """Divide sorted rows where a row is missing."""
    return np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(rows) else []


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
