"""A slip of one character, planted in a kernel of the core: does the comparison with the Mesa telling find it?

`python tests/planted.py` plants one in each kernel of every mechanism in turn and says which were found. A slip that
changes nothing in the months compared is told too: each of those wants a reason. `--lots 3` plants three in each.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import multiprocessing
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
from strategies import LEVERS, every_lever_moved, moved

from sim.engine.schedule import REGISTRY, Clock
from sim.scenario.policy import AgeFilter, NeighbourhoodFilter
from sim.scenario.scenario import Scenario
from sim.services.catalogue import load_catalogue
from sim.simulation.simulate import FLOWS, Month
from sim.state.tables import handle
from sim.twins.mesa import MesaModel, initial_state
from sim.twins.mesa.agreement import Difference, differences

OTHER = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.Lt: ">", ast.Gt: "<"}
SIGN = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Lt: "<", ast.Gt: ">"}


NOT_FOUND = "NOT FOUND"
PATIENCE = 300.0
"""Seconds that a comparison may take."""


class Slip(NamedTuple):
    """One character of a module, by where it stands in the file, and the one put in its place."""

    module: str
    at: int
    right: str
    wrong: str

    def source(self) -> str:
        """The module's source with the slip in it."""
        text = source_of(self.module)
        assert text[self.at] == self.right != self.wrong
        return text[: self.at] + self.wrong + text[self.at + 1 :]

    def __str__(self) -> str:
        text = source_of(self.module)
        line = text.count("\n", 0, self.at)
        return f"{self.module}, line {line + 1}, '{self.right}' to '{self.wrong}': {text.splitlines()[line].strip()}"


def source_of(module: str) -> str:
    """What stands in a module's file."""
    return Path(str(importlib.import_module(module).__file__)).read_text(encoding="utf-8")


def slip(module: str, right: str, wrong: str) -> Slip:
    """The slip that turns a line, or a part of one that stands there once, into another that differs in one place."""
    text = source_of(module)
    assert text.count(right) == 1
    assert len(right) == len(wrong)
    (k,) = (k for k in range(len(right)) if right[k] != wrong[k])
    return Slip(module, text.index(right) + k, right[k], wrong[k])


@contextmanager
def planted(what: Slip) -> Iterator[None]:
    """The book with the slip in it: its module is made anew from a file that is thrown away, and so is machine code."""
    book, module, cache = dict(REGISTRY.entries), sys.modules[what.module], numba.config.CACHE_DIR
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{what.module.rsplit('.', 1)[-1]}.py"
        path.write_text(what.source(), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(what.module, path)
        assert spec is not None
        assert spec.loader is not None
        try:
            numba.config.CACHE_DIR = folder
            sys.modules[what.module] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[what.module])
            yield
        finally:
            REGISTRY.entries.clear()
            REGISTRY.entries.update(book)
            sys.modules[what.module] = module
            numba.config.CACHE_DIR = cache


def everything(years: int) -> Scenario:
    """A scenario that gives every line of the core something to do: all levers move, some for some people only."""
    scenario = every_lever_moved(years)
    half = {"where": NeighbourhoodFilter(share=0.5)}
    for_some = [
        moved(LEVERS["total_budget"], 0.7, 2, years, **half),
        moved(LEVERS["community_investment"], 2.0, 2, years, **half),
        moved(LEVERS["threshold"], 0.5, 2, years, who=AgeFilter(ages=[18, 24])),
        moved(LEVERS["service_budget"], 0.0, 4, years, service="home_help", who=AgeFilter(ages=[75, 84])),
    ]
    return scenario.model_copy(update={"policies": [*scenario.policies, *for_some]})


def first_difference(scenario: Scenario, seed: int, people: int, months: int) -> Difference | None:
    """The first difference between the core, kernel by kernel, and the telling, each going its own way."""
    world = initial_state.settled(scenario, seed, people)
    town = MesaModel(scenario, seed, world=world)
    month = Month(scenario.params(), scenario.paths(tuple(s.id for s in load_catalogue()), world.places))
    seen = handle(world)
    for m in range(months):
        for flow in FLOWS:
            getattr(world.tally, flow).fill(0)
        for entry, given in month.steps:
            entry.kernel(seen, given, Clock(np.uint64(seed), np.int64(m)))
        town.step()
        for difference in differences(town, world):
            return difference
    return None


