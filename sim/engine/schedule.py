"""What a mechanism is, when in the month it runs, and the book of all of them.

A mechanism is one file: a claim, its parameters, the columns it reads and writes, a compiled kernel. The month is the
list of phases below, read from top to bottom. Two mechanisms of one phase that touch the same column must say which
comes first, or the book refuses to be put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from sim.schema.quantities import Params


class Phase(IntEnum):
    """The month, in order."""

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
    """Where a kernel stands in time: the run's seed and the month counted from the start (0 = first month)."""

    seed: np.uint64
    month: np.int64


Kernel = Callable[..., None]


@dataclass(frozen=True)
class Mechanism:
    """One entry of the book."""

    name: str
    phase: Phase
    params: type[Params]
    kernel: Kernel
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    after: tuple[str, ...]
    module: str
    claim: str
    lever: str | None = None
    by_part: bool = False
    """Whether the kernel works on a part of the place, `world.part`, and minds no other part but as `beyond` says."""
    beyond: tuple[str, ...] = ()
    """Columns of which it looks at rows outside the part."""


class NoParams(Params):
    """For a mechanism whose numbers all stand in data files."""

    nothing: float = 0.0

    @classmethod
    def declared(cls) -> Any:
        """Nothing to declare."""
        return iter(())


@dataclass
class Registry:
    """The mechanisms known so far, and the order in which a month runs them."""

    entries: dict[str, Mechanism] = field(default_factory=dict)
    _last: tuple[tuple[Mechanism, ...], tuple[Mechanism, ...]] = ((), ())
    """The mechanisms last put in order, and their order."""

    def add(self, entry: Mechanism) -> None:
        """Enter a mechanism; its name must be new."""
        known = self.entries.get(entry.name)
        if known is not None and known.module != entry.module:
            raise ValueError(f"two mechanisms are called '{entry.name}': in {known.module} and in {entry.module}")
        self.entries[entry.name] = entry

    def month(self) -> tuple[Mechanism, ...]:
        """The mechanisms in the order of a month; of those whose order is free, first the ones that go part by part.
        Raises ValueError where the order of two is left open."""
        given, (last, order) = tuple(self.entries.values()), self._last
        if len(given) != len(last) or any(m is not other for m, other in zip(given, last, strict=True)):
            order = self._in_order()
            self._last = given, order
        return order

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
                    raise ValueError(f"{phase.name}: {[m.name for m in waiting]} each wait for another")
                ordered.append(ready[0])
                placed.add(ready[0].name)
                waiting.remove(ready[0])
        return tuple(ordered)

    @staticmethod
    def _refuse_open_order(mechanisms: Iterable[Mechanism]) -> None:
        listed = list(mechanisms)
        earlier = {m.name: set(m.after) for m in listed}
        for _ in listed:  # what comes before something that comes before it, comes before it
            for names in earlier.values():
                names |= {far for near in names & earlier.keys() for far in earlier[near]}
        for i, a in enumerate(listed):
            for b in listed[i + 1 :]:
                shared = set(a.writes) & (set(b.writes) | set(b.reads)) | set(b.writes) & set(a.reads)
                if shared and b.name not in earlier[a.name] and a.name not in earlier[b.name]:
                    raise ValueError(
                        f"'{a.name}' and '{b.name}' both touch {sorted(shared)} in phase {a.phase.name}: "
                        f"say in one of them which comes first (after=…)"
                    )


REGISTRY = Registry()


def mechanism(
    phase: Phase,
    params: type[Params] = NoParams,
    *,
    reads: str = "",
    writes: str = "",
    after: str = "",
    lever: str | None = None,
    name: str | None = None,
    by_part: bool = False,
    beyond: str = "",
) -> Callable[[Kernel], Kernel]:
    """Enter a kernel `(world, params, clock) -> None` in the book. `reads` and `writes` name columns, 'table.column'.

    A lever's kernel gets its own path over the months in place of parameters. A kernel that goes part by part
    (`by_part`) is called once for each part of the place, side by side with other parts: it changes nothing of others,
    adds to counts only, and names in `beyond` the columns of which it looks at others' rows.
    """

    def enter(kernel: Kernel) -> Kernel:
        plain = getattr(kernel, "py_func", kernel)
        module = plain.__module__
        import sys

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
            )
        )
        return kernel

    return enter
