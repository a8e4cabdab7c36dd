"""Direct and propagated expectations: the rule that separates them, and the claims that it leaves."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from sim.engine.schedule import REGISTRY, Phase
from sim.policies import levers
from sim.results.metrics import metrics
from sim.scenario.expectations import Expect, MeasureSpec
from sim.scenario.policy import NeighbourhoodFilter, Policy
from sim.scenario.scenario import Scenario
from sim.schema.errors import InputError
from sim.validation.claims import Case, cases
from sim.validation.propagation import PASSED_ON, SURVEYED, columns_of, effect_kind, reach

BASELINE = Scenario.load("baseline")


def with_moves(*policies: Policy) -> Scenario:
    """The baseline with policies."""
    return BASELINE.model_copy(update={"name": "changed", "policies": list(policies)})


def effect(policy: Policy, **measured: Any) -> str:
    """The effect of an expectation on a measure under one policy."""
    return effect_kind(MeasureSpec(year=5, **measured), with_moves(policy), (BASELINE,)).effect


def policy(lever: str, **options: Any) -> Policy:
    """A policy from the second year on."""
    return Policy(lever=lever, start="2026-04", value=0.5, **options)


@pytest.mark.parametrize(
    ("moved", "measured", "expected"),
    [
        (policy("total_budget"), {"metric": "spend_total"}, "direct"),
        (policy("total_budget"), {"metric": "vacancy_rate"}, "direct"),
        (policy("total_budget"), {"metric": "mental_health_crises"}, "propagated"),
        (policy("threshold"), {"metric": "turned_away"}, "direct"),
        (policy("threshold", service="gp"), {"metric": "turned_away", "service": "gp"}, "direct"),
        (policy("threshold", service="gp"), {"metric": "turned_away", "service": "home_help"}, "propagated"),
        (policy("caseload"), {"metric": "morale"}, "direct"),
        (policy("caseload"), {"metric": "need_2"}, "propagated"),
        (policy("restructuring"), {"metric": "hours_per_person"}, "direct"),
        (policy("coproduction"), {"metric": "help_fit"}, "direct"),
        (policy("community_investment"), {"metric": "lonely"}, "direct"),
        (policy("community_investment"), {"metric": "need_1", "domain": "mental_health"}, "propagated"),
        (policy("crisis_alternatives"), {"metric": "ae_attendances"}, "direct"),
        (policy("housing_quality"), {"metric": "emergency_admissions"}, "propagated"),
        (policy("income_floor"), {"metric": "spend_outside"}, "direct"),
    ],
)
def test_effects_of_levers(moved: Policy, measured: dict[str, Any], expected: str) -> None:
    """Money, staff, refusals and groups are direct under the levers that set them; what people then do is not."""
    assert effect(moved, **measured) == expected


def test_groups_of_people_count_where_a_policy_is_aimed_at_them() -> None:
    """A budget aimed at some neighbourhoods decides who is offered a place there; one for all does not."""
    assert "tally.asked" not in reach("total_budget").formula
    assert "tally.asked" in reach("total_budget", is_for_some=True).formula
    aimed = policy("total_budget", where=NeighbourhoodFilter(quintiles=[1]))
    assert effect(aimed, metric="turned_away") == "direct"
    assert effect(policy("total_budget"), metric="turned_away") == "propagated"


def test_a_lever_in_both_scenarios_makes_no_difference() -> None:
    """An expectation against another scenario is judged by the levers in which the two differ."""
    cut, gate = policy("total_budget"), policy("threshold")
    spend = MeasureSpec(metric="spend_total", year=5)
    assert effect_kind(spend, with_moves(cut, gate), (with_moves(cut),)).effect == "propagated"
    assert effect_kind(spend, with_moves(cut, gate), (with_moves(gate),)).effect == "direct"
    assert effect_kind(spend, with_moves(gate), (with_moves(cut, gate),)).effect == "direct"


def test_a_changed_parameter_determines_what_its_mechanism_writes() -> None:
    """A world with another pace of learning: practice is direct, need is not."""
    world = BASELINE.model_copy(update={"parameters": {"practice.taught": 4.0}})
    assert effect_kind(MeasureSpec(metric="practice_quality", year=5), world, (BASELINE,)).effect == "direct"
    assert effect_kind(MeasureSpec(metric="need_2", year=5), world, (BASELINE,)).effect == "propagated"


def test_declarations_that_the_rule_names_exist() -> None:
    """The survey reads what its counts are counts of, and every lever and measure has columns."""
    month = REGISTRY.month()
    asked = {column for entry in month if entry.phase is Phase.SURVEY for column in entry.reads}
    counted = {column for entry in month if entry.phase is Phase.SURVEY for column in entry.writes}
    assert set(SURVEYED) <= counted
    assert {column for columns in SURVEYED.values() for column in columns} <= asked
    assert [entry.writes for entry in month if entry.name == PASSED_ON] == [("services.plan",)]
    assert [lever.name for lever in levers() if not reach(lever.name).columns] == []
    assert [m.name for m in metrics() if m.against is None and not columns_of(m)] == []


READ_BY_HAND = {
    "groups-commissioned": (3, 3),
    "closed-and-reopened": (2, 5),
    "people-rate-the-work": (3, 5),
    "places-for-all": (1, 1),
    "endless-restructuring": (6, 7),
    "headlines": (2, 3),
    "pandemic-streets-tended": (3, 3),
    "social-work-as-gatekeeper": (3, 4),
}
"""Expectations that a reader of the equations judged to be on the variable that the lever's own formula writes, and all
expectations, of eight scenarios drawn at random before the rule was written."""


@pytest.fixture(scope="module")
def every_case() -> list[Case]:
    """The expectations of the library."""
    return cases()


def test_the_rule_agrees_with_a_reader(every_case: list[Case]) -> None:
    """Over the same expectations the rule calls at least as many direct as the reader did, and at most one more."""
    direct, total = Counter[str](), Counter[str]()
    for case in every_case:
        name = case.scenario.name
        if name in READ_BY_HAND and case.stops is None and total[name] < READ_BY_HAND[name][1]:
            total[name] += 1
            direct[name] += case.effect.effect == "direct"
    assert total == {name: count for name, (_, count) in READ_BY_HAND.items()}
    difference = {name: direct[name] - count for name, (count, _) in READ_BY_HAND.items() if direct[name] != count}
    assert difference == {"closed-and-reopened": 1}


def test_every_claim_has_a_propagated_expectation(every_case: list[Case]) -> None:
    """A claim that the library tests can be contradicted by something that its levers do not write."""
    effects: defaultdict[str, set[str]] = defaultdict(set)
    for case in every_case:
        if case.stops is None:
            for number in case.claims:
                effects[number].add(case.effect.effect)
    assert [number for number, kinds in effects.items() if "propagated" not in kinds] == []


def test_an_effect_is_stated_with_a_reason(tmp_path: Path) -> None:
    """An expectation may contradict the rule, with a reason; without one it is refused."""
    stated = Expect(metric="spend_total", year=5, direction="down", effect="propagated", effect_reason="made up here")
    kind = effect_kind(stated, with_moves(policy("total_budget")), (BASELINE,))
    assert (kind.effect, kind.is_stated) == ("propagated", True)
    path = tmp_path / "mine.toml"
    head = 'name = "mine"\nlabel = "Mine"\nquestion = "What is it that happens?"\nreason = "Because of equations."\n'
    for lines in ('effect = "direct"\n', 'effect_reason = "no effect"\n'):
        path.write_text(head + '[[expect]]\nmetric = "deaths"\nyear = 2\nlow = 0\n' + lines, encoding="utf-8")
        with pytest.raises(InputError, match="effect and effect_reason together"):
            Scenario.load(path)
