"""The steady baseline beside England's published figures: what calibration promised, for the people of a place.

Each row has the published figure for England, what England's tables by age and deprivation imply for the people who
live in this place, and what the simulation shows, over all years and seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.calibration.calibrate import solution_for
from sim.calibration.calibrated_model import Calibrated
from sim.hazards import Targets
from sim.people.domains import bands_within
from sim.results.comparison import Comparison, summarise
from sim.results.metrics import metrics
from sim.results.records import Record
from sim.schema.quantities import AGE_BAND_NAMES, QUINTILES
from sim.schema.toml_files import plain
from sim.validation.stability import (
    DRAWS_STEADY,
    DRIFT,
    Stability,
    StabilityVerdict,
    assess_stability,
    drifts,
    stability,
    yearly_fit,
)

F = npt.NDArray[np.float64]
CLOSE = 0.05
"""How far off a figure may be before it is marked, if that is more than its 95 % interval allows."""
EVERYBODY, CHILDREN, ADULTS, WORKING, OLDER = (0, 109), (0, 17), (18, 109), (18, 64), (65, 109)
CLIENTS = {WORKING: 6.5, OLDER: 39.5}
"""Long-term care clients at one moment per 1,000 of an age: B24 x B25 / B24, as sim/people/domains/care.toml has it."""
RESIDENTS = {WORKING: 0.8, OLDER: 12.4}
"""Residents of care homes per 1,000 of an age: admissions times stay, in the same file."""


class FitSums(NamedTuple):
    """One seed's whole run: what happened, what the published tables imply, and among how many (all summed)."""

    seen: float
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
    """A published figure, and what was simulated."""

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
        """How far the simulation is from what is implied, as a share of it."""
        return self.simulated / self.implied - 1.0 if self.implied else 0.0

    @property
    def close(self) -> bool:
        """Within 5 %, or within what chance explains."""
        if self.ci_low is not None and self.ci_high is not None and self.ci_low <= self.implied <= self.ci_high:
            return True
        return abs(self.off) <= CLOSE


def rows(result: Comparison) -> list[FitRow]:
    """Every published figure that the baseline is calibrated to, beside the simulation."""
    records = result.records[result.baseline]
    found = []
    for figure in figures(solution_for(result.scenarios[0], result.place)):
        each = [figure.sums(record) for record in records]
        seen = np.array([[figure.scale * one.seen / max(1.0, one.counted)] for one in each])
        implied = figure.scale * float(np.mean([one.implied / max(1.0, one.counted) for one in each]))
        told = summarise(seen).iloc[0]
        sure = [None if np.isnan(end) else float(end) for end in (told["ci_low"], told["ci_high"])]
        found.append(
            FitRow(
                figure.id,
                figure.label,
                figure.unit,
                figure.published,
                figure.source,
                implied,
                float(told["mean"]),
                *sure,
            )
        )
    return found


def figures(calibrated: Calibrated) -> Iterator[FitTarget]:
    """What is published: doors that anyone may walk through, every domain's crises, and people helped at one moment."""
    aims, services = calibrated.aims, calibrated.services
    ids = [domain.id for domain in calibrated.domains]
    names = [service.measure or service.id for service in services]
    labels = {measure.name: measure.label for measure in metrics()}
    doors = [(s, service.walk_in) for s, service in enumerate(services) if service.walk_in is not None]
    for k, (s, door) in enumerate(doors):
        table = aims.walk_in[k] + door.arrives_with_crisis_share.value * aims.crises[ids.index(services[s].domain)]
        sums = partial(_events, services=[s], table=table, domain=None, ages=EVERYBODY)
        total, unit = door.total, "per 1,000 people per year"
        yield FitTarget(names[s], labels[names[s]], unit, 12_000.0, total.value, total.source, sums)
    for d, domain in enumerate(calibrated.domains):
        for part in domain.crisis.england_total:
            bands = bands_within(part.ages)
            own = [
                s for s, x in enumerate(services) if x.domain == domain.id and x.takes_crisis and any(x.bands[bands])
            ]
            name = "_".join(["_and_".join(names[s] for s in own), *(str(age) for age in part.ages)])
            label = " and ".join(labels[names[s]] for s in own) + _aged(part.ages)
            base = 10_000 if part.ages == CHILDREN else 1_000  # as children's figures are published
            unit = f"per {base:,} {'households' if domain.unit == 'household' else 'people'} per year"
            sums = partial(_events, services=own, table=aims.crises[d], domain=d, ages=part.ages)
            published, source = part.value.value * base / 1_000, part.value.source
            yield FitTarget(name, label, unit, 12.0 * base, published, source, sums)
            if domain.id == "physical_health":
                for q in range(QUINTILES):
                    fifth = f"{label}, fifth {q + 1}" + (" (most deprived)" if q == 0 else "")
                    sums_here = partial(sums, quintile=q)
                    source = domain.crisis.source
                    yield FitTarget(f"{name}_quintile_{q + 1}", fifth, unit, 12.0 * base, None, source, sums_here)
    yield from _stocks(aims, ids, [service.id for service in services])


