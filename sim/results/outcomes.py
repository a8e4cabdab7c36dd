"""Outcomes: life tables, quality of life, inequality, and the cost of a gain.

Pure functions of sums and of differences between seeds; sim/results/metrics.py states which sums are used. Fifths are
always in the order of the state: most deprived first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from sim.people.domains import ByAgeAndQuintile, Domain, load_domains
from sim.results.spread import Replicates, spread
from sim.schema.quantities import AGE_BANDS, Figure

F = npt.NDArray[np.float64]

WIDTHS = np.array([last - first + 1 for first, last in AGE_BANDS], dtype=np.float64)
"""Years of age in each band; the last one is open."""
RISE = 0.1
"""Rise of mortality with age within a band, per year, from 25 on (as that of the death rates: sim/hazards.py)."""
INFANT = 0.1
"""Part of the first band that people who die in it have lived: most die in their first year (assumed)."""
COVER = 0.95


def lived_in_band() -> F:
    """Part of an age band that a person who dies in it has lived, by band.

    A half, less for infants, more where mortality rises with age.

    Returns
    -------
    ndarray of float64, shape (bands,)
    """
    out = np.full(len(AGE_BANDS), 0.5)
    for b, (first, _) in enumerate(AGE_BANDS):
        if first >= 25:
            x = RISE * WIDTHS[b]
            out[b] = 1.0 / (1.0 - np.exp(-x)) - 1.0 / x
    out[0] = INFANT
    return out


def life_expectancy(deaths: F, person_years: F, widths: F = WIDTHS, lived: F | None = None) -> F:
    """Compute life expectancy at birth from an abridged period life table by Chiang's method.

    Parameters
    ----------
    deaths : ndarray of float64, shape (…, bands)
        Deaths.
    person_years : ndarray of float64, shape (…, bands)
        Person-years lived.
    widths : ndarray of float64, shape (bands,)
        Years of age in each band; the last band is open.
    lived : ndarray of float64, shape (bands,), optional
        Part of its band that a person who dies has lived; by default `lived_in_band`.

    Returns
    -------
    ndarray of float64, shape (…)
        Years. NaN where nobody died.

    Notes
    -----
    Where nobody died in the last bands, they are joined with the band before. In places with fewer than some 5,000
    person-years in a year the result varies widely by chance, and is slightly biased: use differences over many seeds.
    """
    a = lived_in_band() if lived is None else lived
    deaths, person_years = np.asarray(deaths, dtype=np.float64), np.asarray(person_years, dtype=np.float64)
    rate = np.divide(deaths, person_years, out=np.zeros_like(deaths), where=person_years > 0.0)
    dying = np.minimum(1.0, widths * rate / (1.0 + widths * (1.0 - a) * rate))
    alive = np.cumprod(1.0 - dying, axis=-1)
    alive = np.concatenate([np.ones_like(alive[..., :1]), alive[..., :-1]], axis=-1)
    within = widths * alive * (1.0 - dying * (1.0 - a))
    bands = deaths.shape[-1]
    opens = bands - 1 - np.argmax(deaths[..., ::-1] > 0.0, axis=-1)
    later = np.arange(bands) >= opens[..., None]
    left = (deaths * later).sum(axis=-1)
    after = np.take_along_axis(alive, opens[..., None], axis=-1)[..., 0] * np.divide(
        (person_years * later).sum(axis=-1), left, out=np.full(left.shape, np.nan), where=left > 0.0
    )
    total: F = np.where(later, 0.0, within).sum(axis=-1) + after
    return total


# --- inequality ------------------------------------------------------------------------------------------------------


def _from_least(values: F) -> F:
    return np.asarray(values, dtype=np.float64)[..., ::-1]


def ridits(weights: F) -> F:
    """Compute the position of each group's middle when the groups are lined up in order.

    Parameters
    ----------
    weights : ndarray of float64, shape (…, groups)
        Size of each group.

    Returns
    -------
    ndarray of float64, shape (…, groups)
        From 0 to 1.

    Examples
    --------
    >>> ridits(np.array([1.0, 1.0, 2.0])).tolist()
    [0.125, 0.375, 0.75]
    """
    total = weights.sum(axis=-1, keepdims=True)
    share = np.divide(weights, total, out=np.zeros_like(weights, dtype=np.float64), where=total > 0.0)
    out: F = np.cumsum(share, axis=-1) - share / 2.0
    return out


def slope_index(events: F, people: F) -> F:
    """Compute the slope index of inequality: the rate at the most deprived end less that at the least deprived end.

    Parameters
    ----------
    events : ndarray of float64, shape (…, fifths)
        Events, most deprived fifth first.
    people : ndarray of float64, shape (…, fifths)
        People.

    Returns
    -------
    ndarray of float64, shape (…)
        Events per person. NaN where all people live in one fifth.

    Notes
    -----
    The slope of a regression of the five rates on ridits, weighted by people: it uses all five rates, and their sizes.
    """
    events, people = _from_least(events), _from_least(people)
    rate = np.divide(events, people, out=np.zeros_like(events), where=people > 0.0)
    x = ridits(people)
    total = people.sum(axis=-1, keepdims=True)
    mean_x, mean_y = ((people * v).sum(axis=-1, keepdims=True) / total for v in (x, rate))
    spread = (people * (x - mean_x) ** 2).sum(axis=-1)
    together = (people * (x - mean_x) * (rate - mean_y)).sum(axis=-1)
    out: F = np.divide(together, spread, out=np.full(np.shape(spread), np.nan), where=spread > 0.0)
    return out


def gap(events: F, people: F) -> F:
    """Compute the rate of the most deprived fifth less that of the least deprived, among the fifths with people.

    Parameters
    ----------
    events : ndarray of float64, shape (…, fifths)
        Events, most deprived fifth first.
    people : ndarray of float64, shape (…, fifths)
        People.

    Returns
    -------
    ndarray of float64, shape (…)
        Events per person.
    """
    rate = np.divide(events, people, out=np.full(np.shape(events), np.nan), where=people > 0.0)
    lived_in = people > 0.0
    most, least = np.argmax(lived_in, axis=-1), lived_in.shape[-1] - 1 - np.argmax(lived_in[..., ::-1], axis=-1)
    out: F = np.subtract(*(np.take_along_axis(rate, k[..., None], axis=-1)[..., 0] for k in (most, least)))
    return out


def inverse_care(helped: F, in_need: F) -> F:
    """Compute 1 + the concentration index of help over need: how the distribution of help differs from that of need.

    Parameters
    ----------
    helped : ndarray of float64, shape (…, fifths)
        People helped, most deprived fifth first.
    in_need : ndarray of float64, shape (…, fifths)
        People in need.

    Returns
    -------
    ndarray of float64, shape (…)
        From 0 to 2. 1: help is distributed as need is; below 1: it is concentrated where fewer need it, the inverse
        care law; above 1: it favours the most deprived. NaN where nobody is helped.

    Notes ----- The people in need are lined up by fifth, least deprived first. The index is twice the mean position, in
    that line, of the people helped.
    """
    helped, in_need = _from_least(helped), _from_least(in_need)
    total = helped.sum(axis=-1)
    out: F = np.divide(
        2.0 * (helped * ridits(in_need)).sum(axis=-1), total, out=np.full(np.shape(total), np.nan), where=total > 0.0
    )
    return out


# --- quality of life -------------------------------------------------------------------------------------------------

_ARA = "Ara and Brazier 2010 (HEDS 10/11): mean EQ-5D in the Health Survey for England = 0.9508566 + 0.0212126 if male"
_ARA += " - 0.0002587 age - 0.0000332 age^2; read as restated in abstract PNS17"
NORM = tuple(
    Figure(value=value, unit=unit, low=low, high=high, source=_ARA, status="measured")
    for value, unit, low, high in (
        (0.9614629, "QALY weight at age 0, both sexes", 0.94, 0.98),
        (-0.0002587, "per year of age", -0.0011, 0.0),
        (-0.0000332, "per squared year of age", -0.00004, -0.00002),
    )
)
"""Mean utility of the population by age: adults' answers, carried on to children."""
SATISFACTION = Figure(
    value=7.45,
    unit="points, 0-10",
    low=7.3,
    high=7.6,
    source="ONS, Personal well-being in the UK: April 2022 to March 2023 (read): 7.45; 7.54 the year before",
    status="measured",
)
"""Mean life satisfaction of adults."""
ADULTS = np.array([first >= 16 for first, _ in AGE_BANDS])
CHILDREN = np.array([last < 18 for _, last in AGE_BANDS])
PARENTS = np.array([first >= 25 and last < 65 for first, last in AGE_BANDS])
"""Bands whose reference persons children are taken to live with."""


