"""Outcomes: life tables, quality of life, and inequality.

Pure functions of sums; sim/results/metrics.py states which sums are used. Fifths are always in the order of the state:
most deprived first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.people.domains import ByAgeAndQuintile, Domain, load_domains
from sim.schema.quantities import AGE_BANDS, Figure

F = npt.NDArray[np.float64]

WIDTHS = np.array([last - first + 1 for first, last in AGE_BANDS], dtype=np.float64)
"""Years of age in each band; the last one is open."""
RISE = 0.1
"""Rise of mortality with age within a band, per year, from 25 on (as that of the death rates: sim/hazards.py)."""
INFANT = 0.1
"""Part of the first band that people who die in it have lived: most die in their first year (assumed)."""


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
