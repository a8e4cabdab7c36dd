"""Examples in docstrings: every one runs, and gives the result that it states."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import sim

PACKAGES = (
    "sim.schema",
    "sim.engine",
    "sim.state",
    "sim.scenario",
    "sim.place",
    "sim.results",
    "sim.simulation",
    "sim.ensemble",
)
SIMULATED = {"sim", "sim.ensemble.compare", "sim.simulation.simulate"}
"""Modules whose examples run a simulation."""
FEWEST_EXAMPLES = 15
OPTIONS = doctest.NORMALIZE_WHITESPACE


def module_names() -> list[str]:
    """The modules of the packages, and `sim` itself."""
    names = [sim.__name__]
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        names += [package, *(info.name for info in pkgutil.walk_packages(folder, f"{package}."))]
    return names


def examples(name: str) -> list[doctest.DocTest]:
    """The docstrings of a module that have examples."""
    module = importlib.import_module(name)
    return [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]


WITH_EXAMPLES = {name: tests for name in module_names() if (tests := examples(name))}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SIMULATED else []) for name in WITH_EXAMPLES]
)
def test_examples_give_the_stated_results(name: str) -> None:
    """Every example of the module gives the result that its docstring states."""
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for test in WITH_EXAMPLES[name]:
        runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "\n".join(report)


def test_there_are_examples() -> None:
    """The search finds examples: without them, the test above would pass without a run."""
    assert sum(len(test.examples) for tests in WITH_EXAMPLES.values() for test in tests) >= FEWEST_EXAMPLES


def test_a_wrong_example_is_reported() -> None:
    """An example that states a wrong result fails."""
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=lambda text: None).failed == 1
