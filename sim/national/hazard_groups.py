"""Hazards of many authorities from few solutions: authorities of one group, with similar need, share theirs.

Claim     An authority has the hazards of its group: those with which the sum of the group's authorities has England's
          published rates. Two authorities are similar if their people have similar published need per head: serious
          need and crises of each domain. Groups minimise the squared distance of the logarithms (k-means).
Evidence  Hazards differ between places as the same services per head meet more or less need
          (sim/calibration/calibrate.py). Accuracy, measured on a few authorities: docs/nation.md.
Limits    Within a group need still differs: the baseline of an authority may lie off England's rates by more than with
          a solution of its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrate import nearest_supplied, solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.place.age_bands import SPLIT_BANDS
from sim.place.english_authorities import EnglishArea, area_place_text, authority_data
from sim.place.place import Place
from sim.scenario.scenario import Scenario
from sim.schema.quantities import QUINTILES
from sim.schema.toml_files import load_text

F = npt.NDArray[np.float64]
Hazards = Literal["supplied", "groups", "own"]
"""Where hazards come from: the nearest solution that is supplied with the project, the solution of the authority's
group, or a solution of each authority."""
GROUPS = 40
"""Number of groups."""
ROUNDS = 100
"""Most rounds in which authorities are assigned to the nearest group."""


@lru_cache(maxsize=512)
def authority_place(code: str) -> Place:
    """The place of an authority of 2021, from the published tables that come with the project."""
    area = EnglishArea(code, authority_data().authorities[code].name, (code,), "")
    return load_text(area_place_text(area), f"{area.name} ({code})", Place)


@lru_cache(maxsize=1)
def groups() -> dict[str, int]:
    """Number of the group of each authority, by code."""
    need = expected_need()
    codes, points = list(need), np.stack(list(need.values()))
    centres = [points[np.argmin(((points - points.mean(axis=0)) ** 2).sum(axis=1))]]
    while len(centres) < GROUPS:  # the authority that is furthest from all centres is the next centre
        centres.append(points[np.argmax(_squared(points, np.stack(centres)).min(axis=1))])
    middle = np.stack(centres)
    nearest = np.zeros(len(points), np.int64)
    for _ in range(ROUNDS):
        before, nearest = nearest, np.argmin(_squared(points, middle), axis=1)
        if (before == nearest).all():
            break
        middle = np.stack([points[nearest == k].mean(axis=0) for k in range(GROUPS)])
    return dict(zip(codes, nearest.tolist(), strict=True))


@lru_cache(maxsize=1)
def expected_need() -> dict[str, F]:
    """Logarithms of serious need and crises per head of each domain, by England's rates and the authority's people."""
    aims = solution_for(Scenario.load("baseline")).aims
    out = {}
    for code in authority_data().authorities:
        mix = authority_mix(code)
        per_head = [(rate * mix).sum(axis=(1, 2)) / mix.sum() for rate in (aims.at_least[:, 2], aims.crises)]
        out[code] = np.log(np.concatenate(per_head))
    return out


def authority_mix(code: str) -> F:
    """People of an authority by age band and deprivation fifth, from the table. Shape (bands, fifths)."""
    data = authority_data()
    by_fifth = data.ages[code].reshape(QUINTILES, 2, -1).sum(axis=1).T.astype(float)
    younger = dict(zip(SPLIT_BANDS, data.authorities[code].younger, strict=True))
    rows = [part for band, row in enumerate(by_fifth) for part in _divided(row, younger.get(band))]
    return np.stack(rows)


def _divided(row: F, younger: float | None) -> tuple[F, ...]:
    return (row,) if younger is None else (row * younger, row * (1.0 - younger))


def _squared(points: F, centres: F) -> F:
    """Squared distance of each point from each centre. Shape (points, centres)."""
    out: F = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
    return out


@lru_cache(maxsize=GROUPS)
def group_place(number: int) -> Place:
    """The sum of a group's authorities as a place."""
    members = tuple(code for code, group in groups().items() if group == number)
    area = EnglishArea(f"G{number:08d}", f"Group {number} of authorities", members, "")
    return load_text(area_place_text(area), area.name, Place)


@lru_cache(maxsize=1024)
def place_of_hazards(code: str, mode: Hazards) -> Place:
    """The place for which the hazards of an authority are solved.

    Parameters
    ----------
    code : str
        Code of the authority.
    mode : {"supplied", "groups", "own"}
        Where hazards come from.

    Returns
    -------
    Place
    """
    if mode == "groups":
        return group_place(groups()[code])
    own_place = authority_place(code)
    return Place.load(nearest_supplied(own_place)) if mode == "supplied" else own_place


def calibrated_for(code: str, mode: Hazards, scenario: Scenario) -> Calibrated:
    """The inputs from which the world of an authority is built, with the parameters of a scenario.

    The first call for a group takes about a minute; the solution is stored in the cache, which processes share.
    """
    return solution_for(scenario, place_of_hazards(code, mode))


def need_apart(code: str) -> float:
    """Largest relative difference of need per head, of any domain, between an authority and its group."""
    need = expected_need()
    members = [other for other, group in groups().items() if group == groups()[code]]
    middle = np.mean([need[other] for other in members], axis=0)
    return float(np.abs(np.exp(need[code] - middle) - 1.0).max())