def _stocks(aims: Targets, domains: list[str], services: list[str]) -> Iterator[FitTarget]:
    """People, or households, helped or cared for at one moment."""
    care, at_home = domains.index("care"), services.index("home_care")
    source = "B24, B25 [ASC24],[CCare]: 6.5 per 1,000 at 18-64 and 39.5 at 65+"
    label, people = "In long-term care, at home or in a home, 18+", "per 1,000 people"
    sums = partial(_clients, care=care, at_home=at_home)
    yield FitTarget("long_term_care", label, people, 1_000.0, None, source, sums)
    for ages, published in RESIDENTS.items():
        source = "D06 [KF360], C13: residents whom councils pay for, as sim/people/domains/care.toml derives them"
        sums = partial(_in_crisis, table=aims.at_least[care, 3], domain=care, ages=ages)
        name = f"care_home_residents_{ages[0]}_{ages[1]}"
        yield FitTarget(name, f"In care homes{_aged(ages)}", people, 1_000.0, published, source, sums)
    homes = domains.index("economic_security")
    source = "B30 [DS2], B28 [MHCLG]: 117,450 to 123,100 households of 23.4 m would be 5.0 to 5.3"
    sums = partial(_in_crisis, table=aims.at_least[homes, 3], domain=homes, ages=EVERYBODY)
    label = "In temporary accommodation"
    yield FitTarget("temporary_accommodation", label, "per 1,000 households", 1_000.0, 4.52, source, sums)
    family = domains.index("family_safety")
    sums = partial(_in_crisis, table=aims.at_least[family, 3], domain=family, ages=CHILDREN)
    label, source = "Children in care, under 18", "B31 [CLA24]: 83,630 on 31 March 2024"
    yield FitTarget("children_in_care", label, "per 10,000 people", 10_000.0, 70.0, source, sums)


def _counted(record: Record, domain: int | None) -> F:
    """People, or a domain's people or households (by their reference person). Shape (month, quintile, band)."""
    every = record.monthly["people"] if domain is None else record.monthly["census"][:, domain].sum(axis=1)
    counted: F = every.astype(float)
    return counted


def _events(
    record: Record,
    *,
    services: list[int],
    table: F,
    domain: int | None,
    ages: tuple[int, int],
    quintile: int | None = None,
) -> FitSums:
    """Episodes of some services beside those that a table (band, quintile) of monthly rates implies."""
    fifths = slice(None) if quintile is None else slice(quintile, quintile + 1)
    cut = (slice(None), fifths, bands_within(ages))
    counted = _counted(record, domain)
    seen = record.monthly["opened"][:, services].sum(axis=1)[cut].sum()
    return FitSums(float(seen), float((counted * table.T)[cut].sum()), float(counted[cut].sum()))


def _in_crisis(record: Record, *, table: F, domain: int, ages: tuple[int, int]) -> FitSums:
    """People or households in crisis at one moment, beside a table (band, quintile) of shares."""
    cut = (slice(None), slice(None), bands_within(ages))
    counted = _counted(record, domain)
    seen = record.monthly["census"][:, domain, 3][cut].sum()
    return FitSums(float(seen), float((counted * table.T)[cut].sum()), float(counted[cut].sum()))


