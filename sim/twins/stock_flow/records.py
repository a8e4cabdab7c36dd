"""The twin's months as a record in the format of an agents' run, so that the same code computes all measures.

Counts of an age group are divided between its bands, and counts of a kind of neighbourhood between its neighbourhoods,
in the proportions of the baseline. The twin has no values for questions to individual people (loneliness, care for
others, repeated requests): these are NaN, and so are the measures computed from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.hazards import Solution
from sim.place.place import Neighbourhood, Place
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BANDS, QUINTILES
from sim.state.codes import CHILD_AGES, FINE
from sim.twins.stock_flow.aggregation import Aggregation
from sim.twins.stock_flow.baseline import AgeBandBaseline
from sim.twins.stock_flow.cells import Constants
from sim.twins.stock_flow.equations import OutputSlices, output_slices
from sim.twins.stock_flow.tape import run_tape, tape_of
from sim.twins.stock_flow.twin import Twin

A = npt.NDArray[Any]
F = npt.NDArray[np.float64]
ADULT = 16
"""The age from which people are surveyed."""
UNAVAILABLE = (
    "repeated",
    "lonely",
    "carers",
    "carer_hours",
    "need_alone",
    "need_several",
    "eased_alone",
    "eased_several",
)


class RecordFrame(NamedTuple):
    """What is needed to make a record of a twin's months."""

    aggregation: Aggregation
    neighbourhoods: Sequence[Neighbourhood]
    bands: AgeBandBaseline
    flows: Constants
    services: Any
    """The built world's services."""
    fifths: A
    """Deprivation fifth of each kind of neighbourhood, from 0."""
    solution: Solution
    members: float
    """Share of people who are members of groups at baseline."""
    domains: int


def frame_of(twin: Twin) -> RecordFrame:
    """The frame of a twin's records."""
    return RecordFrame(
        twin.aggregation,
        twin.hoods,
        twin.balanced.bands,
        twin.balanced.flows.c,
        twin.world.services,
        twin.world.places.quintile[twin.aggregation.first()].astype(int),
        twin.calibrated.solution,
        twin.calibrated.params["support"].compiled().members,
        len(twin.calibrated.domains),
    )


class _Sharing:
    """Divides counts by kind of place and age group between deprivation fifths and age bands."""

    def __init__(self, frame: RecordFrame) -> None:
        self.band_baseline = frame.bands
        aggregation = frame.aggregation
        self.into = (aggregation.group[:, None] == np.arange(len(aggregation.ages))).astype(float)
        self.group = aggregation.group
        if len(set(aggregation.places)) == 1 and aggregation.places[0] == "the place":
            # One kind for all fifths: counts are divided in proportion to people.
            people = np.zeros(QUINTILES)
            for hood in frame.neighbourhoods:
                people[hood.quintile - 1] += hood.people
            self.fifths = (people / people.sum())[None, :]
        else:
            self.fifths = (frame.fifths[:, None] == np.arange(QUINTILES)).astype(float)

    def to_bands(self, counts: F, weight: F) -> F:
        """Counts by fifth and band. Those of a group are divided between its bands in proportion to the weight.

        Parameters
        ----------
        counts
            Counts by place and group. Shape (..., place, group).
        weight
            Weight by place and band. Shape (..., place, band).
        """
        total = weight @ self.into
        people = self.band_baseline.people / np.maximum(1e-300, (self.band_baseline.people @ self.into)[:, self.group])
        part = np.where(total[..., self.group] > 0.0, weight / np.maximum(1e-300, total[..., self.group]), people)
        out: F = np.einsum("...kb,kq->...qb", counts[..., self.group] * part, self.fifths)
        return out

    def to_fifths(self, counts: F) -> F:
        """Counts by fifth from counts by place, the last axis."""
        out: F = counts @ self.fifths
        return out


def record_of(twin: Twin, seed: int = 0) -> Record:
    """Run a twin and record its months. `seed` only labels the record."""
    rows, _ = run_tape(tape_of(twin.equations))
    return record_from(frame_of(twin), rows, output_slices(twin.equations), seed)


