"""A lever moved by a visitor: how far, when and for whom; told alike to the model, to a file and to a reader."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

SERVICE, WHERE, WHO = "service", "where", "who"
FIFTHS = (1, 2, 3, 4, 5)
FIFTH_LABELS = ("most deprived fifth", "second fifth", "third fifth", "fourth fifth", "least deprived fifth")


@dataclass(frozen=True)
class Aim:
    """Whom a move is for. What is empty lets everybody in."""

    services: tuple[str, ...] = ()
    fifths: tuple[int, ...] = ()
    """Neighbourhoods by deprivation, 1 the most deprived."""
    ages: tuple[int, int] | None = None
    """First and last year of age, on the edges of age bands."""

    def named(self, kind: str) -> bool:
        """Whether something is said of one kind of aim."""
        return bool({SERVICE: self.services, WHERE: self.fifths, WHO: self.ages}[kind])


EVERYBODY = Aim()


@dataclass(frozen=True)
class Move:
    """One lever moved at one time. Its fields are those of a `[[policies]]` table in a scenario's file."""

    lever: str
    kind: Literal["value", "shift"]
    amount: float
    start: str
    over_months: int = 1
    until: str | None = None
    aim: Aim = EVERYBODY
    shock: bool = False

    def told(self) -> dict[str, Any]:
        """The move as a scenario's file and `Scenario.with_policy` name its parts; only those that say something."""
        told: dict[str, Any] = {
            "lever": self.lever,
            self.kind: self.amount,
            "start": self.start,
            "over_months": self.over_months,
        }
        if self.until is not None:
            told["until"] = self.until
        if self.aim.services:
            told["service"] = list(self.aim.services)
        if self.aim.fifths:
            told["where"] = {"quintiles": list(self.aim.fifths)}
        if self.aim.ages is not None:
            told["who"] = {"ages": list(self.aim.ages)}
        return told

    def toml(self) -> str:
        """The move as a table of a scenario's file."""
        lines = ["[[shocks]]" if self.shock else "[[policies]]"]
        lines += [f"{key} = {value}" for key, value in _flat(self.told())]
        return "\n".join(lines)

    def python(self) -> str:
        """The move as arguments of `Scenario.with_policy`."""
        told = self.told()
        words = [json.dumps(told.pop("lever")), *(f"{key}={_literal(value)}" for key, value in told.items())]
        return ", ".join(words)

    def digestible(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Keys and values as TOML writes them, a table in a table by dotted keys."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", _literal(value)


def _literal(value: Any) -> str:
    """A value as both TOML and Python write it: text, numbers, and lists and tables of these."""
    if isinstance(value, float):
        return f"{value:.12g}"
    return json.dumps(value)
