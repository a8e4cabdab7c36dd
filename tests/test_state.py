"""Columns of state: shared tables, and the State that belongs to the mechanisms of one file."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import pytest
from column_access import access
from strategies import columns, different, town

from sim.engine.schedule import REGISTRY, Mechanism, Registry
from sim.engine.tables import columns as described
from sim.engine.tables import handle_type
from sim.results.records import RECORDED, RECORDED_BY_YEAR
from sim.schema.errors import InputError
from sim.state.columns import A, column
from sim.state.world import TABLES, handle
from sim.world.build import copy

ROOT = Path(__file__).parents[1] / "sim"
STATES = REGISTRY.states()
MONTH = REGISTRY.month()
each = pytest.mark.parametrize("m", MONTH, ids=[m.name for m in MONTH])


class _State(NamedTuple):
    wait: Annotated[A, column("f8", "neighbourhood", "months", "a wait")]


class _LongerState(NamedTuple):
    wait: Annotated[A, column("f8", "neighbourhood", "months", "a wait")]
    change: Annotated[A, column("f8", "service", "months", "its change")]


def test_a_state_is_in_the_file_of_its_mechanisms() -> None:
    """A State is declared in the file whose name its table has, and its class is named after the file."""
    for name, kind in STATES.items():
        assert kind.__module__.rsplit(".", 1)[-1] == name
        assert kind.__name__ == "".join(word.capitalize() for word in name.split("_")) + "State"
        assert kind.__doc__
        for entry in REGISTRY.entries.values():
            assert entry.state in (None, kind) or entry.state_name != name


@each
def test_a_mechanism_uses_only_its_own_state(m: Mechanism) -> None:
    """A kernel, and the functions that it calls, use no column of another file's State."""
    private = {used for used in access(m.kernel).mentions if used.split(".")[0] in STATES}
    assert {used.split(".")[0] for used in private} <= ({m.state_name} if m.state is not None else set())


@pytest.mark.parametrize("folder", ["people", "services", "networks", "policies", "feedback", "state", "world"])
def test_only_its_file_mentions_a_state(folder: str) -> None:
    """In the folders that make a world and run a month, `private.NAME` occurs only in the file of that name."""
    for path in (ROOT / folder).rglob("*.py"):
        for name in re.findall(r"\bprivate\.(\w+)", path.read_text(encoding="utf-8")):
            assert name == path.stem or name == "NAME", f"{path} uses the State of {name}"


def test_a_column_of_one_mechanism_is_in_its_state() -> None:
    """A column that a month changes, and that one file alone uses, is private, unless the results record it."""
    files: defaultdict[str, set[str]] = defaultdict(set)
    for m in MONTH:
        used = access(m.kernel)
        for name in used.reads | used.writes:
            files[name].add(m.module)
    recorded = {f"{array.table}.{array.column}" for array in (*RECORDED.values(), *RECORDED_BY_YEAR.values())}
    changed = {name for m in MONTH for name in m.writes}
    single = {name for name in changed if len(files[name]) == 1 and name.split(".")[0] in TABLES} - recorded
    scratch = {name for name in single if name.startswith("screen.")}  # each worker has its own
    assert sorted(single - scratch) == []


def test_a_copy_has_its_own_state(seed: int) -> None:
    """A change of a copy's State leaves the original as it is, and a world has every registered State."""
    world = town(1_500, seed)
    other = copy(world)
    assert list(vars(other.private)) == list(STATES)
    other.private.groups.led[:] += 1.0
    assert different(columns(world), columns(other)) == ["groups.led"]


def test_a_state_starts_at_its_baseline(seed: int) -> None:
    """The values that `start` sets are in a new world."""
    world = town(1_500, seed)
    assert (world.private.groups.knowhow > 0.0).all()
    assert (world.private.non_statutory_closure.knowhow > 0.0).all()
    assert world.private.ageing_wave.base_mix.sum() == pytest.approx(world.places.age_mix.sum())


def test_a_changed_state_is_another_type() -> None:
    """The type for which kernels are compiled, and so their machine code, differs if a State gets another column."""
    first, _ = handle_type("World", {**TABLES, "private": {"first": _State}})
    second, _ = handle_type("World", {**TABLES, "private": {"first": _LongerState}})
    assert first.name != second.name
    assert handle(town(1_500, 0)).kind.name == handle(copy(town(1_500, 0))).kind.name


# Declarations that are refused.


def _entry(name: str, state: type | None = None, **declared: str) -> Mechanism:
    entry = replace(REGISTRY.entries["trust"], name=name, module=f"sim.people.{name}", state=state, after=())
    return replace(entry, by_part=False, **{key: tuple(value.split()) for key, value in declared.items()})


def _check(*entries: Mechanism) -> None:
    registry = Registry()
    for entry in entries:
        registry.add(entry)
    registry.check(TABLES)


def test_the_state_of_another_mechanism_is_refused() -> None:
    """A mechanism cannot declare a column of the State of another file, and the message states why."""
    owner = _entry("first", _State, reads="people.age", writes="first.wait")
    _check(owner)
    for declared in ({"reads": "first.wait"}, {"writes": "first.wait"}):
        other = _entry("second", **{"reads": "people.age", "writes": "people.trust", **declared})
        with pytest.raises(InputError, match=r"first\.wait is private to the mechanisms of its file"):
            _check(owner, other)


def test_a_state_with_the_name_of_a_shared_table_is_refused() -> None:
    """A file that is named like a shared table cannot have a State."""
    with pytest.raises(InputError, match="a file whose name is not that of a shared table"):
        _check(_entry("money", _State, reads="people.age", writes="people.trust"))


def test_a_second_state_of_a_file_is_refused() -> None:
    """The mechanisms of one file share one State."""
    first = _entry("first", _State, reads="people.age", writes="first.wait")
    with pytest.raises(InputError, match="_State"):
        _check(first, replace(first, name="second", state=_LongerState))


def test_a_state_that_parts_would_share_is_refused() -> None:
    """A mechanism that works part by part writes only columns whose rows each belong to one part."""
    local = _entry("first", _LongerState, reads="people.age", writes="first.wait")
    _check(replace(local, by_part=True))
    with pytest.raises(InputError, match="as the mechanism works part by part"):
        _check(replace(local, by_part=True, writes=("first.wait", "first.change")))


def test_every_column_of_a_state_is_declared() -> None:
    """Every column of every State is one that a mechanism of its file declares."""
    for name, kind in STATES.items():
        declared = {c for m in MONTH if m.state is kind for c in (*m.reads, *m.writes)}
        assert {f"{name}.{c}" for c, _ in described(kind)} <= declared
