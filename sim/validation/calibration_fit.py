"""Compares the simulated baseline with England's published figures, to which its hazards are calibrated.

For each target: the published figure for England, the figure that England's tables by age and deprivation imply for the
people who live in this place, and the simulated figure, over all years and seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.hazards import Targets
from sim.people.domains import bands_within
from sim.results.comparison import Comparison
from sim.results.metrics import metrics
from sim.results.records import Record
from sim.results.summary import AT_LEAST_ZERO, summarise
from sim.schema.quantities import AGE_BAND_NAMES, QUINTILES
from sim.validation.stability import DRIFT, assess_stability, drifts, stability, yearly_fit

F = npt.NDArray[np.float64]
CLOSE = 0.05
"""Relative deviation beyond which a figure is marked, if the deviation is also beyond the 95 % interval."""
ALL_AGES, CHILDREN, ADULTS, WORKING_AGE, OLDER = (0, 109), (0, 17), (18, 109), (18, 64), (65, 109)
CARE_CLIENTS = {WORKING_AGE: 6.5, OLDER: 39.5}
"""Long-term care clients at one moment per 1,000 of an age: B24 x B25 / B24, as sim/people/domains/care.toml has it."""
CARE_HOME_RESIDENTS = {WORKING_AGE: 0.8, OLDER: 12.4}
"""Residents of care homes per 1,000 of an age: admissions times stay, in the same file."""


class FitSums(NamedTuple):
    """Sums over the whole run of one seed: events, events that the published tables imply, and person-months."""

    observed: float
    implied: float
    counted: float


class FitTarget(NamedTuple):
    """A published figure and how to count it in a run; `scale` turns months into years and people into thousands."""

    id: str
    label: str
    unit: str
    scale: float
    published: float | None
    source: str
    sums: Callable[[Record], FitSums]


class FitRow(NamedTuple):
    """A published figure, the figure implied for this place, and the simulated figure with its 95 % interval."""

    id: str
    label: str
    unit: str
    published: float | None
    source: str
    implied: float
    simulated: float
    ci_low: float | None
    ci_high: float | None

    @property
    def off(self) -> float:
        """The deviation of the simulated figure from the implied figure, as a share of the implied figure."""
        return self.simulated / self.implied - 1.0 if self.implied else 0.0

    @property
    def close(self) -> bool:
        """Whether the implied figure is within 5 % or within the 95 % interval."""
        if self.ci_low is not None and self.ci_high is not None and self.ci_low <= self.implied <= self.ci_high:
            return True
        return abs(self.off) <= CLOSE


class FitCell(NamedTuple):
    """One acute service, deprivation fifth and age band: observed and implied episodes, and their ratio."""

    service: str
    quintile: int
    age: str
    observed: float
    implied: float
    ratio: float
    ci_low: float | None
    ci_high: float | None

    @property
    def close(self) -> bool:
        """Whether the ratio is within 5 % of 1 or its 95 % interval includes 1."""
        within_interval = self.ci_low is None or self.ci_high is None or self.ci_low <= 1.0 <= self.ci_high
        return within_interval or abs(self.ratio - 1.0) <= CLOSE


def fit_rows(result: Comparison) -> list[FitRow]:
    """Every published figure to which the baseline is calibrated, with the simulated figure.

    Parameters
    ----------
    result : Comparison
        A run of the baseline.

    Returns
    -------
    list of FitRow
        One row for each target, in the order of `fit_targets`.
    """
    records = result.records[result.baseline]
    rows = []
    for target in fit_targets(solution_for(result.scenarios[0], result.place)):
        sums_by_seed = [target.sums(record) for record in records]
        simulated = np.array([[target.scale * sums.observed / max(1.0, sums.counted)] for sums in sums_by_seed])
        implied = target.scale * float(np.mean([sums.implied / max(1.0, sums.counted) for sums in sums_by_seed]))
        estimate = summarise(simulated, AT_LEAST_ZERO).iloc[0]
        interval = [None if np.isnan(end) else float(end) for end in (estimate["ci_low"], estimate["ci_high"])]
        rows.append(
            FitRow(
                target.id,
                target.label,
                target.unit,
                target.published,
                target.source,
                implied,
                float(estimate["mean"]),
                *interval,
            )
        )
    return rows


def fit_targets(calibrated: Calibrated) -> Iterator[FitTarget]:
    """The published figures: walk-in services, the crises of every domain, and people helped at one moment."""
    aims, services = calibrated.aims, calibrated.services
    ids = [domain.id for domain in calibrated.domains]
    names = [service.measure or service.id for service in services]
    labels = {measure.name: measure.label for measure in metrics()}
    walk_ins = [(s, service.walk_in) for s, service in enumerate(services) if service.walk_in is not None]
    for k, (s, walk_in) in enumerate(walk_ins):
        table = aims.walk_in[k] + walk_in.arrives_with_crisis_share.value * aims.crises[ids.index(services[s].domain)]
        sums = partial(_episodes, services=[s], table=table, domain=None, ages=ALL_AGES)
        total, unit = walk_in.total, "per 1,000 people per year"
        yield FitTarget(names[s], labels[names[s]], unit, 12_000.0, total.value, total.source, sums)
    for d, domain in enumerate(calibrated.domains):
        for part in domain.crisis.england_total:
            bands = bands_within(part.ages)
            takers = [
                s for s, x in enumerate(services) if x.domain == domain.id and x.takes_crisis and any(x.bands[bands])
            ]
            name = "_".join(["_and_".join(names[s] for s in takers), *(str(age) for age in part.ages)])
            label = " and ".join(labels[names[s]] for s in takers) + _age_suffix(part.ages)
            base = 10_000 if part.ages == CHILDREN else 1_000  # as children's figures are published
            unit = f"per {base:,} {'households' if domain.unit == 'household' else 'people'} per year"
            sums = partial(_episodes, services=takers, table=aims.crises[d], domain=d, ages=part.ages)
            published, source = part.value.value * base / 1_000, part.value.source
            yield FitTarget(name, label, unit, 12.0 * base, published, source, sums)
            if domain.id == "physical_health":
                for q in range(QUINTILES):
                    label_of_fifth = f"{label}, fifth {q + 1}" + (" (most deprived)" if q == 0 else "")
                    sums_of_fifth = partial(sums, quintile=q)
                    source = domain.crisis.source
                    id_of_fifth = f"{name}_quintile_{q + 1}"
                    yield FitTarget(id_of_fifth, label_of_fifth, unit, 12.0 * base, None, source, sums_of_fifth)
    yield from _stocks(aims, ids, [service.id for service in services])


def _stocks(aims: Targets, domains: list[str], services: list[str]) -> Iterator[FitTarget]:
    """People, or households, helped or cared for at one moment."""
    care, at_home = domains.index("care"), services.index("home_care")
    source = "B24, B25 [ASC24],[CCare]: 6.5 per 1,000 at 18-64 and 39.5 at 65+"
    label, people = "In long-term care, at home or in a home, 18+", "per 1,000 people"
    sums = partial(_care_clients, care=care, at_home=at_home)
    yield FitTarget("long_term_care", label, people, 1_000.0, None, source, sums)
    for ages, published in CARE_HOME_RESIDENTS.items():
        source = "D06 [KF360], C13: residents whom councils pay for, as sim/people/domains/care.toml derives them"
        sums = partial(_in_crisis, table=aims.at_least[care, 3], domain=care, ages=ages)
        name = f"care_home_residents_{ages[0]}_{ages[1]}"
        yield FitTarget(name, f"In care homes{_age_suffix(ages)}", people, 1_000.0, published, source, sums)
    economic = domains.index("economic_security")
    source = "B30 [DS2], B28 [MHCLG]: 117,450 to 123,100 households of 23.4 m would be 5.0 to 5.3"
    sums = partial(_in_crisis, table=aims.at_least[economic, 3], domain=economic, ages=ALL_AGES)
    label = "In temporary accommodation"
    yield FitTarget("temporary_accommodation", label, "per 1,000 households", 1_000.0, 4.52, source, sums)
    family = domains.index("family_safety")
    sums = partial(_in_crisis, table=aims.at_least[family, 3], domain=family, ages=CHILDREN)
    label, source = "Children in care, under 18", "B31 [CLA24]: 83,630 on 31 March 2024"
    yield FitTarget("children_in_care", label, "per 10,000 people", 10_000.0, 70.0, source, sums)


def _counted(record: Record, domain: int | None) -> F:
    """People, or a domain's people or households (by their reference person). Shape (month, quintile, band)."""
    heads = record.monthly["people"] if domain is None else record.monthly["census"][:, domain].sum(axis=1)
    counted: F = heads.astype(float)
    return counted


