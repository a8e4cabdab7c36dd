"""Domains and services as data: the figures are consistent with each other, and one file adds a domain or service."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from sim.people import domains as people_domains
from sim.people.domains import Array, ByAgeAndQuintile, Domain, load_domains
from sim.schema.errors import InputError
from sim.schema.quantities import AGE_BAND_NAMES, Figure
from sim.services import catalogue
from sim.services.catalogue import Service, WalkIn, load_catalogue

DOMAINS = load_domains()
SERVICES = load_catalogue()
BY_ID = {domain.id: domain for domain in DOMAINS}

# Register rows A01-A05 [DS1]: millions of people by deprivation fifth, and their ages in per cent
# (0-4, 5-15, 16-24, 25-44, 45-64, 65-74, 75-84, 85+).
MILLIONS = (11.30, 11.63, 11.49, 11.18, 10.96)
AGES = (
    (7.1, 16.0, 11.6, 28.9, 23.1, 7.4, 4.2, 1.7),
    (6.0, 13.4, 11.5, 29.2, 24.1, 8.6, 5.1, 2.1),
    (5.4, 12.4, 10.5, 26.5, 25.8, 10.4, 6.4, 2.6),
    (5.1, 12.4, 9.6, 24.2, 27.1, 11.4, 7.2, 2.9),
    (4.9, 13.2, 9.4, 21.9, 28.0, 11.8, 7.7, 3.1),
)
# Published bands that are wider than the model's: 5-15 -> 5-9 | 10-15, 16-24 -> 16-17 | 18-24 [DS2, England's ages].
SPLIT = ((0, 1.0), (1, 0.464), (1, 0.536), (2, 0.209), (2, 0.791), (3, 1.0), (4, 1.0), (5, 1.0), (6, 1.0), (7, 1.0))
# Households per person by the age of the reference person: assumed shape, scaled to 2.41 people each (A07).
HEADS = np.array([0, 0, 0, 0, 0.10, 0.49, 0.58, 0.65, 0.72, 0.75])


def _england() -> Array:
    table = np.array([[AGES[q][column] * part for q in range(5)] for column, part in SPLIT])
    people: Array = table / table.sum(axis=0) * np.array(MILLIONS) * 1e6
    return people


PEOPLE = _england()
HOUSEHOLDS: Array = PEOPLE * HEADS[:, None]
HOUSEHOLDS *= PEOPLE.sum() / 2.41 / HOUSEHOLDS.sum()


def counted(domain: Domain) -> Array:
    """England's people or households, according to the unit of this domain's level."""
    return HOUSEHOLDS if domain.unit == "household" else PEOPLE


def at_level(domain: Domain) -> tuple[Array, Array, Array]:
    """The shares of people or households that are exactly at level 1, 2 and 3, by band and fifth."""
    england = counted(domain)
    emerging = domain.prevalence.emerging.table(england)
    serious = domain.prevalence.serious.table(england)
    crisis = domain.crisis.per_year(england) / 12.0 * domain.crisis.months()[:, None]
    return emerging - serious, serious - crisis, crisis


def figures(part: object) -> Iterator[Figure]:
    if isinstance(part, Figure):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from figures(getattr(part, name))
    elif isinstance(part, dict):
        for value in part.values():
            yield from figures(value)
    elif isinstance(part, tuple):
        for value in part:
            yield from figures(value)


def tables(part: object) -> Iterator[ByAgeAndQuintile | WalkIn]:
    if isinstance(part, ByAgeAndQuintile | WalkIn):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from tables(getattr(part, name))


def spending(service: Service) -> float:
    """The cost of the service's caseload or crises in England, in pounds a year."""
    served = np.array(service.bands)
    if service.groups is not None:
        return float(service.groups.spend_per_head.value * PEOPLE.sum())
    if service.exposure is not None:
        return float(service.exposure.spend_per_head.value * PEOPLE.sum())
    assert service.cost is not None
    if service.activity is not None:
        assert service.cost.per_case_month is not None
        people = PEOPLE[served].sum() * service.activity.caseload_per_thousand.value / 1000.0
        return float(people * service.cost.per_case_month.value * 12.0)
    assert service.cost.per_episode is not None
    assert service.cost.per_month is not None
    if service.walk_in is not None:
        return float(PEOPLE.sum() * service.walk_in.total.value / 1000.0 * service.cost.per_episode.value)
    domain = BY_ID[service.domain]
    share = np.array([service.crisis_share.get(band, 0.0) for band in AGE_BAND_NAMES])
    episodes = (domain.crisis.per_year(counted(domain)) * counted(domain)).sum(axis=1) * share
    further = (domain.crisis.months() - 1.0) * service.cost.per_month.value
    return float((episodes * (service.cost.per_episode.value + further)).sum())