def _clients(record: Record, *, care: int, at_home: int) -> FitSums:
    """Adults in a care home or helped at home. Home care is not recorded by age, so the two ages go together."""
    counted = _counted(record, None)
    adults = (slice(None), slice(None), bands_within(ADULTS))
    seen = record.monthly["census"][:, care, 3][adults].sum() + record.monthly["helped"][:, at_home].sum()
    implied = sum(share / 1_000.0 * counted[:, :, bands_within(ages)].sum() for ages, share in CLIENTS.items())
    return FitSums(float(seen), float(implied), float(counted[adults].sum()))


def _aged(ages: tuple[int, int]) -> str:
    if ages == EVERYBODY:
        return ""
    return f", {ages[0]}+" if ages[1] == 109 else f", under {ages[1] + 1}" if ages[0] == 0 else f", {ages[0]}-{ages[1]}"


def document(result: Comparison, found: list[FitRow]) -> dict[str, Any]:
    """The fit as one JSON document."""
    told = [
        {k: _plain(v) for k, v in row._asdict().items()} | {"off": _plain(row.off), "close": row.close} for row in found
    ]
    return {
        "upstream": result.provenance()["upstream"],
        "place": result.place.name,
        "people": result.people,
        "seeds": list(result.seeds),
        "years": result.scenarios[0].years,
        "close_is": f"within {CLOSE:.0%} of what is implied, or within the 95 % interval of the mean",
        "fit": told,
    }