class LifeQuality(NamedTuple):
    """Quality of life and life satisfaction without need, and their losses through need.

    Attributes
    ----------
    utility : ndarray of float64, shape (bands,)
        QALY weight of a person without need.
    satisfaction : ndarray of float64, shape (bands,)
        Life satisfaction of an adult without need, points of 10.
    utility_loss, satisfaction_loss : ndarray of float64, shape (domains, levels)
        Losses through need.
    """

    utility: F
    satisfaction: F
    utility_loss: F
    satisfaction_loss: F


def _share(table: ByAgeAndQuintile) -> F:
    """England's share by band: the average over fifths where there is a row for each."""
    rows = table.by_age if table.by_age is not None else table.by_age_and_quintile
    assert rows is not None  # a table has one form or the other
    shares: F = np.array([np.mean(row) for row in rows.values()])
    return shares


def _mean_loss_of(domain: Domain, loss: F) -> F:
    """Mean loss through need in a domain in England, by band; crises, which are few, count as serious need."""
    emerging, serious = _share(domain.prevalence.emerging), _share(domain.prevalence.serious)
    mean_loss: F = (emerging - serious) * loss[1] + serious * loss[2]
    if domain.unit == "household":
        mean_loss[CHILDREN] = mean_loss[PARENTS].mean()
    return mean_loss


