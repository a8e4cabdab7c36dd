"""The result of calibration: all inputs from which a world is built, except the place and the seed."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from sim.hazards import Solution, Targets, targets
from sim.people.domains import Domain
from sim.place.place import Place
from sim.place.population_mix import ENGLAND, population_mix
from sim.schema.quantities import Params
from sim.services.catalogue import Service
from sim.simulation.simulate import burn_in
from sim.state.world import World
from sim.world.build import BuiltWorld, build


class Calibrated(NamedTuple):
    """All inputs from which a world is built, except the place and the seed."""

    domains: tuple[Domain, ...]
    services: tuple[Service, ...]
    params: dict[str, Params]
    solution: Solution
    aims: Targets

    def world(self, place: Place, people: int | None, seed: int, threads: int = 1) -> BuiltWorld:
        """Build a world of this place, before the burn-in."""
        return build(place, people, seed, self.domains, self.services, self.solution, self.aims, self.params, threads)

    def burned_in_world(self, place: Place, people: int | None, seed: int, threads: int = 1) -> World:
        """Build a world of this place and run its burn-in, up to the first reported month."""
        return burn_in(self.world(place, people, seed, threads), self.params, seed, threads=threads)

    def digest(self) -> str:
        """A digest of the content: two models with the same digest build the same worlds."""
        digest = hashlib.sha256()
        for model in (*self.domains, *self.services):
            digest.update(model.model_dump_json().encode())
        for name, params in self.params.items():
            digest.update(f"{name} {params.model_dump_json()}".encode())
        for array in (*self.solution, *self.aims):
            # By value: a solution that was read has its donors in half precision, one that was just made in single.
            digest.update(f"{array.dtype.kind} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array, np.float64 if array.dtype.kind == "f" else None).tobytes())
        return digest.hexdigest()


def england_targets(domains: tuple[Domain, ...], services: tuple[Service, ...], solution: Solution) -> Targets:
    """The calibration targets, with England's households from the solution."""
    mix = population_mix(Place.load(ENGLAND), 3_000_000 // 100)
    return targets(domains, services, mix, mix * solution.households)
