"""Cache of burned-in worlds and of baseline runs in memory, for the next comparison of this process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from sim.ensemble.run_limits import CACHED
from sim.place.place import Place
from sim.results.records import Record
from sim.scenario.scenario import Scenario
from sim.state.world import World

T = TypeVar("T")


class MemoryCache(Generic[T]):
    """Cache of recent results: the least recently used is dropped first.

    Parameters
    ----------
    most : int
        Number of results that are cached.
    """

    def __init__(self, most: int) -> None:
        """Make an empty cache."""
        self._most = most
        self._items: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the cached result of a key, or make and cache it.

        Parameters
        ----------
        key : Hashable
            The key.
        make : callable
            Makes the result.

        Returns
        -------
        result
            Shared by all callers.
        """
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
                return self._items[key]
        made = make()
        with self._lock:
            self._items[key] = made
            while len(self._items) > self._most:
                self._items.popitem(last=False)
        return made

    def clear(self) -> None:
        """Drop all results."""
        with self._lock:
            self._items.clear()


burned_in_worlds: MemoryCache[World] = MemoryCache(CACHED)
baseline_records: MemoryCache[Record] = MemoryCache(CACHED)


def world_key(scenario: Scenario, place: Place, people: int | None) -> Hashable:
    """Identity of a world, without its seed.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    place : Place
        The place.
    people : int or None
        Number of people; None for the real size.

    Returns
    -------
    Hashable
    """
    parameters = tuple(sorted(scenario.parameters.items()))
    return place.model_dump_json(), people, parameters, scenario.calibrate