def _episodes(
    record: Record,
    *,
    services: list[int],
    table: F,
    domain: int | None,
    ages: tuple[int, int],
    quintile: int | None = None,
) -> FitSums:
    """Episodes of some services, and the episodes that a table (band, quintile) of monthly rates implies."""
    fifths = slice(None) if quintile is None else slice(quintile, quintile + 1)
    cut = (slice(None), fifths, bands_within(ages))
    counted = _counted(record, domain)
    observed = record.monthly["opened"][:, services].sum(axis=1)[cut].sum()
    return FitSums(float(observed), float((counted * table.T)[cut].sum()), float(counted[cut].sum()))


def _in_crisis(record: Record, *, table: F, domain: int, ages: tuple[int, int]) -> FitSums:
    """People or households in crisis at one moment, and the number that a table (band, quintile) of shares implies."""
    cut = (slice(None), slice(None), bands_within(ages))
    counted = _counted(record, domain)
    observed = record.monthly["census"][:, domain, 3][cut].sum()
    return FitSums(float(observed), float((counted * table.T)[cut].sum()), float(counted[cut].sum()))


def _care_clients(record: Record, *, care: int, at_home: int) -> FitSums:
    """Adults in a care home or helped at home, both age groups together: home care is not recorded by age."""
    counted = _counted(record, None)
    adults = (slice(None), slice(None), bands_within(ADULTS))
    observed = record.monthly["census"][:, care, 3][adults].sum() + record.monthly["helped"][:, at_home].sum()
    implied = sum(share / 1_000.0 * counted[:, :, bands_within(ages)].sum() for ages, share in CARE_CLIENTS.items())
    return FitSums(float(observed), float(implied), float(counted[adults].sum()))


