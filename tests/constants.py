"""Find the numbers that are written in the source of the model, and measure what each of them moves.

`candidates()` reads the source: each constant of a module, and each number in a function, beyond those that are
structure wherever they stand (0, 1, months of a year, powers of ten, indices of arrays) and beyond declarations, whose
numbers are parameters, units and ranges. `constants.toml` states for each of them why it is no parameter.

`python tests/constants.py` measures: it compiles the model once with these numbers read from memory, changes each of
them in turn by a tenth, builds and runs a small town with and without policies, and prints the change of acute demand.
`--only TEXT` restricts it to numbers whose name contains the text. Compilation takes some minutes.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

SIM = Path(__file__).parents[1] / "sim"
SOURCES = (
    "people", "services", "networks", "policies", "feedback", "state", "simulation", "world", "hazards.py",
    "engine/random.py", "engine/thinning.py",
)  # fmt: skip
"""Files and folders of `sim` that a month, or the world that it starts from, is computed by."""
STRUCTURAL = {0, 1, 12, 100, 1_000, 12_000, 10_000, 100_000}
"""Numbers that are structure or units wherever they stand; 2 is too, as a whole number."""
DECLARATIONS = {"number", "share", "Field", "column", "Lever", "OtherLever", "Loop", "stream", "_between"}
"""Calls whose numbers are declared: values, units and ranges of parameters, levers, columns and inputs."""
TABLE = Path(__file__).with_name("constants.toml")
MUST_NOT_MOVE = ("guard", "speed")
"""Kinds of `constants.toml` that claim to move no result: `python tests/constants.py` proves it."""
NOT_CHANGED = ("code", "data")
"""Kinds that cannot be changed by themselves: ids, bit masks and lengths of arrays; tables of data files."""


class Candidate(NamedTuple):
    """A number in the source.

    Attributes
    ----------
    name : str
        `file: constant` or `file: function: number`.
    nodes : tuple of ast.Constant
        The numbers in the syntax tree: several if one function writes the same number several times.
    """

    name: str
    nodes: tuple[ast.Constant, ...]


def sources() -> tuple[Path, ...]:
    """The files that are searched."""
    paths = [SIM / name for name in SOURCES]
    return tuple(f for p in paths for f in (sorted(p.rglob("*.py")) if p.is_dir() else [p]))


def candidates_in(tree: ast.Module, file: str) -> list[Candidate]:
    """The numbers of a file that may be parameters, in the order in which they stand."""
    numbers: dict[str, list[ast.Constant]] = {}
    for name, node in _numbers(tree, ""):
        numbers.setdefault(f"{file}: {name}", []).append(node)
    return [Candidate(name, tuple(nodes)) for name, nodes in numbers.items()]


@cache
def candidates() -> dict[str, Candidate]:
    """The numbers of all files that may be parameters, by name."""
    every = [(ast.parse(f.read_text(encoding="utf-8")), f.relative_to(SIM).as_posix()) for f in sources()]
    return {c.name: c for tree, file in every for c in candidates_in(tree, file)}


def _numbers(node: ast.AST, scope: str, *, is_index: bool = False) -> Iterator[tuple[str, ast.Constant]]:
    """Each number that may be a parameter, with `constant` or `function: number`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] in DECLARATIONS:
        return
    if isinstance(node, ast.Constant):
        if type(node.value) in (int, float) and not is_index and not _is_structural(node.value):
            yield f"{scope}: {node.value!r}", node
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        scope = node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign) and not scope:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        values = (
            node.value.elts if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) else [node.value]
        )
        for name, value in zip(names, values, strict=True):
            if value is not None:
                yield from ((ast.unparse(name), number) for _, number in _numbers(value, scope))
        return
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                index = is_index or (isinstance(node, ast.Subscript) and field == "slice")
                yield from _numbers(child, scope, is_index=index)


def _is_structural(value: float) -> bool:
    return value in STRUCTURAL or (type(value) is int and value == 2)


def reasons() -> dict[str, dict[str, str]]:
    """The reasons of `constants.toml`, by kind and name."""
    return {kind: dict(entries) for kind, entries in tomllib.loads(TABLE.read_text(encoding="utf-8")).items()}


