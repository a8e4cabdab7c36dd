"""Declarations of mechanisms: what each file states, and the order of the month that follows from it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from strategies import (
    LEVERS,
    entry,
)

from sim.engine.schedule import REGISTRY, Mechanism, Phase, Registry
from sim.policies import Lever, lever_sections
from sim.schema.quantities import Params, number
from sim.state.world import all_tables

ROOT = Path(__file__).parents[1]
MONTH = REGISTRY.month()
EVERY_COLUMN = tuple(f"{t}.{c}" for t, kind in all_tables().items() for c in kind._fields)
each = pytest.mark.parametrize("m", MONTH, ids=[m.name for m in MONTH])
by_lever = pytest.mark.parametrize("lever", LEVERS.values(), ids=list(LEVERS))


# What a mechanism's file states.


def test_every_mechanism_is_registered() -> None:
    """The registry has every mechanism of the five folders, and the month is in the order of the phases."""
    assert len(MONTH) > 15
    assert [m.phase for m in MONTH] == sorted(m.phase for m in MONTH)
    folders = ("people", "services", "networks", "policies", "feedback")
    for path in sorted(path for folder in folders for path in (ROOT / "sim" / folder).glob("*.py")):
        if "@mechanism(" in path.read_text():
            module = f"sim.{path.parent.name}.{path.stem}"
            assert any(m.module == module for m in MONTH), f"{module} has a mechanism that is not registered"


@each
def test_a_mechanism_states_its_claim(m: Mechanism) -> None:
    """A mechanism's docstring has a first sentence, then the claim, its evidence and its limits, once each."""
    doc = importlib.import_module(m.module).__doc__ or ""
    first = doc.strip().splitlines()[0]
    assert m.claim == first
    assert first.endswith("."), first
    for word in ("Claim", "Evidence", "Limits"):
        lines = [line for line in doc.splitlines() if line.startswith(f"{word} ")]
        assert len(lines) == 1, f"{m.module} has {len(lines)} lines that begin with {word}"
        assert len(lines[0].removeprefix(word).strip()) > 5


@each
def test_a_mechanism_names_columns_that_exist(m: Mechanism) -> None:
    """The declared `reads` and `writes` are columns of the world, each named once."""
    for names in (m.reads, m.writes):
        assert not set(names) - set(EVERY_COLUMN)
        assert len(set(names)) == len(names)
    assert m.writes, "a mechanism that changes nothing"


@each
def test_a_mechanism_comes_after_others_that_exist(m: Mechanism) -> None:
    """`after` names registered mechanisms of the same phase: the order of phases is fixed."""
    for name in m.after:
        assert name in REGISTRY.entries, f"'{m.name}' comes after '{name}', which does not exist"
        assert entry(name).phase is m.phase


@each
def test_a_parameter_is_described(m: Mechanism) -> None:
    """Every parameter has a unit, a range that contains its default, a source, a status and a meaning."""
    for name, default, spec in m.params.declared():
        assert spec.unit, name
        assert spec.low <= default <= spec.high, name
        assert spec.low < spec.high, f"{name} has no range"
        assert len(spec.source) >= 3, name
        assert spec.status in {"measured", "estimated", "assumed"}, name
        assert spec.status == "assumed" or not spec.source.startswith("assumed"), name
        assert len(spec.meaning) >= 5, name


@by_lever
def test_a_lever_is_described(lever: Lever) -> None:
    """A lever has one mechanism, a unit, a range that contains its baseline, a source and a meaning."""
    assert [m.name for m in MONTH if m.lever == lever.name] == [lever.name]
    assert lever.low <= lever.baseline <= lever.high
    assert lever.low < lever.high
    assert 0.0 < lever.step <= lever.high - lever.low
    assert lever.section in lever_sections()
    assert lever.unit
    assert len(lever.source) >= 3
    assert len(lever.meaning) >= 10
    assert lever.kind == "value" or lever.baseline == 0.0


# The order of the month.


class _TestParams(Params):
    x: float = number(1.0, low=0.0, high=2.0, unit="share", source="a test", meaning="a number")


def _entry(name: str, reads: str = "", writes: str = "", after: str = "", phase: Phase = Phase.NEED) -> Mechanism:
    return Mechanism(
        name,
        phase,
        _TestParams,
        lambda *_: None,
        tuple(reads.split()),
        tuple(writes.split()),
        tuple(after.split()),
        f"tests.{name}",
        "A test.",
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"writes": "people.trust"}, {"writes": "people.trust"}),
        ({"writes": "people.trust"}, {"reads": "people.trust", "writes": "people.help"}),
        ({"reads": "people.trust", "writes": "people.help"}, {"writes": "people.trust"}),
    ],
)
def test_an_open_order_is_refused(first: dict[str, str], second: dict[str, str]) -> None:
    """Two mechanisms of a phase that use one column must state their order, and then run in that order."""
    registry = Registry()
    registry.add(_entry("a", **first))
    registry.add(_entry("b", **second))
    with pytest.raises(ValueError, match=r"'a' and 'b' both touch \['people.trust'\] in phase NEED"):
        registry.month()
    registry.entries["a"] = _entry("a", **first, after="b")
    assert [m.name for m in registry.month()] == ["b", "a"]


def test_different_columns_or_phases_need_no_order() -> None:
    """Two mechanisms may read the same column, or write it in different phases, without a stated order."""
    registry = Registry()
    registry.add(_entry("a", reads="people.age", writes="people.trust"))
    registry.add(_entry("b", reads="people.age", writes="people.help"))
    registry.add(_entry("c", writes="people.trust", phase=Phase.BUDGET))
    assert [m.name for m in registry.month()] == ["c", "a", "b"]


def test_a_cycle_is_refused() -> None:
    """Two mechanisms that each come after the other are an error that names them."""
    registry = Registry()
    registry.add(_entry("a", writes="people.trust", after="b"))
    registry.add(_entry("b", writes="people.trust", after="a"))
    with pytest.raises(ValueError, match=r"NEED: these mechanisms each declare .* got a, b"):
        registry.month()


def test_a_name_is_unique() -> None:
    """A mechanism of another file with a name that exists is refused."""
    registry = Registry()
    registry.add(_entry("a", writes="people.trust"))
    registry.add(_entry("a", writes="people.trust"))
    other = _entry("a", writes="people.trust")
    with pytest.raises(ValueError, match=r"a name that no other mechanism has; .* got 'a'"):
        registry.add(Mechanism(**{**vars(other), "module": "tests.elsewhere"}))