def _age_suffix(ages: tuple[int, int]) -> str:
    if ages == ALL_AGES:
        return ""
    return f", {ages[0]}+" if ages[1] == 109 else f", under {ages[1] + 1}" if ages[0] == 0 else f", {ages[0]}-{ages[1]}"


def fit_cells(result: Comparison) -> list[FitCell]:
    """Every acute service by deprivation fifth and age band. Episodes are summed over years and seeds."""
    records = result.records[result.baseline]
    cells = []
    for name, sums in _cell_counters(solution_for(result.scenarios[0], result.place)):
        pairs = [sums(record) for record in records]
        observed, implied = (np.stack([pair[k] for pair in pairs]) for k in range(2))
        for q, b in np.ndindex(observed.shape[1:]):
            if implied[:, q, b].sum() <= 0.0:
                continue
            ratio = observed[:, q, b] / np.maximum(1e-9, implied[:, q, b])
            estimate = summarise(ratio[:, None], AT_LEAST_ZERO).iloc[0]
            interval = [None if np.isnan(end) else float(end) for end in (estimate["ci_low"], estimate["ci_high"])]
            totals = float(observed[:, q, b].sum()), float(implied[:, q, b].sum())
            cells.append(FitCell(name, q + 1, AGE_BAND_NAMES[b], *totals, totals[0] / totals[1], *interval))
    return cells


def _cell_counters(calibrated: Calibrated) -> Iterator[tuple[str, Callable[[Record], tuple[F, F]]]]:
    """Each acute service, and a function that counts its observed and implied episodes. Shapes (quintile, band)."""
    aims, services = calibrated.aims, calibrated.services
    ids = [domain.id for domain in calibrated.domains]
    walk_ins = [s for s, service in enumerate(services) if service.walk_in is not None]
    for s, service in enumerate(services):
        d = ids.index(service.domain)
        if service.walk_in is not None:
            share_of_crises = service.walk_in.arrives_with_crisis_share.value
            table, domain = aims.walk_in[walk_ins.index(s)] + share_of_crises * aims.crises[d], None
        elif service.takes_crisis:
            share = np.array([service.crisis_share.get(name, 0.0) for name in AGE_BAND_NAMES])
            table, domain = aims.crises[d] * share[:, None], d
        else:
            continue
        yield service.measure or service.id, partial(_cell_sums, service=s, table=table, domain=domain)


def _cell_sums(record: Record, *, service: int, table: F, domain: int | None) -> tuple[F, F]:
    observed = record.monthly["opened"][:, service].sum(axis=0).astype(float)
    return observed, _counted(record, domain).sum(axis=0) * table.T


def fit_document(result: Comparison, rows: list[FitRow]) -> dict[str, Any]:
    """The fit as one JSON document."""
    entries = [
        {k: _rounded(v) for k, v in row._asdict().items()} | {"off": _rounded(row.off), "close": row.close}
        for row in rows
    ]
    return {
        "upstream": result.provenance()["upstream"],
        "place": result.place.name,
        "people": result.people,
        "seeds": list(result.seeds),
        "years": result.scenarios[0].years,
        "close_is": f"within {CLOSE:.0%} of the implied figure, or within the 95% interval of the mean",
        "fit": entries,
    }


def _rounded(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


def stability_document(result: Comparison) -> dict[str, Any]:
    """Every calibrated rate year by year, the verdict on its stability, and the decay of a push, as a JSON document."""
    rows: list[dict[str, Any]] = [
        {str(name): None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
        for row in yearly_fit(result).to_dict(orient="records")
    ]
    document: dict[str, Any] = {"steadiness": rows}
    verdict = assess_stability(result)
    document["judged"] = verdict._asdict() | {"steady": verdict.steady}
    if len(result.names) > 1:
        document["stability"] = stability(result)._asdict()
    return document


def drift_document(result: Comparison) -> dict[str, Any]:
    """The drift of each draw of the parameters, as a JSON document."""
    drift = drifts(result)
    header = {
        "upstream": result.provenance()["upstream"],
        "place": result.place.name,
        "people": result.people,
        "drift_is": f"acute episodes of a year over those of the first year, less 1; steady is nearer than {DRIFT:.0%}",
    }
    return header | {"drifts": drift._asdict() | {"share": drift.share, "met": drift.met}}
