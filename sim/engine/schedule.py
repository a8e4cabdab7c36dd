"""Mechanisms, and the order in which a month runs them.

A mechanism is one file: a claim, its parameters, the columns it reads and writes, a compiled kernel, and a State for
what it alone remembers. The month is the list of phases below, from top to bottom. Two mechanisms of one phase that
touch the same column must declare which comes first, or the registry refuses the schedule.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.engine.tables import columns
from sim.schema.declarations import line_of
from sim.schema.errors import InputError, Phrase
from sim.schema.quantities import Params


class Phase(IntEnum):
    """The phases of a month, in order."""

    BUDGET = 1
    POLICY = 2
    WORKFORCE = 3
    COMMUNITY = 4
    REFRESH = 5
    SURVEY = 6
    CANDIDATE_THINNING = 7
    SUPPORT = 8
    NEED = 9
    HELP_SEEKING = 10
    WALK_IN_DEMAND = 11
    MEMORY = 12
    LIFE = 13
    REMEMBER = 14
    SERVICE = 15
    ACCOUNTS = 16


class Clock(NamedTuple):
    """The time at which a kernel runs: the run's seed, and the month counted from the start (0 = first month)."""

    seed: np.uint64
    month: np.int64


Kernel = Callable[..., None]


@dataclass(frozen=True)
class Mechanism:
    """One entry of the registry."""

    name: str
    phase: Phase
    params: type[Params]
    kernel: Kernel
    reads: tuple[str, ...]
    """Columns, `table.column`, that it reads."""
    writes: tuple[str, ...]
    """Columns that it changes; whatever it writes it may read too."""
    after: tuple[str, ...]
    """Mechanisms of the same phase that run before it."""
    module: str
    claim: str
    """First sentence of the module's docstring."""
    lever: str | None = None
    by_part: bool = False
    """Whether the kernel works on one part of the place, `world.part`, and on others only as `beyond` states."""
    beyond: tuple[str, ...] = ()
    """Columns of which it reads rows outside the part."""
    state: type | None = None
    """Columns that only the mechanisms of its file use: a table of the world, `world.private.NAME`."""

    @property
    def state_name(self) -> str:
        """Name of the table of its State: that of its file."""
        return self.module.rsplit(".", 1)[-1]

    @property
    def file(self) -> Path:
        """The file that declares it."""
        return Path(str(sys.modules[self.module].__file__)) if self.module in sys.modules else Path(self.module)

    def line(self, text: str) -> int | None:
        """The first line of its file that has a word of the declaration."""
        return line_of(self.file, rf"\b{text}\b")


class NoParams(Params):
    """Parameters of a mechanism whose numbers are all in data files."""

    nothing: float = 0.0

    @classmethod
    def declared(cls) -> Any:
        """No parameter is declared."""
        return iter(())