def record_from(frame: RecordFrame, rows: F, slices: OutputSlices, seed: int = 0) -> Record:
    """The record of a twin's months.

    Parameters
    ----------
    frame
        The cells, the baseline by age band, and the place.
    rows
        The outputs of each month. Shape (month, output).
    slices
        The position of each output in a row, and its shape, by name.
    seed
        Label of the record.
    """
    outputs = {name: rows[:, where].reshape(len(rows), *shape) for name, (where, shape) in slices.items()}
    sharing, band_baseline, c = _Sharing(frame), frame.bands, frame.flows
    table = frame.services
    months, kind = len(rows), frame.aggregation.kind
    weight = np.stack([band_baseline.crises[d] * table.crisis_share[s] for s, d in enumerate(table.domain)])
    for s in np.flatnonzero(table.instead >= 0):
        weight[s] = weight[table.instead[s]] * table.bands[s]
    for j, s in enumerate(c.door):
        weight[s] = band_baseline.visits[j]
    out: dict[str, F] = {
        "opened": sharing.to_bands(outputs["opened"], weight),
        "census": sharing.to_bands(outputs["census"], band_baseline.need),
        "unmet": sharing.to_bands(outputs["unmet"], band_baseline.need[:, 2]),
        "people": sharing.to_bands(outputs["people"], band_baseline.people),
        "died": sharing.to_bands(outputs["died"], band_baseline.deaths),
        "delayed": sharing.to_bands(outputs["delayed"], band_baseline.crises[max(0, int(np.argmax(c.waits_for >= 0)))]),
        "born": sharing.to_fifths(outputs["born"]),
        "moved_in": sharing.to_fifths(outputs["moved_in"].sum(axis=2)),
        "moved_out": sharing.to_fifths(outputs["moved_out"].sum(axis=2)),
    }
    for name in ("helped", "waiting", "asked", "turned_away", "gave_up", "started"):
        out[name] = sharing.to_fifths(outputs[name])
    # The survey.
    adults = np.array([max(0, last - max(first, ADULT) + 1) / (last - first + 1) for first, last in AGE_BANDS])
    solution = frame.solution
    out["surveyed"] = out["people"] * adults / 12.0
    joined = np.minimum(1.0, frame.members * outputs["energy"])[:, :, None] * np.ones(len(frame.aggregation.ages))
    for name, mean in (
        ("trusting", FINE * (solution.trust.T + _by_band(sharing, outputs["trust"]))),
        ("resilient", FINE * (solution.resilience.T + _by_band(sharing, outputs["resilience"]))),
        ("members", _by_band(sharing, joined)),
    ):
        out[name] = out["surveyed"] * mean
    places = {"energy", "legitimacy", "practice", "place_fit", "peers"}
    people = np.array([hood.people for hood in frame.neighbourhoods], float)
    of_kind = people / np.bincount(kind, weights=people)[kind]
    for name in places:
        out[name] = outputs[name][:, kind] * (of_kind if name == "peers" else 1.0)
    for name in RECORDED:
        if name in outputs and name not in out:
            out[name] = outputs[name]
        elif name in UNAVAILABLE:
            out[name] = np.full((months, *_shape(name, frame)), np.nan)
    yearly = {name: np.full((months // 12, *_shape(name, frame)), np.nan) for name in RECORDED_BY_YEAR}
    by_kind = outputs["opened"].sum(axis=3).reshape(-1, 12, *outputs["opened"].shape[1:3]).sum(axis=1)
    yearly["opened_in"] = by_kind[:, :, kind] * of_kind
    yearly["residents"] = (outputs["people"].sum(axis=2).reshape(-1, 12, len(frame.aggregation.places)).mean(axis=1))[
        :, kind
    ] * of_kind
    return Record(seed, {name: out[name] for name in RECORDED}, yearly)


def _by_band(sharing: _Sharing, means: F) -> F:
    """Means by fifth and band from means by place and group, weighted by people."""
    people = sharing.band_baseline.people @ sharing.into
    top = sharing.to_bands(means * people, sharing.band_baseline.people)
    bottom = sharing.to_bands(np.broadcast_to(people, means.shape), sharing.band_baseline.people)
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0.0)


def _shape(name: str, frame: RecordFrame) -> tuple[int, ...]:
    sizes = {
        "service": len(frame.services.domain),
        "quintile": QUINTILES,
        "age": len(AGE_BANDS),
        "domain": frame.domains,
        "child_age": CHILD_AGES,
        "neighbourhood": len(frame.neighbourhoods),
    }
    array = RECORDED.get(name) or RECORDED_BY_YEAR[name]
    return tuple(sizes[axis] for axis in array.axes)


def records(
    scenarios: Sequence[Scenario],
    place: Place,
    people: int | None,
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, list[Record]]:
    """Run the twin of each scenario.

    Parameters
    ----------
    scenarios
        The scenarios.
    place
        The place of all scenarios.
    people
        Number of people. None is the scenario's number.
    progress
        Called with the number of finished scenarios, the number of scenarios, and a message.

    Returns
    -------
    dict of str to list of Record
        A list with one record for each scenario, by the scenario's name.
    """
    out: dict[str, list[Record]] = {}
    for k, scenario in enumerate(scenarios):
        if progress is not None:
            progress(k, len(scenarios), f"{scenario.name}, the stock-flow twin")
        out[scenario.name] = [record_of(Twin(scenario, place, people))]
    if progress is not None:
        progress(len(scenarios), len(scenarios), "done")
    return out