def per_head(silo: str) -> float:
    return sum(spending(service) for service in SERVICES if service.silo == silo) / float(PEOPLE.sum())


# --- domains ---------------------------------------------------------------------------------------------------------


def test_england_has_the_published_population() -> None:
    """The table that weights the other tests has A06's 56.55 million people, 18.5 % of them 65 or older."""
    assert PEOPLE.sum() == pytest.approx(56.55e6, rel=0.002)
    assert PEOPLE[7:].sum() / PEOPLE.sum() == pytest.approx(0.185, abs=0.002)


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.id)
def test_levels_nest(domain: Domain) -> None:
    """In every band and fifth fewer people are serious than emerging, and enough are serious for the crises."""
    england = counted(domain)
    emerging, serious = domain.prevalence.emerging.table(england), domain.prevalence.serious.table(england)
    starts = domain.crisis.per_year(england) / 12.0
    exists = emerging > 0.0
    assert exists[4:].all(), "adults of every age can be in need"
    assert not ((serious > 0.0) | (starts > 0.0))[~exists].any()
    assert (emerging <= 0.95).all()
    assert (serious[exists] < emerging[exists]).all()
    _, exactly_serious, _ = at_level(domain)
    assert (exactly_serious[exists] > 0.0).all()
    assert (starts[exists] / exactly_serious[exists] <= 0.20).all(), "monthly hazard of a crisis from serious need"


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.id)
def test_crises_add_up_to_the_published_total(domain: Domain) -> None:
    england = counted(domain)
    happen = domain.crisis.per_year(england) * england
    for total in domain.crisis.england_total:
        bands = people_domains.bands_within(total.ages)
        assert happen[bands].sum() / england[bands].sum() * 1000.0 == pytest.approx(total.value.value)


@pytest.mark.parametrize(
    ("id", "ages", "low", "high"),
    [
        ("family_safety", (0, 17), 6.5, 7.5),  # B31: 70 children looked after per 10,000
        ("care", (65, 109), 11.0, 14.0),  # D06 and C13: 12.4 council-funded residents per 1,000
        ("economic_security", (0, 109), 4.3, 5.1),  # B30 4.52, B28 5.0 households in temporary accommodation per 1,000
    ],
)
def test_crises_under_way(id: str, ages: tuple[int, int], low: float, high: float) -> None:
    """Starts times length gives the published number of people in an episode at one moment, per 1,000."""
    domain, bands = BY_ID[id], people_domains.bands_within(ages)
    england = counted(domain)[bands]
    assert low <= (at_level(domain)[2][bands] * england).sum() / england.sum() * 1000.0 <= high


def test_prevalence_matches_surveys() -> None:
    """E07: 42.2 % have a long-term condition; E01: 22.6 % of 16-64 a mental illness; E11: 43.7 % of 65+ are frail."""
    for id, ages, wanted in (
        ("physical_health", (0, 109), 0.422),
        ("mental_health", (16, 64), 0.226),
        ("care", (65, 109), 0.437),
    ):
        bands = people_domains.bands_within(ages)
        share = BY_ID[id].prevalence.emerging.table(PEOPLE)[bands]
        assert (share * PEOPLE[bands]).sum() / PEOPLE[bands].sum() == pytest.approx(wanted, rel=0.03), id


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.id)
def test_need_rises_with_deprivation(domain: Domain) -> None:
    """In no age band is serious need less common in a more deprived fifth than in a less deprived one."""
    assert (np.diff(domain.prevalence.serious.table(counted(domain)), axis=1) <= 1e-12).all()


