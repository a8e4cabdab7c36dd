"""The scope table: sectors add up to the published totals, and each service is counted once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sim
from sim.analysis.scope import OUTTURN, REMAINDER, TOTAL, budgets_per_head, outturn, scope
from sim.schema.errors import InputError
from sim.schema.prices import base_year, to_base
from sim.services.catalogue import load_catalogue

DHSC_BILLION = 188.469
"""Total departmental spending of 2023-24: the NHS and the public health grant together."""
CRA_PER_HEAD = 12_625.0
"""Public spending for England a head, 2023-24: Country and regional analysis 2024, table A.3b."""


def test_sectors_add_up_to_the_published_total() -> None:
    """Published pounds a head of all rows but the last sum to the published total; so do those of the model."""
    table = scope()
    parts = table.drop(index=TOTAL)
    assert parts["published"].sum() == pytest.approx(CRA_PER_HEAD, rel=1e-12)
    assert table.loc[TOTAL, "published"] == CRA_PER_HEAD
    assert parts["model"].sum() == pytest.approx(table.loc[TOTAL, "model"], rel=1e-12)
    assert table.loc[REMAINDER, "published"] > 0.0


def test_health_sectors_add_up_to_the_department() -> None:
    """The NHS and the public health grant sum to the department's total: neither is counted twice."""
    billions = scope()["billion"]
    assert billions["nhs"] + billions["public_health"] == pytest.approx(DHSC_BILLION, rel=1e-9)


def test_shares_are_of_the_published_sums() -> None:
    """A share is the model's pounds over the published ones; a sector without a published sum has none."""
    table = scope()
    for name, row in table.iterrows():
        if np.isnan(row["published"]):
            assert np.isnan(row["share"]), name
        else:
            assert row["share"] == pytest.approx(row["model"] / row["published"], rel=1e-12)
    weights = table["published"].drop(index=TOTAL).fillna(0.0)
    unknown = table["model"][table["published"].isna()].sum()
    covered = float((weights * table["share"].drop(index=TOTAL).fillna(0.0)).sum()) + float(unknown)
    assert covered == pytest.approx(table.loc[TOTAL, "share"] * CRA_PER_HEAD, rel=1e-12)


def test_every_service_is_in_one_sector() -> None:
    """The services that the rows hold are those of the catalogue, each once, with all of their budgets."""
    held = [label for text in scope()["holds"] for label in str(text).split("; ")]
    for service in load_catalogue():
        assert held.count(service.label) == 1, service.id
    assert sum(budgets_per_head().values()) == pytest.approx(scope().loc[TOTAL, "model"], rel=1e-12)


def test_budgets_follow_from_the_catalogue() -> None:
    """A budget of public health is its spend per head, and one of general practice is places times price."""
    services = {service.id: service for service in load_catalogue()}
    grant, practice = services["public_health"].exposure, services["gp"]
    assert grant is not None
    assert practice.activity is not None
    assert practice.cost is not None
    assert practice.cost.per_case_month is not None
    budgets = budgets_per_head()
    assert budgets["public_health"] == pytest.approx(grant.spend_per_head.value, rel=1e-9)
    places = practice.activity.caseload_per_thousand.value / 1000.0
    assert budgets["gp"] == pytest.approx(places * practice.cost.per_case_month.value * 12.0, rel=1e-9)


def test_published_sums_are_converted() -> None:
    """A sum of another year comes out in base-year pounds a head of its own area."""
    file = outturn()
    nhs = file.sector[0]
    earlier = nhs.model_copy(update={"year": "2021-22"})
    assert file.per_head(nhs) == pytest.approx(nhs.billion * 1000.0 / 57.69)  # type: ignore[operator]  # it has a sum
    assert file.per_head(earlier) == pytest.approx(to_base(file.per_head(nhs), "2021-22"))  # type: ignore[arg-type]  # likewise
    assert file.base_year == base_year()


def test_every_sum_has_a_source() -> None:
    """Each row names its source, and what it leaves out unless nothing is known of it."""
    for name, row in scope().iterrows():
        assert len(row["source"]) > 10, name
        assert row["left_out"] or name == TOTAL


def test_a_wrong_file_of_spending_is_refused(tmp_path: Path) -> None:
    """A silo in two sectors, an area without people, or a sum without a year is refused by name."""
    text = OUTTURN.read_text(encoding="utf-8")
    for old, new in (
        ('silos = ["children"]', 'silos = ["nhs"]'),
        ('area = "England and Wales"', 'area = "Mercia"'),
        ('billion = 14.5\narea = "England"\nyear = "2023-24"', 'billion = 14.5\narea = "England"'),
    ):
        path = tmp_path / "outturn.toml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        assert path.read_text(encoding="utf-8") != text
        with pytest.raises(InputError):
            outturn(path)


def test_scope_is_in_the_public_interface() -> None:
    """`sim.scope()` is the table, and `upstream list scope` has its rows with pounds and shares."""
    from sim.cli.catalogues import rows

    listed = rows("scope")
    assert [row["name"] for row in listed] == list(sim.scope().index)
    assert next(row for row in listed if row["name"] == "community")["published"] is None