def _plain(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


def show(result: Comparison, found: list[FitRow], out: Console) -> None:
    """The fit as a table."""
    years, seeds = result.scenarios[0].years, len(result.seeds)
    luck = f"{seeds} seeds" if seeds > 1 else "one seed"
    out.print(Text(f"{plain(result.place.label)}: {result.people:,} people, {years} years of baseline, {luck}"))
    out.print()
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    for head in ("Figure", "England", "Implied here", "Simulated", "Off by"):
        table.add_column(head, justify="left" if head == "Figure" else "right", overflow="fold")
    for row in found:
        source = row.source.split(":")[0]
        label = Text.assemble(row.label, (f"\n{row.unit}; {source}", "dim"))
        sure = "" if row.ci_low is None else f"\n({row.ci_low:,.2f} to {row.ci_high:,.2f})"
        published = "" if row.published is None else f"{row.published:,.2f}"
        table.add_row(
            label,
            published,
            f"{row.implied:,.2f}",
            f"{row.simulated:,.2f}{sure}",
            Text(f"{row.off:+.1%}{'' if row.close else ' !'}", style="" if row.close else "bold"),
        )
    out.print(table)
    out.print()
    out.print(
        Text(
            "Implied here: England's figures by age and deprivation, for the people simulated here. In brackets: "
            f"95 % interval of the mean. ! more than {CLOSE:.0%} off, and more than chance explains."
        )
    )


class FitCell(NamedTuple):
    """One acute service, fifth and age band: episodes seen over those implied, and how sure that is."""

    service: str
    quintile: int
    age: str
    seen: float
    implied: float
    ratio: float
    ci_low: float | None
    ci_high: float | None

    @property
    def close(self) -> bool:
        """Within 5 %, or within what chance explains."""
        by_luck = self.ci_low is None or self.ci_high is None or self.ci_low <= 1.0 <= self.ci_high
        return by_luck or abs(self.ratio - 1.0) <= CLOSE


def cells(result: Comparison) -> list[FitCell]:
    """Every acute service by fifth and age band. Episodes a year are summed over years and seeds."""
    records = result.records[result.baseline]
    found = []
    for name, sums in _by_cell(solution_for(result.scenarios[0], result.place)):
        pairs = [sums(record) for record in records]
        seen, implied = (np.stack([pair[k] for pair in pairs]) for k in range(2))
        for q, b in np.ndindex(seen.shape[1:]):
            if implied[:, q, b].sum() <= 0.0:
                continue
            ratio = seen[:, q, b] / np.maximum(1e-9, implied[:, q, b])
            told = summarise(ratio[:, None]).iloc[0]
            sure = [None if np.isnan(end) else float(end) for end in (told["ci_low"], told["ci_high"])]
            whole = float(seen[:, q, b].sum()), float(implied[:, q, b].sum())
            found.append(FitCell(name, q + 1, AGE_BAND_NAMES[b], *whole, whole[0] / whole[1], *sure))
    return found


def _by_cell(calibrated: Calibrated) -> Iterator[tuple[str, Callable[[Record], tuple[F, F]]]]:
    """Each acute service, and how to count its episodes and those implied. Shapes (quintile, band)."""
    aims, services = calibrated.aims, calibrated.services
    ids = [domain.id for domain in calibrated.domains]
    doors = [s for s, service in enumerate(services) if service.walk_in is not None]
    for s, service in enumerate(services):
        d = ids.index(service.domain)
        if service.walk_in is not None:
            through = service.walk_in.arrives_with_crisis_share.value
            table, domain = aims.walk_in[doors.index(s)] + through * aims.crises[d], None
        elif service.takes_crisis:
            share = np.array([service.crisis_share.get(name, 0.0) for name in AGE_BAND_NAMES])
            table, domain = aims.crises[d] * share[:, None], d
        else:
            continue
        yield service.measure or service.id, partial(_of_cells, service=s, table=table, domain=domain)


def _of_cells(record: Record, *, service: int, table: F, domain: int | None) -> tuple[F, F]:
    seen = record.monthly["opened"][:, service].sum(axis=0).astype(float)
    return seen, _counted(record, domain).sum(axis=0) * table.T


def show_cells(found: list[FitCell], out: Console) -> None:
    """The same as a table for each service: seen over implied, by age (down) and fifth (across)."""
    for name in dict.fromkeys(cell.service for cell in found):
        here = {(cell.age, cell.quintile): cell for cell in found if cell.service == name}
        table = Table(
            title=f"{name}: seen / implied", title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="bold"
        )
        table.add_column("age")
        for q in range(1, QUINTILES + 1):
            table.add_column(f"fifth {q}", justify="right")
        for age in [band for band in AGE_BAND_NAMES if any(key[0] == band for key in here)]:
            told = [here.get((age, q)) for q in range(1, QUINTILES + 1)]
            table.add_row(age, *("" if c is None else f"{c.ratio:.2f}{'' if c.close else ' !'}" for c in told))
        out.print()
        out.print(table)
    off = sum(not cell.close for cell in found)
    out.print()
    out.print(
        Text(
            f"{off} of {len(found)} cells are more than {CLOSE:.0%} off and more than chance explains (marked !); "
            f"by chance alone about {0.05 * len(found):.0f} would lie outside their 95 % interval."
        )
    )


def steady_document(result: Comparison) -> dict[str, Any]:
    """Every calibrated rate year by year, what chance alone would do, and how a push dies away, for programs."""
    rows: list[dict[str, Any]] = [
        {str(name): None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
        for row in yearly_fit(result).to_dict(orient="records")
    ]
    told: dict[str, Any] = {"steadiness": rows}
    found = assess_stability(result)
    told["judged"] = found._asdict() | {"steady": found.steady}
    if len(result.names) > 1:
        told["stability"] = stability(result)._asdict()
    return told


def show_steady(result: Comparison, console: Console) -> None:
    """The same for people, with the verdict in the last line."""
    table = yearly_fit(result)
    years, seeds = int(table["years"].iloc[0]), int(table["seeds"].iloc[0])
    shown_table = Table(title=f"Seen / implied, year by year: {years} years, {seeds} seeds", title_justify="left")
    heads = ("mean", "2 s.e.", "year 1", f"year {years}", "worst year", "allowed", "outside", "trend %/year", "t")
    for heading in ("rate", *heads):
        shown_table.add_column(heading, justify="left" if heading == "rate" else "right")
    rows: list[Any] = list(table.itertuples())
    for row in rows:
        shown_table.add_row(
            str(row.rate),
            f"{row.mean:.3f}",
            f"{2 * row.error:.3f}",
            f"{row.first:.3f}",
            f"{row.last:.3f}",
            f"{row.worst:.3f}",
            f"±{row.allowed:.3f}",
            str(row.outside),
            f"{100 * row.trend:+.3f}",
            f"{row.t:+.1f}",
        )
    console.print(shown_table)
    found = assess_stability(result)
    push = stability(result) if len(result.names) > 1 else None
    for line in _steady_lines(found, push, seeds):
        console.print(Text(line))


def _steady_lines(found: StabilityVerdict, push: Stability | None, seeds: int) -> list[str]:
    if seeds < 2:
        return ["One seed says nothing of chance: run more of them for a verdict."]
    off = f"{CLOSE:.0%}"

    def which(names: tuple[str, ...]) -> str:
        return ", ".join(names) or "none"

    lines = [
        f"{found.outside} of {found.of} rate-years lie outside {off} or two standard errors, whichever is wider. If "
        f"every rate were right, chance alone would put {found.by_chance:.1f} there, and in 95 of 100 runs at most "
        f"{found.by_chance_most:.0f}.",
        f"Rates with a year more than {off} off, clear of chance: {which(found.years_off)}.",
        f"Rates whose mean over the years is more than {off} off, clear of chance: {which(found.means_off)}; "
        f"outside {off} or two standard errors: {which(found.means_outside)}.",
        f"Rates with a trend clear of chance: {which(found.drifting)}.",
        f"'Clear of chance': each of the three would be said of any rate at all, were nothing wrong, once in "
        f"{1 / found.level:.0f} runs at most.",
    ]
    if push is not None:
        lines.append(
            f"Largest eigenvalue of the yearly map after a push: {push.eigenvalue:.2f} "
            f"({push.low:.2f} to {push.high:.2f}); below 1, disturbances die away."
        )
    steady = found.steady and (push is None or push.high < 1.0)
    lines.append(
        f"Steady. (Each rate's mean is known to within {found.doubt:.1%} or better.)"
        if steady
        else "NOT steady: see above."
    )
    return lines


def drift_document(result: Comparison) -> dict[str, Any]:
    """How far each draw of the parameters drifts, for programs."""
    found = drifts(result)
    told = {
        "upstream": result.provenance()["upstream"],
        "place": result.place.name,
        "people": result.people,
        "drift_is": f"acute demand of a year over the first, less 1; steady is nearer than {DRIFT:.0%}",
    }
    return told | {"drifts": found._asdict() | {"share": found.share, "met": found.met}}


def show_drifts(result: Comparison, console: Console) -> None:
    """The same for people, with the verdict in the last line."""
    found = drifts(result)
    sizes = np.sort(np.abs(found.furthest))
    console.print(
        Text(
            f"{plain(result.place.label)}: {result.people:,} people, {found.years} years of baseline, "
            f"{len(sizes)} draws of the parameters, each calibrated for itself."
        )
    )
    far = [f"seed {n}: {x:+.1%}" for n, x in zip(found.seeds, found.furthest, strict=True) if abs(x) >= DRIFT]
    for line in (
        f"Acute demand in the year furthest from the first: half of the draws within {np.median(sizes):.1%}, nine in "
        f"ten within {np.quantile(sizes, 0.9):.1%}, the furthest {sizes[-1]:.1%} off (one town's luck in all of them).",
        f"Draws {DRIFT:.0%} off or more: {', '.join(far) or 'none'}.",
        f"{found.within} of {len(sizes)} draws stay within {DRIFT:.0%}: {found.share:.0%} (95 % interval "
        f"{found.low:.0%} to {found.high:.0%}). If {DRAWS_STEADY:.0%} of all draws did, so few would be seen with a "
        f"chance of {found.p:.2g}.",
        f"{'At least' if found.met else 'NOT'} {DRAWS_STEADY:.0%} of these draws stay.",
    ):
        console.print(Text(line))