@lru_cache
def quality() -> LifeQuality:
    """The weights. Norms are of people as they are, ill and well; so the well stand above them by the usual loss."""
    domains = load_domains()
    age = np.array([(first + min(last, 90)) / 2.0 for first, last in AGE_BANDS])
    at_birth, linear, squared = (figure.value for figure in NORM)
    utility = at_birth + linear * age + squared * age**2
    satisfaction = np.full(len(AGE_BANDS), SATISFACTION.value)
    losses = np.array([domain.wellbeing.utility_loss.values() for domain in domains])
    points = np.array([domain.wellbeing.life_satisfaction_loss.values() for domain in domains])
    for domain, loss, fewer in zip(domains, losses, points, strict=True):
        utility += _mean_loss_of(domain, loss)
        satisfaction += _mean_loss_of(domain, fewer)
    return LifeQuality(np.minimum(1.0, utility), np.minimum(10.0, satisfaction), losses, points)


def by_person(census: F, people: F) -> F:
    """Convert the census to the number of people who live with each level of need.

    A household domain's census counts reference persons. Everybody is assigned the shares of the reference persons of
    the same age band and fifth (children those of 25 to 64; bands without any, those of the fifth): exact for the
    reference persons, approximate for the people who live with them.

    Parameters
    ----------
    census : ndarray, shape (…, domains, levels, fifths, bands)
        People, or reference persons, at each level.
    people : ndarray, shape (…, fifths, bands)
        All people.

    Returns
    -------
    ndarray of float64, shape (…, domains, levels, fifths, bands)
    """
    out = np.array(census, dtype=np.float64)
    for d, domain in enumerate(load_domains()):
        if domain.unit == "household":
            heads = out[..., d, :, :, :].copy()
            heads[..., CHILDREN] = heads[..., PARENTS].sum(axis=-1, keepdims=True)
            all_heads = heads.sum(axis=-3, keepdims=True)
            everyone = out[..., d, :, :, :].sum(axis=-1, keepdims=True)
            mean_share = everyone / np.maximum(1.0, everyone.sum(axis=-3, keepdims=True))
            share = np.divide(
                heads, all_heads, out=np.broadcast_to(mean_share, heads.shape).copy(), where=all_heads > 0.0
            )
            out[..., d, :, :, :] = share * np.asarray(people)[..., None, :, :]
    return out


