"""A lever set by a visitor: its amount, dates and target group, as arguments for the model, as TOML and as Python."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

SERVICE, WHERE, WHO = "service", "where", "who"
FIFTHS = (1, 2, 3, 4, 5)
FIFTH_LABELS = ("most deprived fifth", "second fifth", "third fifth", "fourth fifth", "least deprived fifth")


@dataclass(frozen=True)
class TargetGroup:
    """The services, neighbourhoods and ages that a lever setting applies to. An empty field means all."""

    services: tuple[str, ...] = ()
    fifths: tuple[int, ...] = ()
    """Fifths of neighbourhoods by deprivation. 1 is the most deprived."""
    ages: tuple[int, int] | None = None
    """First and last year of age; both are bounds of age bands."""

    def limits(self, kind: str) -> bool:
        """Whether the group is limited by one kind: services, neighbourhoods or ages."""
        return bool({SERVICE: self.services, WHERE: self.fifths, WHO: self.ages}[kind])


EVERYONE = TargetGroup()


@dataclass(frozen=True)
class LeverSetting:
    """One lever setting. Its fields are those of a `[[policies]]` table in a scenario file."""

    lever: str
    kind: Literal["value", "shift"]
    amount: float
    start: str
    over_months: int = 1
    until: str | None = None
    target: TargetGroup = EVERYONE
    shock: bool = False

    def as_policy(self) -> dict[str, Any]:
        """The setting as the keys and values of a policy in a scenario file, without defaults."""
        policy: dict[str, Any] = {
            "lever": self.lever,
            self.kind: self.amount,
            "start": self.start,
            "over_months": self.over_months,
        }
        if self.until is not None:
            policy["until"] = self.until
        if self.target.services:
            policy["service"] = list(self.target.services)
        if self.target.fifths:
            policy["where"] = {"quintiles": list(self.target.fifths)}
        if self.target.ages is not None:
            policy["who"] = {"ages": list(self.target.ages)}
        return policy

    def toml(self) -> str:
        """The setting as a table of a scenario file."""
        lines = ["[[shocks]]" if self.shock else "[[policies]]"]
        lines += [f"{key} = {value}" for key, value in _flat(self.as_policy())]
        return "\n".join(lines)

    def python(self) -> str:
        """The setting as arguments of `Scenario.with_policy`."""
        policy = self.as_policy()
        arguments = [json.dumps(policy.pop("lever")), *(f"{key}={_literal(value)}" for key, value in policy.items())]
        return ", ".join(arguments)

    def as_dict(self) -> dict[str, Any]:
        """The setting as plain data."""
        return asdict(self)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Keys and values as TOML writes them; the keys of nested tables are dotted."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _literal(value)


def _literal(value: Any) -> str:
    """A value in a notation that is both TOML and Python: text, numbers, and lists and tables of these."""
    if isinstance(value, float):
        return f"{value:.12g}"
    return json.dumps(value)