# --- services --------------------------------------------------------------------------------------------------------


def test_services_belong_to_domains() -> None:
    for service in SERVICES:
        assert service.domain in BY_ID, service.id
        if service.walk_in is not None:
            assert set(service.walk_in.knock_per_year) <= set(BY_ID)


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.id)
def test_every_crisis_has_a_service(domain: Domain) -> None:
    """In each band in which crises can occur, the shares of the services that take them sum to 1."""
    starts = domain.crisis.per_year(counted(domain)).sum(axis=1)
    for band, happen in zip(AGE_BAND_NAMES, starts, strict=True):
        taken = sum(s.crisis_share.get(band, 0.0) for s in SERVICES if s.domain == domain.id and s.takes_crisis)
        assert taken == pytest.approx(1.0 if happen > 0.0 else taken), band


def reach(service: Service) -> float:
    """The part of the people at the levels and ages served whom the service helps at one time."""
    assert service.activity is not None
    domain, served = BY_ID[service.domain], np.array(service.bands)
    in_need = sum(at_level(domain)[level - 1] for level in service.serves) * counted(domain)
    helped = service.activity.caseload_per_thousand.value / 1000.0 * PEOPLE[served].sum()
    return float(helped / in_need[served].sum())


@pytest.mark.parametrize("service", [s for s in SERVICES if s.activity], ids=lambda service: service.id)
def test_caseload_leaves_some_unhelped(service: Service) -> None:
    """No service reaches more than two thirds of the people that it serves: more of it could reach the others.

    General practice reaches most: 67.8 % of people with a long-term condition have enough support (coverage.toml).
    """
    assert 0.0 < reach(service) < 0.67


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.id)
def test_services_together_leave_some_unhelped(domain: Domain) -> None:
    for level in (1, 2):
        for i, band in enumerate(AGE_BAND_NAMES):
            together = sum(
                reach(s) for s in SERVICES if s.domain == domain.id and s.activity and level in s.serves and s.bands[i]
            )
            assert together < 0.75, (level, band)


def test_attendances_follow_deprivation() -> None:
    """B03: 1.94 times as many attendances in the most deprived tenth; B05: 27 % from the most deprived fifth."""
    ae = next(service for service in SERVICES if service.id == "ae")
    assert ae.walk_in is not None
    shape = np.array([ae.walk_in.per_thousand_by_age[band] for band in AGE_BAND_NAMES])
    walk = (shape[:, None] * np.array(ae.walk_in.by_quintile) * PEOPLE).sum(axis=0)
    domain = BY_ID[ae.domain]
    with_crisis = (domain.crisis.per_year(PEOPLE) * PEOPLE).sum(axis=0) * ae.walk_in.arrives_with_crisis_share.value
    walk *= (ae.walk_in.total.value / 1000.0 * PEOPLE.sum() - with_crisis.sum()) / walk.sum()
    everyone = walk + with_crisis
    assert everyone[0] / everyone.sum() == pytest.approx(0.27, abs=0.015)
    rate = everyone / PEOPLE.sum(axis=0)
    assert (rate[0] / rate[4]) ** (9 / 8) == pytest.approx(1.94, abs=0.15)  # tenths lie 9 steps apart, fifths 8


@pytest.mark.parametrize(
    ("silo", "published", "least", "most"),
    [
        ("nhs", 1470.0 + 264.0, 0.35, 1.0),  # D22 acute and primary: planned hospital care is not modelled
        ("adult_care", 469.0, 0.65, 1.05),  # D22: equipment, assessment and commissioning are not modelled
        ("children", 251.0, 0.7, 1.05),  # children's social care of councils 2023-24 (sim/analysis/outturn.toml)
        ("housing_welfare", 40.0 / 0.75, 0.9, 1.7),  # D22, D15: temporary accommodation is 75 % of homelessness spend
    ],
)
def test_money_is_of_the_published_size(silo: str, published: float, least: float, most: float) -> None:
    """Caseloads and crises times unit costs are near the published spending per head.

    The comments state which spending is not modelled.
    """
    assert least <= per_head(silo) / published <= most


