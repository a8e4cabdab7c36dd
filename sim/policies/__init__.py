"""What a policy can pull: one lever a file. A new file here is a new lever, slider, sweep range and row in the tables.

A lever's file declares a `LEVER` and enters one kernel `(world, path, clock)` in the book; `path[month, service]` is
the lever's value over time.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Lever:
    """A thing a policy can change."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    baseline: float
    step: float
    source: str
    meaning: str
    kind: Literal["value", "shift"] = "value"
    """A 'shift' lever is 0 at baseline and takes only `shift`; a 'value' lever takes `value` or `shift`."""
    by_service: bool = False
    """Whether a policy may aim it at one service."""


def levers() -> tuple[Lever, ...]:
    """Every lever, in order of name."""
    found = [importlib.import_module(f"{__name__}.{info.name}").LEVER for info in pkgutil.iter_modules(__path__)]
    return tuple(sorted(found, key=lambda lever: lever.name))