# --- cost of a gain --------------------------------------------------------------------------------------------------


class NetEffect(NamedTuple):
    """Costs and gains of a policy beyond the baseline, discounted and summed up to each year.

    Attributes
    ----------
    pounds, qalys : ndarray of float64, shape (seeds, years)
        Spending in pounds, and QALYs.
    replicates : tuple of Replicates or None
        The same of runs that repeat the draws of some seeds; None if all seeds have the same parameters.
    """

    pounds: F
    qalys: F
    replicates: tuple[Replicates, Replicates] | None = None


class CostVerdict(NamedTuple):
    """Value of a measure that is a comparison.

    Attributes
    ----------
    mean : float
        The value.
    q025, q975 : float
        Middle 95% of the seeds.
    ci_low, ci_high : float
        95% interval.
    note : str
        Explanation in words, or "".
    luck_sd, parameter_sd : float
        Standard deviations between seeds by chance events and by parameters; NaN where a standard deviation says
        nothing.
    """

    mean: float
    q025: float
    q975: float
    ci_low: float
    ci_high: float
    note: str
    luck_sd: float = np.nan
    parameter_sd: float = np.nan


def discounted(yearly: F, rate: float) -> F:
    """Discount yearly amounts, and sum them up to each year.

    Parameters
    ----------
    yearly : ndarray of float64, shape (…, years)
        Yearly amounts; the first year counts in full.
    rate : float
        Discount rate per year.

    Returns
    -------
    ndarray of float64, shape (…, years)

    Examples
    --------
    >>> discounted(np.array([1.0, 1.035]), 0.035).tolist()
    [1.0, 2.0]
    """
    years = np.arange(np.shape(yearly)[-1])
    out: F = np.cumsum(yearly / (1.0 + rate) ** years, axis=-1)
    return out


def _interval(values: F) -> tuple[F, F]:
    """95% interval of the mean over the first axis; NaN with one seed."""
    seeds = values.shape[0]
    mean = values.mean(axis=0)
    if seeds < 2:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = special.stdtrit(seeds - 1, (1 + COVER) / 2) * values.std(axis=0, ddof=1) / np.sqrt(seeds)
    return mean - half, mean + half


def _lasting(paid_back: npt.NDArray[np.bool_]) -> float:
    """The first year, counted from 1, from which all values are true; NaN if the last is not."""
    owing = np.flatnonzero(~paid_back)
    since = int(owing[-1]) + 1 if owing.size else 0
    return since + 1.0 if since < paid_back.size else np.nan


def break_even(beyond: NetEffect) -> list[CostVerdict]:
    """Find the first year from whose end a policy costs no more than the baseline, up to each horizon.

    Parameters
    ----------
    beyond : NetEffect
        Costs and gains beyond the baseline.

    Returns
    -------
    list of CostVerdict
        For each horizon: one year, two years, and so on. NaN: not within the horizon.

    Notes ----- Years before the policy makes any difference do not count. The year is that of the mean over seeds. The
    interval runs from the first year in which the lower end of the 95% interval of the mean is 0 or less, to the first
    year in which the upper end is.
    """
    extra = beyond.pounds
    below, above = _interval(extra)
    mean = extra.mean(axis=0)
    differs = np.logical_or.accumulate((extra != 0.0).any(axis=0))
    out = []
    for horizon in range(1, extra.shape[1] + 1):
        if not differs[horizon - 1]:
            out.append(CostVerdict(np.nan, np.nan, np.nan, np.nan, np.nan, "no difference in spending yet"))
            continue
        at = _lasting(((mean <= 0.0) & differs)[:horizon])
        soonest, surely = (_lasting(((edge <= 0.0) & differs)[:horizon]) for edge in (below, above))
        seeds = np.array([_lasting(((path <= 0.0) & differs)[:horizon]) for path in extra])
        ends = np.quantile(np.where(np.isnan(seeds), np.inf, seeds), [(1 - COVER) / 2, (1 + COVER) / 2], method="lower")
        low, high = (float(end) if np.isfinite(end) else np.nan for end in ends)
        within = f"within {horizon} year{'s' if horizon > 1 else ''}"
        note = ""
        if np.isnan(at):
            note = f"never {within}" + ("" if np.isnan(soonest) else "; the 95% interval does not exclude it")
        elif extra.shape[0] > 1 and np.isnan(surely):
            note = f"perhaps never {within}"
        out.append(CostVerdict(at, low, high, soonest, surely, note))
    return out