def _values(tree: ast.Module) -> list[ast.expr | None]:
    """The values that are assigned in a module, those of tuples one by one."""
    values = [statement.value for statement in tree.body if isinstance(statement, ast.Assign | ast.AnnAssign)]
    return [part for value in values for part in (value.elts if isinstance(value, ast.Tuple) else [value])]


# Measuring: the numbers are read from memory, so that one compilation serves all of them.


class _Reader(ast.NodeTransformer):
    """Replaces numbers of a module by calls that read them from memory."""

    def __init__(self, slots: Mapping[int, int], names: Mapping[str, tuple[int, bool]], integers: set[int]) -> None:
        self._slots, self._names, self._integers = slots, names, integers
        self._local: set[str] | None = None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """Rewrite the body of a function: its numbers, and the constants of modules that it reads."""
        if self._local is not None:
            return self.generic_visit(node)
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self._local = stored | {a.arg for a in node.args.args}
        node.body = [self.visit(statement) for statement in node.body]
        self._local = None
        return node

    def visit_Constant(self, node: ast.Constant) -> Any:
        """Read a number from memory."""
        slot = self._slots.get(id(node))
        return node if slot is None or self._local is None else self._read(slot, is_integer=slot in self._integers)

    def visit_Name(self, node: ast.Name) -> Any:
        """Read a constant of a module from memory; one that is computed is multiplied by a number from there."""
        if self._local is None or node.id in self._local or node.id not in self._names:
            return node
        slot, is_computed = self._names[node.id]
        if is_computed:
            return ast.BinOp(node, ast.Mult(), self._read(slot, is_integer=False))
        return self._read(slot, is_integer=slot in self._integers)

    @staticmethod
    def _read(slot: int, *, is_integer: bool) -> ast.expr:
        name = "__whole_number" if is_integer else "__number"
        return ast.Call(ast.Name(name, ast.Load()), [ast.Constant(slot)], [])