@dataclass
class Registry:
    """The mechanisms declared so far, and the order in which a month runs them."""

    entries: dict[str, Mechanism] = field(default_factory=dict)
    _last: tuple[tuple[Mechanism, ...], tuple[Mechanism, ...]] = ((), ())
    """The mechanisms last put in order, and their order."""

    def add(self, entry: Mechanism) -> None:
        """Register a mechanism.

        Raises
        ------
        InputError
            If another module has registered the same name.
        """
        registered = self.entries.get(entry.name)
        if registered is not None and registered.module != entry.module:
            wanted = f"a name that no other mechanism has; {registered.module} declares one"
            raise InputError(entry.file, entry.line("mechanism"), "mechanism.name", wanted, entry.name)
        for other in self.entries.values():
            if entry.state is None or other.state is None or other.state_name != entry.state_name:
                continue
            if other.module != entry.module or other.state.__qualname__ != entry.state.__qualname__:
                wanted = f"one State for a file of this name; {other.module} declares {other.state.__qualname__}"
                raise InputError(entry.file, entry.line("state"), "mechanism.state", wanted, entry.state.__qualname__)
        self.entries[entry.name] = entry

    def states(self) -> dict[str, type]:
        """The State of each file that has one, by the name of its table, in alphabetical order."""
        declared = {entry.state_name: entry.state for entry in self.entries.values() if entry.state is not None}
        return dict(sorted(declared.items()))

    def month(self) -> tuple[Mechanism, ...]:
        """The mechanisms in the order of a month; where the order is free, those that work part by part come first.

        Raises
        ------
        InputError
            If two mechanisms touch the same column and neither declares which comes first, or wait for each other.
        """
        entries, (last, order) = tuple(self.entries.values()), self._last
        if len(entries) != len(last) or any(m is not other for m, other in zip(entries, last, strict=True)):
            order = self._in_order()
            self._last = entries, order
        return order

    def check(self, tables: Mapping[str, type]) -> None:
        """Check the columns and predecessors that the mechanisms declare.

        Parameters
        ----------
        tables : mapping of str to NamedTuple class
            The shared tables of state, by name.

        Raises
        ------
        InputError
            With the file, the line and the choices: for a table or column that does not exist, a column of another
            mechanism's State, a predecessor that does not exist, or one of another phase.
        """
        shared = {f"{table}.{name}" for table, kind in tables.items() for name, _ in columns(kind)}
        for entry in self.entries.values():
            self._check_state(entry, tables)
            private = () if entry.state is None else columns(entry.state)
            every = shared | {f"{entry.state_name}.{name}" for name, _ in private}
            for key in ("reads", "writes", "beyond"):
                for column in getattr(entry, key):
                    if column in every:
                        continue
                    table = column.split(".")[0]
                    choices = sorted(c for c in every if c.startswith(f"{table}.")) or sorted(tables)
                    wanted = "a column of state, table.column"
                    if table in self.states():
                        wanted = f"a shared column: {column} is private to the mechanisms of its file"
                    line = entry.line(column.replace(".", r"\."))
                    raise InputError(entry.file, line, f"mechanism.{key}", wanted, column, choices)
            together = sorted(m.name for m in self.entries.values() if m.phase is entry.phase and m is not entry)
            for name in entry.after:
                if name not in together:
                    phase = f" (it runs in {self.entries[name].phase.name})" if name in self.entries else ""
                    wanted = f"a mechanism of phase {entry.phase.name}"
                    came = name if not phase else Phrase(f"'{name}'{phase}")
                    raise InputError(entry.file, entry.line(name), "mechanism.after", wanted, came, together)
        self.month()

    @staticmethod
    def _check_state(entry: Mechanism, tables: Mapping[str, type]) -> None:
        """Refuse a State with the name of a shared table, and one that parallel parts would share."""
        if entry.state is None:
            return
        line = entry.line("state")
        if entry.state_name in tables:
            wanted = "a file whose name is not that of a shared table of state"
            raise InputError(entry.file, line, "mechanism.state", wanted, entry.state_name)
        for name, column in columns(entry.state):
            if entry.by_part and f"{entry.state_name}.{name}" in entry.writes and not OF_ONE_PART & set(column.axes):
                wanted = f"a column over {' or '.join(sorted(OF_ONE_PART))}, as the mechanism works part by part"
                raise InputError(entry.file, line, "mechanism.state", wanted, f"{name} over {', '.join(column.axes)}")

    def _in_order(self) -> tuple[Mechanism, ...]:
        ordered: list[Mechanism] = []
        for phase in Phase:
            waiting = sorted(
                (m for m in self.entries.values() if m.phase is phase), key=lambda m: (not m.by_part, m.name)
            )
            self._refuse_open_order(waiting)
            names = {m.name for m in waiting}
            placed: set[str] = set()
            while waiting:
                ready = [m for m in waiting if all(a in placed or a not in names for a in m.after)]
                if not ready:
                    stuck = waiting[0]
                    came = Phrase(", ".join(m.name for m in waiting))
                    wanted = Phrase(f"{phase.name}: these mechanisms each declare that another of them comes first")
                    raise InputError(stuck.file, stuck.line("after"), "mechanism.after", wanted, came)
                ordered.append(ready[0])
                placed.add(ready[0].name)
                waiting.remove(ready[0])
        return tuple(ordered)

    @staticmethod
    def _refuse_open_order(mechanisms: Iterable[Mechanism]) -> None:
        listed = list(mechanisms)
        earlier = {m.name: set(m.after) for m in listed}
        for _ in listed:  # a predecessor of a predecessor is a predecessor
            for names in earlier.values():
                names |= {far for near in names & earlier.keys() for far in earlier[near]}
        for i, a in enumerate(listed):
            for b in listed[i + 1 :]:
                shared = set(a.writes) & (set(b.writes) | set(b.reads)) | set(b.writes) & set(a.reads)
                if shared and b.name not in earlier[a.name] and a.name not in earlier[b.name]:
                    wanted = Phrase(
                        f"'{a.name}' and '{b.name}' both touch {sorted(shared)} in phase {a.phase.name}: "
                        f"say in one of them which comes first (after=…)"
                    )
                    raise InputError(b.file, b.line("mechanism"), "mechanism.after", wanted, Phrase("neither"))


OF_ONE_PART = frozenset({"person", "dwelling", "neighbourhood"})
"""Axes whose rows each belong to one part of the place."""
REGISTRY = Registry()


def mechanism(
    phase: Phase,
    params: type[Params] = NoParams,
    *,
    state: type | None = None,
    reads: str = "",
    writes: str = "",
    after: str = "",
    lever: str | None = None,
    name: str | None = None,
    by_part: bool = False,
    beyond: str = "",
) -> Callable[[Kernel], Kernel]:
    """Register a kernel `(world, params, clock) -> None`.

    Parameters
    ----------
    phase : Phase
        When in the month it runs.
    params : subclass of Params
        Its parameters. The kernel of a lever gets the lever's path over the months instead, or the pair (path,
        parameters) if the lever has parameters.
    state : NamedTuple class, optional
        Columns that the mechanisms of this file alone use, declared as those of the shared tables. Kernels use them as
        `world.private.NAME`, where NAME is the name of the file. Each starts at 0, unless the class has a method
        `start(world)` that sets others once the shared columns are filled.
    reads, writes : str
        Columns, `table.column`, separated by spaces; NAME is the table of the State. A column that another mechanism
        writes, in whatever phase, is declared.
    after : str
        Mechanisms of the same phase that come before it.
    lever : str, optional
        The lever whose kernel this is.
    name : str, optional
        Name of the mechanism; its module's name, if none is stated.
    by_part : bool
        Whether the kernel is called for each part of the place, in parallel with other parts: it changes no row of
        others, and only adds to counts.
    beyond : str
        With `by_part`: the columns of which it reads rows of other parts.
    """

    def enter(kernel: Kernel) -> Kernel:
        plain = getattr(kernel, "py_func", kernel)
        module = plain.__module__
        doc = (sys.modules[module].__doc__ or "").strip().splitlines()
        REGISTRY.add(
            Mechanism(
                name=name or module.rsplit(".", 1)[-1],
                phase=phase,
                params=params,
                kernel=kernel,
                reads=tuple(reads.split()),
                writes=tuple(writes.split()),
                after=tuple(after.split()),
                module=module,
                claim=doc[0] if doc else "",
                lever=lever,
                by_part=by_part,
                beyond=tuple(beyond.split()),
                state=state,
            )
        )
        return kernel

    return enter