def fieller(top: F, bottom: F) -> tuple[float, float]:
    """Compute Fieller's 95% interval of the ratio of two means of paired samples.

    Parameters
    ----------
    top, bottom : ndarray of float64, shape (seeds,)
        Numerator and denominator.

    Returns
    -------
    low, high : float
        NaN, NaN where the interval is not bounded, or with one seed.
    """
    seeds = len(top)
    if seeds < 2:
        return np.nan, np.nan
    t2 = special.stdtrit(seeds - 1, (1 + COVER) / 2) ** 2 / seeds
    spread = np.cov(top, bottom)
    mean_top, mean_bottom = top.mean(), bottom.mean()
    a = mean_bottom**2 - t2 * spread[1, 1]
    b = mean_top * mean_bottom - t2 * spread[0, 1]
    c = mean_top**2 - t2 * spread[0, 0]
    if a <= 0.0:
        return np.nan, np.nan
    root = np.sqrt(max(0.0, b * b - a * c))
    return float((b - root) / a), float((b + root) / a)


def cost_per_qaly(beyond: NetEffect) -> list[CostVerdict]:
    """Compute pounds for each QALY gained, up to each year: the ratio of the means over seeds, with Fieller's interval.

    A policy that costs less and gains health, or costs more and gains none, has no price: NaN, and a note. The middle
    of the seeds is not reported: ratios of single seeds mean little. The spread by chance and by parameters is that of
    the linear approximation of the ratio (the delta method), reported where Fieller's interval is bounded.

    Parameters
    ----------
    beyond : NetEffect
        Costs and gains beyond the baseline.

    Returns
    -------
    list of CostVerdict
        For each year.
    """
    out = []
    for pounds, qalys in zip(beyond.pounds.T, beyond.qalys.T, strict=True):
        cost, gain = float(pounds.mean()), float(qalys.mean())
        price, low, high = np.nan, np.nan, np.nan
        if not np.any(pounds) and not np.any(qalys):
            out.append(CostVerdict(np.nan, np.nan, np.nan, np.nan, np.nan, "no difference from the baseline"))
            continue
        if cost <= 0.0 < gain:
            note = "better and cheaper: dominates the baseline"
        elif gain <= 0.0 <= cost:
            note = "more expensive and no better: dominated by the baseline"
        elif gain == 0.0:
            note = "cheaper and no worse: dominates the baseline"
        else:
            price, (low, high) = cost / gain, fieller(pounds, qalys)
            note = "" if gain > 0.0 else "cheaper and worse: pounds saved for each QALY lost"
        unsure = [
            name
            for name, values in (("cost", pounds), ("gain", qalys))
            if not np.isnan(_interval(values)[0]) and _interval(values)[0] <= 0.0 <= _interval(values)[1]
        ]
        if unsure:
            note = "; ".join(
                part for part in (note, f"the 95% interval of {' and of '.join(unsure)} includes 0") if part
            )
        out.append(CostVerdict(price, np.nan, np.nan, low, high, note))
    prices, ends = (np.array([getattr(verdict, name) for verdict in out]) for name in ("mean", "ci_low"))
    gains = np.where(np.isnan(ends), np.nan, beyond.qalys.mean(axis=0))
    replicates = None
    if beyond.replicates is not None:
        of_pounds, of_qalys = beyond.replicates
        replicates = of_pounds._replace(values=(of_pounds.values - prices * of_qalys.values) / gains)
    deviations = zip(*spread((beyond.pounds - prices * beyond.qalys) / gains, replicates), strict=True)
    return [
        verdict._replace(luck_sd=float(luck), parameter_sd=float(parameters) if np.isfinite(luck) else np.nan)
        for verdict, (luck, parameters) in zip(out, deviations, strict=True)
    ]
