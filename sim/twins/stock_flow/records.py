"""The twin's months as a record, the form in which an agents' run leaves its counts.

So every measure is made by the same code. What a group of ages shows is shared out over its bands, and a kind of
neighbourhood over its neighbourhoods, as at baseline. What is asked person by person only (who is lonely, who cares
for somebody, who asks again) the twin cannot say: it is NaN, and so are measures made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from sim.place.place import Place
from sim.results.records import RECORDED, RECORDED_BY_YEAR, Record
from sim.scenario.scenario import Scenario
from sim.schema.quantities import AGE_BANDS, QUINTILES
from sim.state.tables import CHILD_AGES, FINE
from sim.twins.stock_flow.equations import run
from sim.twins.stock_flow.twin import Twin, told_slices

F = npt.NDArray[np.float64]
ADULT = 16
"""The age from which people are surveyed."""
UNTOLD = ("repeated", "lonely", "carers", "carer_hours", "need_alone", "need_several", "eased_alone", "eased_several")


class _Sharing:
    """From kinds of place and age groups to fifths and bands."""

    def __init__(self, twin: Twin) -> None:
        self.twin, self.inner = twin, twin.balanced.inner
        grain = twin.grain
        self.into = (grain.group[:, None] == np.arange(len(grain.ages))).astype(float)
        self.group = grain.group
        fifth = twin.world.places.quintile[grain.first()].astype(int)
        if len(set(grain.places)) == 1 and grain.places[0] == "the place":
            # All fifths in one: told by fifth as people are.
            people = np.zeros(QUINTILES)
            for hood in twin.hoods:
                people[hood.quintile - 1] += hood.people
            self.fifths = (people / people.sum())[None, :]
        else:
            self.fifths = (fifth[:, None] == np.arange(QUINTILES)).astype(float)

    def bands(self, told: F, weight: F) -> F:
        """A group's count shared out over its bands by weight. Last axes: place, group; then fifth, band."""
        whole = weight @ self.into
        people = self.inner.people / np.maximum(1e-300, (self.inner.people @ self.into)[:, self.group])
        part = np.where(whole[..., self.group] > 0.0, weight / np.maximum(1e-300, whole[..., self.group]), people)
        out: F = np.einsum("...kb,kq->...qb", told[..., self.group] * part, self.fifths)
        return out

    def fifth(self, told: F) -> F:
        """A count by place, the last axis, by fifth."""
        out: F = told @ self.fifths
        return out


def record_of(twin: Twin, seed: int = 0) -> Record:
    """Run a twin, and put down its months."""
    rows, _ = run(twin.equations)
    told = {
        name: rows[:, where].reshape(len(rows), *shape) for name, (where, shape) in told_slices(twin.equations).items()
    }
    sharing, inner, c = _Sharing(twin), twin.balanced.inner, twin.balanced.flows.c
    table = twin.world.services
    months, kind = len(rows), twin.grain.kind
    weight = np.stack([inner.crises[d] * table.crisis_share[s] for s, d in enumerate(table.domain)])
    for s in np.flatnonzero(table.instead >= 0):
        weight[s] = weight[table.instead[s]] * table.bands[s]
    for j, s in enumerate(c.door):
        weight[s] = inner.visits[j]
    out: dict[str, F] = {
        "opened": sharing.bands(told["opened"], weight),
        "census": sharing.bands(told["census"], inner.need),
        "unmet": sharing.bands(told["unmet"], inner.need[:, 2]),
        "people": sharing.bands(told["people"], inner.people),
        "died": sharing.bands(told["died"], inner.deaths),
        "delayed": sharing.bands(told["delayed"], inner.crises[max(0, int(np.argmax(c.waits_for >= 0)))]),
        "born": sharing.fifth(told["born"]),
        "moved_in": sharing.fifth(told["moved_in"].sum(axis=2)),
        "moved_out": sharing.fifth(told["moved_out"].sum(axis=2)),
    }
    for name in ("helped", "waiting", "asked", "turned_away", "gave_up", "started"):
        out[name] = sharing.fifth(told[name])
    # The survey.
    adults = np.array([max(0, last - max(first, ADULT) + 1) / (last - first + 1) for first, last in AGE_BANDS])
    solution = twin.calibrated.solution
    p = twin.calibrated.params["support"].compiled()
    out["surveyed"] = out["people"] * adults / 12.0
    joined = np.minimum(1.0, p.members * told["energy"])[:, :, None] * np.ones(len(twin.grain.ages))
    for name, mean in (
        ("trusting", FINE * (solution.trust.T + _by_band(sharing, told["trust"]))),
        ("resilient", FINE * (solution.resilience.T + _by_band(sharing, told["resilience"]))),
        ("members", _by_band(sharing, joined)),
    ):
        out[name] = out["surveyed"] * mean
    places = {"energy", "legitimacy", "practice", "place_fit", "peers"}
    people = np.array([hood.people for hood in twin.hoods], float)
    of_kind = people / np.bincount(kind, weights=people)[kind]
    for name in places:
        out[name] = told[name][:, kind] * (of_kind if name == "peers" else 1.0)
    for name in RECORDED:
        if name in told and name not in out:
            out[name] = told[name]
        elif name in UNTOLD:
            out[name] = np.full((months, *_shape(name, twin)), np.nan)
    yearly = {name: np.full((months // 12, *_shape(name, twin)), np.nan) for name in RECORDED_BY_YEAR}
    by_kind = told["opened"].sum(axis=3).reshape(-1, 12, *told["opened"].shape[1:3]).sum(axis=1)
    yearly["opened_in"] = by_kind[:, :, kind] * of_kind
    yearly["residents"] = (told["people"].sum(axis=2).reshape(-1, 12, len(twin.grain.places)).mean(axis=1))[
        :, kind
    ] * of_kind
    return Record(seed, {name: out[name] for name in RECORDED}, yearly)


def _by_band(sharing: _Sharing, told: F) -> F:
    """A mean by place and group as one by fifth and band, weighted by people."""
    people = sharing.inner.people @ sharing.into
    top = sharing.bands(told * people, sharing.inner.people)
    bottom = sharing.bands(np.broadcast_to(people, told.shape), sharing.inner.people)
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0.0)


def _shape(name: str, twin: Twin) -> tuple[int, ...]:
    sizes = {
        "service": len(twin.world.services.domain),
        "quintile": QUINTILES,
        "age": len(AGE_BANDS),
        "domain": len(twin.calibrated.domains),
        "child_age": CHILD_AGES,
        "neighbourhood": len(twin.hoods),
    }
    what = RECORDED.get(name) or RECORDED_BY_YEAR[name]
    return tuple(sizes[axis] for axis in what.axes)


def records(
    scenarios: Sequence[Scenario],
    place: Place,
    people: int | None,
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, list[Record]]:
    """Each scenario's one record."""
    out: dict[str, list[Record]] = {}
    for k, scenario in enumerate(scenarios):
        if progress is not None:
            progress(k, len(scenarios), f"{scenario.name}, the stock-flow twin")
        out[scenario.name] = [record_of(Twin(scenario, place, people))]
    if progress is not None:
        progress(len(scenarios), len(scenarios), "done")
    return out
