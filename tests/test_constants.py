"""Every number that moves an outcome is a parameter; each other number in the source has a reason.

`python tests/constants.py` measures what each number moves (some minutes).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import constants
import pytest
from mutation import Mutation, applied, everything, source_of
from pydantic import BaseModel
from strategies import calibrated, digest, town

from sim.people.domains import load_domains
from sim.place.place import Place
from sim.policies import levers
from sim.scenario.parameters import parameters
from sim.schema.quantities import Figure
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import run_months

KINDS = {"code", "unit", "guard", "speed", "ages", "population", "target", "data"}
NUMBER_OF_A_KERNEL = """
@kernel
def f(w, p, clock):
    '''Text with 0.35 in it.'''
    w.services.quality[3] = p.share * 0.35 + 1.0
    return 12 * LIMIT
"""


def test_every_number_in_the_source_has_a_reason() -> None:
    """Each number that is no parameter is in `constants.toml`, and the file has no other entry."""
    reasons = constants.reasons()
    listed = [name for kind, entries in reasons.items() if kind != "data" for name in entries]
    candidates = set(constants.candidates())
    assert sorted(candidates - set(listed)) == [], "make these parameters, or state in constants.toml why they are none"
    assert sorted(set(listed) - candidates) == [], "these numbers of constants.toml are no longer in the source"
    assert len(listed) == len(set(listed)), "a number has one reason"
    assert set(reasons) == KINDS


def test_a_reason_is_stated_in_words() -> None:
    """A reason has words, and none is that the number is assumed: an assumed number is a parameter."""
    for entries in constants.reasons().values():
        for name, reason in entries.items():
            assert len(reason) >= 6, name
            assert "assumed" not in reason, name


def test_a_new_number_is_found() -> None:
    """A number in a kernel, or a constant beside it, is a candidate; text, indices, 1 and 12 are not."""
    tree = ast.parse("LIMIT, FIRST = 0.97, 1\n" + NUMBER_OF_A_KERNEL)
    assert [c.name for c in constants.candidates_in(tree, "x.py")] == ["x.py: LIMIT", "x.py: f: 0.35"]
    module = "sim.services.quality"
    planted = source_of(module).replace("p.substitution * excess", "p.substitution * 0.87 * excess")
    names = {c.name for c in constants.candidates_in(ast.parse(planted), "services/quality.py")}
    assert names - set(constants.candidates()) == {"services/quality.py: substitution_loss: 0.87"}


def _numbers_of(part: object, path: tuple[str, ...]) -> Iterator[str]:
    """The numbers of a part of a data file that are no figures with a range, by a path without ids."""
    if isinstance(part, Figure):
        if part.low == part.high:
            yield ".".join((*path, "fixed"))
    elif isinstance(part, BaseModel):
        for field in type(part).model_fields:
            yield from _numbers_of(getattr(part, field), (*path, field))
    elif isinstance(part, dict):
        for value in part.values():
            yield from _numbers_of(value, (*path, "*"))
    elif isinstance(part, tuple | list):
        for value in part:
            yield from _numbers_of(value, (*path, "[]"))
    elif type(part) in (int, float):
        yield ".".join(path)


def test_every_number_of_a_data_file_has_a_reason() -> None:
    """Each number of the services, domains and places that is no parameter is in `constants.toml`."""
    models = [("services", load_catalogue()), ("domains", load_domains()), ("place", [Place.load("wigan")])]
    names = {name for kind, parts in models for part in parts for name in _numbers_of(part, (kind,))}
    assert names <= set(constants.reasons()["data"]), "give these numbers a range, or a reason in constants.toml"


INDEX_OF_TODAY = {"autonomy", "targets", "staff_inclusion"}
"""Levers on a scale of 0 to 1 whose middle is today by definition."""
NO_LEVEL = {0.0, 1.0}
"""Baselines that say that nothing is added, or that a thing is as today."""


def test_a_baseline_of_a_lever_that_has_a_level_is_a_parameter() -> None:
    """The baseline of a lever is 0, 1, the middle of an index, or a parameter with a range and a source."""
    every = parameters()
    for lever in levers():
        if f"levers.{lever.name}" in every or lever.name in INDEX_OF_TODAY:
            continue
        assert lever.baseline in NO_LEVEL, f"the baseline of {lever.name} is a number: give it a range"
    assert {"overspend_share", "reinvestment_share", "cashable", "threshold", "contract_length"} <= {
        name.split(".")[1] for name in every if name.startswith("levers.")
    }


def _record(seed: int) -> str:
    scenario = everything(2)
    return digest(run_months(town(1_500, seed), scenario, calibrated().params, seed))


def _replaced(module: str, text: str, other: str) -> Mutation:
    """The replacement of the first character of a text, which occurs once in the module."""
    source = source_of(module)
    assert source.count(text) == 1
    return Mutation(module, source.index(text), text[0], other)


@pytest.mark.slow
def test_a_guard_moves_nothing_and_a_planted_number_does(seed: int) -> None:
    """A guard against division by zero changes no record if it doubles; a number planted in a kernel changes it."""
    expected = _record(seed)
    with applied(_replaced("sim.services.quality", "0.01, services.posts[s]", "0.02 + 0")):
        assert _record(seed) == expected
    with applied(_replaced("sim.policies.prevention_share", "path[clock.month, 0] * (gaining", "0.9 * p")):
        assert _record(seed) != expected
    assert _record(seed) == expected