@pytest.mark.parametrize("service", [s for s in SERVICES if s.effect], ids=lambda service: service.id)
def test_effects_of_help_are_plausible(service: Service) -> None:
    """Protection and recovery are within the range of trials and natural experiments (register section F)."""
    assert service.effect is not None
    assert service.effect.protection.value <= 0.35
    assert service.effect.recovery.value <= 2.0


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [*DOMAINS, *SERVICES], ids=lambda part: part.id)
def test_every_figure_has_a_source(part: Domain | Service) -> None:
    """A source is a row of the register, a reading outside it, or 'assumed', in agreement with the status."""
    for figure in [*figures(part), *tables(part)]:
        assert re.match(r"[A-E]\d\d\b|F\d\d\b|read: \S|assumed[:;] \S", figure.source), figure.source
        if figure.source.startswith("assumed"):
            assert figure.status == "assumed", figure.source
        if figure.status == "measured":
            assert "recalled" not in figure.source, figure.source
            assert "assumed" not in figure.source, figure.source


def test_one_file_adds_a_service(tmp_path: Path) -> None:
    for file in catalogue.FOLDER.glob("*.toml"):
        shutil.copy(file, tmp_path)
    text = (catalogue.FOLDER / "welfare_advice.toml").read_text(encoding="utf-8")
    text = text.replace('id = "welfare_advice"', 'id = "debt_bus"').replace("order = 11", "order = 99")
    (tmp_path / "debt_bus.toml").write_text(text, encoding="utf-8")
    assert [service.id for service in load_catalogue(tmp_path)] == [*(s.id for s in SERVICES), "debt_bus"]


def test_one_file_is_enough_for_a_domain(tmp_path: Path) -> None:
    text = (people_domains.FOLDER / "care.toml").read_text(encoding="utf-8").split("[interactions]")[0]
    (tmp_path / "only.toml").write_text(text, encoding="utf-8")
    assert [domain.id for domain in load_domains(tmp_path)] == ["care"]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("gp", "ages = [0, 109]", "ages = [3, 109]", "ages on the edges"),
        ("gp", "serves = [1, 2]", "serves = []", "serves"),
        ("gp", "[effect]", "[effort]", "effort"),
        ("gp", "per_case_month", "per_month", "per_case_month"),
        ("care_home", '"85+" = 1', '"85+" = 0.5', "sum to 1"),
        ("care_home", '"85+" = 1', '"90+" = 1', "age band"),
        ("care_home", "order = 10", "order = 9", "order"),
        ("community_groups", 'tier = "community"', 'tier = "preventive"', "community"),
    ],
)
def test_a_wrong_service_file_is_refused(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    """The message names the file and the value that was expected."""
    for path in catalogue.FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    target = tmp_path / f"{file}.toml"
    text = target.read_text(encoding="utf-8")
    assert old in text, "the line that this test changes is missing"
    target.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(message)) as refusal:
        load_catalogue(tmp_path)
    assert ".toml" in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mental_health =", "mental_helth =", "mental_helth"),
        ('unit = "person"', 'unit = "household"', "england_total_per"),
        ('"85+" = 0.78', '"85+" = -0.78', "0"),
        ('"16-17" = 0.018', '"16-18" = 0.018', "age band"),
        ("ages = [65, 109]", "ages = [18, 109]", "apart"),
    ],
)
def test_a_wrong_domain_file_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    for path in people_domains.FOLDER.glob("*.toml"):
        shutil.copy(path, tmp_path)
    target = tmp_path / "care.toml"
    text = target.read_text(encoding="utf-8")
    assert old in text, "the line that this test changes is missing"
    target.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(message)) as refusal:
        load_domains(tmp_path)
    assert "care.toml" in str(refusal.value)
