"""Mutation testing: one character of a kernel is changed, and the comparison with the Mesa implementation should fail.

`python tests/mutation.py` mutates each kernel of every mechanism in turn and reports which mutations were detected. A
mutation that changes nothing in the months compared is reported too, and needs an explanation. `--per-kernel 3`
makes three mutations in each kernel.
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

import numpy as np
from strategies import LEVERS, every_lever_moved, moved

from sim.engine.schedule import REGISTRY, Clock
from sim.scenario.policy import AgeFilter, NeighbourhoodFilter
from sim.scenario.scenario import Scenario
from sim.services.catalogue import load_catalogue
from sim.simulation.month import Month
from sim.state.world import handle
from sim.twins.mesa import MesaModel, initial_state
from sim.twins.mesa.agreement import Difference, differences

OTHER = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.Lt: ">", ast.Gt: "<"}
SIGN = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Lt: "<", ast.Gt: ">"}


NOT_DETECTED = "NOT DETECTED"
TIME_LIMIT = 3_000.0
"""Seconds that a comparison may take: a mutated kernel may not terminate."""


class Mutation(NamedTuple):
    """A character of a module, by its position in the file, and its replacement."""

    module: str
    at: int
    right: str
    wrong: str

    def source(self) -> str:
        """The module's source with the mutation."""
        text = source_of(self.module)
        assert text[self.at] == self.right != self.wrong
        return text[: self.at] + self.wrong + text[self.at + 1 :]

    def __str__(self) -> str:
        text = source_of(self.module)
        line = text.count("\n", 0, self.at)
        return f"{self.module}, line {line + 1}, '{self.right}' to '{self.wrong}': {text.splitlines()[line].strip()}"


def source_of(module: str) -> str:
    """The source of a module."""
    return Path(str(importlib.import_module(module).__file__)).read_text(encoding="utf-8")


def mutation_of(module: str, right: str, wrong: str) -> Mutation:
    """The mutation that changes a text, which occurs once in the module, into another that differs in one character."""
    text = source_of(module)
    assert text.count(right) == 1
    assert len(right) == len(wrong)
    (k,) = (k for k in range(len(right)) if right[k] != wrong[k])
    return Mutation(module, text.index(right) + k, right[k], wrong[k])


@contextmanager
def applied(mutation: Mutation) -> Iterator[None]:
    """The registry with a mutation: its module is loaded from a temporary file, and restored afterwards."""
    entries, module = dict(REGISTRY.entries), sys.modules[mutation.module]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{mutation.module.rsplit('.', 1)[-1]}.py"
        path.write_text(mutation.source(), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(mutation.module, path)
        assert spec is not None
        assert spec.loader is not None
        try:
            sys.modules[mutation.module] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[mutation.module])
            yield
        finally:
            REGISTRY.entries.clear()
            REGISTRY.entries.update(entries)
            sys.modules[mutation.module] = module


def everything(years: int) -> Scenario:
    """A scenario that uses every line of the core: all levers move, some of them for some people only."""
    scenario = every_lever_moved(years)
    half = {"where": NeighbourhoodFilter(share=0.5)}
    targeted = [
        moved(LEVERS["total_budget"], 0.7, 2, years, **half),
        moved(LEVERS["community_investment"], 2.0, 2, years, **half),
        moved(LEVERS["threshold"], 0.5, 2, years, who=AgeFilter(ages=[18, 24])),
        moved(LEVERS["service_budget"], 0.0, 4, years, service="home_help", who=AgeFilter(ages=[75, 84])),
    ]
    return scenario.model_copy(update={"policies": [*scenario.policies, *targeted]})


def first_difference(scenario: Scenario, seed: int, people: int, months: int) -> Difference | None:
    """The first difference between the core, kernel by kernel, and the Mesa implementation, run side by side."""
    world = initial_state.burned_in_world(scenario, seed, people)
    town = MesaModel(scenario, seed, world=world)
    month = Month(scenario.params(), scenario.paths(tuple(s.id for s in load_catalogue()), world.places))
    w = handle(world)
    for m in range(months):
        for _, _, run in month.walk(world, w, Clock(np.uint64(seed), np.int64(m))):
            run()
        town.step()
        for difference in differences(town, world):
            return difference
    return None