# A slip in each kernel.


def possible(module: str) -> dict[str, list[Slip]]:
    """Signs and comparisons of each kernel of a module that can be turned round without reading elsewhere than meant:
    none in an index or a range."""
    text = source_of(module)
    starts = np.cumsum([0] + [len(line) for line in text.splitlines(keepends=True)])
    found: dict[str, list[Slip]] = {}
    for function in ast.parse(text).body:
        if not isinstance(function, ast.FunctionDef) or "kernel" not in map(ast.unparse, function.decorator_list):
            continue
        unsafe = {id(inner) for node in ast.walk(function) for part in _unsafe(node) for inner in ast.walk(part)}
        slips = found.setdefault(function.name, [])
        for node in ast.walk(function):
            if id(node) in unsafe:
                continue
            for sign, left, right in _signs(node):
                if type(sign) in OTHER:
                    # The sign stands between its two sides; these files have no letter of more than one byte before it.
                    first = int(starts[left.end_lineno - 1]) + left.end_col_offset  # type: ignore[operator]  # parsed: it has both
                    at = text.find(SIGN[type(sign)], first, int(starts[right.lineno - 1]) + right.col_offset)
                    if at >= 0:
                        slips.append(Slip(module, at, text[at], OTHER[type(sign)]))
    return found


def _unsafe(node: ast.AST) -> list[ast.AST]:
    """What of a node says which row is meant."""
    if isinstance(node, ast.Subscript):
        return [node.slice]
    return [node] if isinstance(node, ast.Call) and ast.unparse(node.func) == "range" else []


def _signs(node: ast.AST) -> Iterator[tuple[ast.AST, ast.expr, ast.expr]]:
    """Each sign or comparison of a node with what stands on its two sides."""
    if isinstance(node, ast.BinOp):
        yield node.op, node.left, node.right
    elif isinstance(node, ast.AugAssign):
        yield node.op, node.target, node.value
    elif isinstance(node, ast.Compare):
        for left, sign, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            yield sign, left, right


def survey(seed: int, people: int, months: int, lots: int) -> Iterator[tuple[str, Slip, str]]:
    """Plants slips in each kernel, drawn by lot but always the same ones, and tells what became of each."""
    scenario = everything(max(1, -(-months // 12)))
    assert first_difference(scenario, seed, people, months) is None
    for module in sorted({entry.module for entry in REGISTRY.entries.values()}):
        for name, slips in possible(module).items():
            by_lot = sorted(slips, key=lambda s: zlib.crc32(f"{s.module} {s.at}".encode()))
            for chosen in by_lot[:lots]:
                yield f"{module}.{name}", chosen, _apart(chosen, scenario, seed, people, months)


def _apart(what: Slip, scenario: Scenario, seed: int, people: int, months: int) -> str:
    """What becomes of a slip, found out in a process of its own: it may read beyond the end of a column."""
    fork = multiprocessing.get_context("fork")
    hear, tell = fork.Pipe(duplex=False)

    def compare() -> None:
        with planted(what):
            tell.send(str(first_difference(scenario, seed, people, months) or NOT_FOUND))

    child = fork.Process(target=compare)
    child.start()
    tell.close()
    try:
        outcome = str(hear.recv()) if hear.poll(PATIENCE) else "the core does not come back"
    except EOFError:
        outcome = "the core breaks"
    child.kill()
    child.join()
    return outcome


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python tests/planted.py", description=__doc__)
    parser.add_argument("--people", type=int, default=3000)
    parser.add_argument("--months", type=int, default=13)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lots", type=int, default=1, help="slips in each kernel (1)")
    chosen = parser.parse_args()
    found = every = 0
    for name, what, outcome in survey(chosen.seed, chosen.people, chosen.months, chosen.lots):
        every += 1
        found += outcome != NOT_FOUND
        print(f"{name}: {outcome}\n    {what}", flush=True)
    print(f"{found} of {every} slips found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