class Memory(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the model with its numbers read from memory.

    Parameters
    ----------
    names : iterable of str
        The candidates that are read from memory.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.slots = {name: k for k, name in enumerate(names)}
        self.numbers = np.zeros(len(self.slots))
        self.whole_numbers = np.zeros(len(self.slots), np.int64)
        self.integers: set[int] = set()
        self._constants: dict[tuple[str, str], tuple[int, bool]] = {}
        self._trees: dict[str, tuple[ast.Module, dict[int, int]]] = {}
        for file in sources():
            self._prepare(file)
        self.prelude = self._prelude()

    def _prepare(self, file: Path) -> None:
        """Note the numbers of a file: their slots, their values, and which of them are constants of the module."""
        tree = ast.parse(file.read_text(encoding="utf-8"))
        name = file.relative_to(SIM).as_posix()
        module = "sim." + name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        slots: dict[int, int] = {}
        for candidate in candidates_in(tree, name):
            slot = self.slots.get(candidate.name)
            if slot is None:
                continue
            for node in candidate.nodes:
                slots[id(node)] = slot
            value = candidate.nodes[0].value
            assert isinstance(value, int | float)
            self._set(slot, value)
            if candidate.name.count(": ") == 1:  # a constant of the module; one that is computed is multiplied
                is_computed = candidate.nodes[0] not in _values(tree)
                if is_computed:
                    self._set(slot, 1.0)
                self._constants[module, candidate.name.split(": ")[1]] = slot, is_computed
        self._trees[module] = tree, slots

    def _set(self, slot: int, value: float) -> None:
        self.numbers[slot] = value
        if type(value) is int:
            self.integers.add(slot)
            self.whole_numbers[slot] = value

    def changed(self, slot: int, factor: float) -> None:
        """Multiply a number; a whole number changes by at least 1."""
        self.numbers[slot] *= factor
        if slot in self.integers:
            self.whole_numbers[slot] += max(1, round(self.whole_numbers[slot] * (factor - 1.0)))

    def _prelude(self) -> dict[str, Any]:
        """The compiled functions that read a number from memory."""
        import numba
        from numba.core import types
        from numba.extending import intrinsic

        def loader(array: Any, kind: Any) -> Any:
            address = array.ctypes.data

            @intrinsic
            def load(_: Any, at: Any) -> Any:
                def generate(context: Any, builder: Any, __: Any, arguments: Any) -> Any:
                    pointer = context.get_value_type(kind).as_pointer()
                    first = context.get_constant(types.intp, address).inttoptr(pointer)
                    return builder.load(builder.gep(first, [arguments[0]]))

                return kind(types.intp), generate

            return numba.njit(lambda at: load(at))  # noqa: PLW0108  (an intrinsic has no code of its own)

        return {
            "__number": loader(self.numbers, types.float64),
            "__whole_number": loader(self.whole_numbers, types.int64),
        }

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002  (Python's interface)
        """Find the modules of the model."""
        if not name.startswith("sim.") or name.startswith("sim.twins"):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or not str(spec.origin).endswith(".py"):
            return None
        return importlib.util.spec_from_file_location(
            name, spec.origin, loader=self, submodule_search_locations=spec.submodule_search_locations
        )

    def create_module(self, spec: Any) -> None:
        """Make the module as usual."""

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module with its numbers read from memory."""
        file = str(module.__file__)
        tree, slots = self._trees.get(module.__name__) or (ast.parse(Path(file).read_text(encoding="utf-8")), {})
        names = {
            alias.asname or alias.name: self._constants[str(node.module), alias.name]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if (str(node.module), alias.name) in self._constants
        }
        names |= {name: slot for (of, name), slot in self._constants.items() if of == module.__name__}
        tree = ast.fix_missing_locations(_Reader(slots, names, self.integers).visit(tree))
        vars(module).update(self.prelude)
        exec(compile(tree, file, "exec"), vars(module))


def _acute_demand() -> Mapping[str, tuple[bytes, float]]:
    """Build and run a small town, with and without policies: a digest of the record, and acute episodes opened."""
    from mutation import everything
    from strategies import calibrated, digest, scenario

    from sim.calibration.calibrated_model import england_targets
    from sim.place.place import Place
    from sim.simulation.simulate import run_months

    model = calibrated()
    model = model._replace(aims=england_targets(model.domains, model.services, model.solution))
    world = model.burned_in_world(Place.load("anytown"), 1_500, 0)
    out = {}
    for name, run_as in (("baseline", scenario(2)), ("policies", everything(2))):
        record = run_months(world, run_as, model.params, 0)
        out[name] = digest(record), float(record.monthly["opened"].sum())
    return out


class Effect(NamedTuple):
    """What a change of a number by a tenth changes."""

    name: str
    kind: str
    moves: bool
    """Whether any record changes."""
    shares: tuple[float, float]
    """Change of acute episodes, as a share: in the baseline, and with policies."""


def effects(only: str = "") -> Iterator[Effect]:
    """Measure each number in turn. The model must not be imported yet."""
    assert not any(name.startswith("sim.") for name in sys.modules), "the model is imported already"
    kinds = {name: kind for kind, entries in reasons().items() if kind not in NOT_CHANGED for name in entries}
    kinds = {name: kind for name, kind in kinds.items() if only in name}
    kinds = dict(sorted(kinds.items(), key=lambda item: item[1] not in MUST_NOT_MOVE))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["UPSTREAM_CACHE"] = folder  # machine code that reads the memory of this process
        memory = Memory(kinds)
        sys.meta_path.insert(0, memory)
        before = _acute_demand()
        numbers, whole_numbers = memory.numbers.copy(), memory.whole_numbers.copy()
        for name, kind in kinds.items():
            memory.changed(memory.slots[name], 1.1)
            after = _acute_demand()
            memory.numbers[:], memory.whole_numbers[:] = numbers, whole_numbers
            shares = tuple(after[run][1] / before[run][1] - 1.0 for run in before)
            yield Effect(name, kind, any(after[run][0] != before[run][0] for run in before), shares)  # type: ignore[arg-type]  # two runs
        assert _acute_demand() == before


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python tests/constants.py", description=__doc__)
    parser.add_argument("--only", default="", help="measure numbers whose name contains this text")
    failed = 0
    for effect in effects(parser.parse_args().only):
        baseline, policies = effect.shares
        wrong = effect.moves and effect.kind in MUST_NOT_MOVE
        failed += wrong
        moves = f"{baseline:+.2%} {policies:+.2%}" if effect.moves else "nothing"
        print(f"{effect.kind:10} {effect.name}: {moves}{'  WRONG' if wrong else ''}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
