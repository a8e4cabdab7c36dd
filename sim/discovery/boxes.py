"""Boxes of scenario discovery: ranges of the inputs in which most points are of interest.

PRIM    Patient rule induction (Friedman and Fisher 1999, Stat. Comput. 9:123), as EMA Workbench implements it: a box is
        peeled by a twentieth of its points at a time. Of the boxes on its path, the one with the largest share of the
        points of interest less its share of the other points is chosen (Youden's J), unless another is asked for.
        Restrictions with quasi-p-values above 5% (Bryant and Lempert 2010, Technol. Forecast. Soc. Change 77:34) are
        taken back.
Limits  A path is chosen to fit the points, so its density and quasi-p-values are too good. The search is therefore
        repeated on random halves of the points, and its boxes are tried on the other halves.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.discovery.features import leading
from sim.schema.errors import InputError, Phrase
from sim.sweeps.exchange import EXTRA

if TYPE_CHECKING:
    import pandas as pd

B = npt.NDArray[np.bool_]
F = npt.NDArray[np.float64]
SIGNIFICANT = 0.05
ANY = 1e-6
"""Threshold between points of interest, 1, and others, 0, that every box with a point of interest reaches."""
HALVES = 10
"""Random halves on which the search is repeated."""
FEWEST_OF_HALF = 3
"""Fewest points of interest, and of others, in a half."""


class Restriction(NamedTuple):
    """The range of an input in a box.

    Attributes
    ----------
    name : str
        The input.
    low, high : float or None
        Ends of the range; None where the box has no end of its own.
    values : tuple of str
        Values of an input that has names.
    from_, to : float or None
        Ends of the range of all points.
    qp_low, qp_high : float or None
        Quasi-p-values of the ends.
    reproduced : float or None
        Share of the random halves in which the box restricts this input.
    """

    name: str
    low: float | None
    high: float | None
    values: tuple[str, ...]
    from_: float | None
    to: float | None
    qp_low: float | None
    qp_high: float | None
    reproduced: float | None


class DiscoveredBox(NamedTuple):
    """A box.

    Attributes
    ----------
    restrictions : tuple of Restriction
        The inputs that it restricts, the least likely by chance first; none if no range is distinguishable from chance.
    points, cases : int
        Points in the box, and those of interest.
    density : float
        Share of the points in the box that are of interest.
    coverage : float
        Share of all points of interest that are in the box.
    size : float
        Share of all points that are in the box.
    other_density, other_coverage : float or None
        The same for boxes of random halves, in the points that were not used for them.
    number : int
        Position on the path.
    path : list of dict
        Every box on the path: density, coverage, size, number of restricted inputs.
    """

    restrictions: tuple[Restriction, ...]
    points: int
    cases: int
    density: float
    coverage: float
    size: float
    other_density: float | None
    other_coverage: float | None
    number: int
    path: list[dict[str, Any]]


def find_boxes(inputs: pd.DataFrame, cases: B, *, boxes: int, number: int | None, seed: int) -> list[DiscoveredBox]:
    """Search for boxes, each in the points that the boxes before it leave.

    Parameters
    ----------
    inputs : pandas.DataFrame
        A row for each point, a column for each input: numbers, or names.
    cases : ndarray of bool, shape (points,)
        Whether each point is of interest; some are and some are not.
    boxes : int
        Largest number of boxes.
    number : int or None
        Position on the path of the first box; by default it is chosen.
    seed : int
        Seed of the random halves.

    Returns
    -------
    list of DiscoveredBox
        At least one.

    Raises
    ------
    InputError
        If EMA Workbench is not installed, or the path has no box of this number.
    """
    out: list[DiscoveredBox] = []
    remaining = np.ones(len(cases), bool)
    for k in range(boxes):
        x, y = inputs[remaining].reset_index(drop=True), cases[remaining]
        if min(int(y.sum()), int((~y).sum())) < 1:
            break
        path = _Path(x, y)
        at = path.chosen(number if k == 0 else None)
        limits = path.limits(at)
        if k and not limits:
            break
        inside = np.flatnonzero(remaining)[_inside(x, limits)]
        others = _halves(x, y, seed + k) if limits else None
        hits = int(cases[inside].sum())
        out.append(
            DiscoveredBox(
                restrictions=tuple(path.restrictions(at, others.reproduced if others else {})),
                points=len(inside),
                cases=hits,
                density=hits / len(inside),
                coverage=hits / int(cases.sum()),
                size=len(inside) / len(cases),
                other_density=others.density if others else None,
                other_coverage=others.coverage if others else None,
                number=at,
                path=path.rows(),
            )
        )
        remaining[inside] = False
    return out


class _Path:
    """The boxes of a search from the largest to the smallest."""

    def __init__(self, x: pd.DataFrame, y: B) -> None:
        prim = prim_module()
        names = leading(x, y)
        self._x, self._y = x[names], y
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EMA Workbench uses arguments that pandas will drop
            search = prim.Prim(self._x, y.astype(int), threshold=ANY)
            self._box = search.find_box()

    def rows(self) -> list[dict[str, Any]]:
        """Density, coverage, size and number of restricted inputs of each box."""
        table = self._box.peeling_trajectory
        return [
            {
                "box": k,
                "density": float(row["density"]),
                "coverage": float(row["coverage"]),
                "size": float(row["mass"]),
                "points": int(row["n"]),
                "restricted": int(row["res_dim"]),
            }
            for k, row in enumerate(table.to_dict("records"))
        ]

    def chosen(self, number: int | None) -> int:
        """Number of the box with the largest J, without restrictions that may be chance; or the number asked for."""
        table = self._box.peeling_trajectory
        if number is not None:
            if not 0 <= number < len(table):
                raise InputError("--box", None, "", f"a box of the path, 0 to {len(table) - 1}", number)
            return number
        others = max(1, len(self._y) - int(self._y.sum()))
        j = table["coverage"].to_numpy(float) - (table["n"] - table["k"]).to_numpy(float) / others
        at = int(j.argmax())
        while True:
            weak = {name: p for name, p in self._p_values(at).items() if p > SIGNIFICANT}
            if not weak:
                return at
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._box.drop_restriction(max(weak, key=weak.__getitem__), at)
            at = len(self._box.peeling_trajectory) - 1

    def limits(self, at: int) -> dict[str, Any]:
        """Restrictions of a box: ends of numbers, infinite where there is none, or a set of names."""
        box, out = self._box.box_lims[at], {}
        for name, ends in self._box.qp[at].items():
            if isinstance(box[name].iloc[0], set):
                out[name] = box[name].iloc[0]
            else:
                out[name] = tuple(
                    float(box[name].iloc[k]) if end >= 0.0 else (-np.inf, np.inf)[k] for k, end in enumerate(ends)
                )
        return out

    def restrictions(self, at: int, reproduced: Mapping[str, float]) -> list[Restriction]:
        """Restrictions of a box, the least likely by chance first."""
        limits, quasi = self.limits(at), self._box.qp[at]
        p_values = self._p_values(at)
        out = []
        for name in sorted(limits, key=p_values.__getitem__):
            ends, share = limits[name], reproduced.get(name)
            p = [float(end) if end >= 0.0 else None for end in quasi[name]]
            if isinstance(ends, set):
                out.append(Restriction(name, None, None, tuple(sorted(ends)), None, None, p[0], None, share))
                continue
            low, high = (end if np.isfinite(end) else None for end in ends)
            column = self._x[name]
            out.append(Restriction(name, low, high, (), float(column.min()), float(column.max()), p[0], p[1], share))
        return out

    def _p_values(self, at: int) -> dict[str, float]:
        """Smallest quasi-p-value of each restricted input."""
        return {name: min(end for end in ends if end >= 0.0) for name, ends in self._box.qp[at].items()}


class _Halves(NamedTuple):
    density: float | None
    coverage: float | None
    reproduced: dict[str, float]


def _halves(x: pd.DataFrame, y: B, seed: int) -> _Halves | None:
    """Search in random halves, and try their boxes on the other halves."""
    rng = np.random.default_rng(seed)
    inside = hits = cases = searched = 0
    counts = dict.fromkeys(x.columns, 0)
    for _ in range(HALVES):
        order = rng.permutation(len(y))
        used, other = order[: len(y) // 2], order[len(y) // 2 :]
        if min(int(y[used].sum()), int((~y[used]).sum())) < FEWEST_OF_HALF:
            continue
        path = _Path(x.iloc[used].reset_index(drop=True), y[used])
        limits = path.limits(path.chosen(None))
        rows = _inside(x.iloc[other], limits)
        inside, hits, cases = inside + int(rows.sum()), hits + int(y[other][rows].sum()), cases + int(y[other].sum())
        searched += 1
        for name in limits:
            counts[name] += 1
    if not searched:
        return None
    return _Halves(
        hits / inside if inside else None,
        hits / cases if cases else None,
        {name: count / searched for name, count in counts.items()},
    )


def _inside(x: pd.DataFrame, limits: Mapping[str, Any]) -> B:
    """Whether each point lies in a box."""
    out = np.ones(len(x), bool)
    for name, ends in limits.items():
        column = x[name]
        out &= (
            column.isin(ends).to_numpy()
            if isinstance(ends, set)
            else ((column >= ends[0]) & (column <= ends[1])).to_numpy()
        )
    return out


def prim_module() -> Any:
    """The module of PRIM. Raises InputError if EMA Workbench is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EMA Workbench names its optional packages
            from ema_workbench.analysis import prim
    except ImportError:
        raise InputError("--boxes", None, "", f"{EXTRA}; or --boxes 0", Phrase("an installation without it")) from None
    return prim