# A mutation in each kernel.


def possible(module: str) -> dict[str, list[Mutation]]:
    """The mutations of arithmetic and comparison operators in each kernel of a module.

    Operators in an index or a range are excluded: their mutation would read outside an array.
    """
    text = source_of(module)
    starts = np.cumsum([0] + [len(line) for line in text.splitlines(keepends=True)])
    mutations: dict[str, list[Mutation]] = {}
    for function in ast.parse(text).body:
        if not isinstance(function, ast.FunctionDef) or "kernel" not in map(ast.unparse, function.decorator_list):
            continue
        unsafe = {id(inner) for node in ast.walk(function) for part in _unsafe(node) for inner in ast.walk(part)}
        of_function = mutations.setdefault(function.name, [])
        for node in ast.walk(function):
            if id(node) in unsafe:
                continue
            for sign, left, right in _signs(node):
                if type(sign) in OTHER:
                    # The operator is between its operands; these lines have only single-byte characters before it.
                    first = int(starts[left.end_lineno - 1]) + left.end_col_offset  # type: ignore[operator]  # parsed: it has both
                    at = text.find(SIGN[type(sign)], first, int(starts[right.lineno - 1]) + right.col_offset)
                    if at >= 0:
                        of_function.append(Mutation(module, at, text[at], OTHER[type(sign)]))
    return mutations


def _unsafe(node: ast.AST) -> list[ast.AST]:
    """The parts of a node that select a row."""
    if isinstance(node, ast.Subscript):
        return [node.slice]
    return [node] if isinstance(node, ast.Call) and ast.unparse(node.func) == "range" else []


def _signs(node: ast.AST) -> Iterator[tuple[ast.AST, ast.expr, ast.expr]]:
    """Each operator of a node with its left and right operand."""
    if isinstance(node, ast.BinOp):
        yield node.op, node.left, node.right
    elif isinstance(node, ast.AugAssign):
        yield node.op, node.target, node.value
    elif isinstance(node, ast.Compare):
        for left, sign, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            yield sign, left, right


def survey(seed: int, people: int, months: int, per_kernel: int) -> Iterator[tuple[str, Mutation, str]]:
    """Mutate each kernel, with a fixed pseudo-random selection, and yield the outcome of each mutation."""
    scenario = everything(max(1, -(-months // 12)))
    assert first_difference(scenario, seed, people, months) is None
    for module in sorted({entry.module for entry in REGISTRY.entries.values()}):
        for name, mutations in possible(module).items():
            shuffled = sorted(mutations, key=lambda s: zlib.crc32(f"{s.module} {s.at}".encode()))
            for chosen in shuffled[:per_kernel]:
                yield f"{module}.{name}", chosen, _outcome(chosen, scenario, seed, people, months)


def _outcome(mutation: Mutation, scenario: Scenario, seed: int, people: int, months: int) -> str:
    """The outcome of a mutation, in a process of its own, as a mutated kernel may read outside an array."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)

    def compare() -> None:
        with applied(mutation):
            sender.send(str(first_difference(scenario, seed, people, months) or NOT_DETECTED))

    child = fork.Process(target=compare)
    child.start()
    sender.close()
    try:
        outcome = str(receiver.recv()) if receiver.poll(TIME_LIMIT) else "the core does not terminate"
    except EOFError:
        outcome = "the core crashes"
    child.kill()
    child.join()
    return outcome


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python tests/mutation.py", description=__doc__)
    parser.add_argument("--people", type=int, default=3000)
    parser.add_argument("--months", type=int, default=13)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-kernel", type=int, default=1, help="mutations in each kernel (1)")
    chosen = parser.parse_args()
    detected = total = 0
    for name, mutation, outcome in survey(chosen.seed, chosen.people, chosen.months, chosen.per_kernel):
        total += 1
        detected += outcome != NOT_DETECTED
        print(f"{name}: {outcome}\n    {mutation}", flush=True)
    print(f"{detected} of {total} mutations detected")
    return 0


if __name__ == "__main__":
    sys.exit(main())
