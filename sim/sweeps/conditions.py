"""The filter of a design: conditions on the columns of a run, all of which must hold. No text is evaluated."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from sim.schema.errors import NOTHING, RequirementError
from sim.schema.quantities import Closed, Number

Value = str | Number
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "above": operator.gt,
    "at_least": operator.ge,
    "below": operator.lt,
    "at_most": operator.le,
}


class RunFilter(Closed):
    """A condition on one column: the run is in the sweep only if it holds.

    Examples
    --------
    >>> RunFilter(column="seed", at_most=3).holds({"seed": 4})
    False
    >>> RunFilter(column="prevention_share", below="acute_share").holds({"prevention_share": 1.0, "acute_share": 2.0})
    True
    """

    column: str = Field(min_length=1, description="a column of the table of runs")
    above: Value | None = Field(None, description="a number, or the name of another column")
    at_least: Value | None = Field(None, description="a number, or the name of another column")
    below: Value | None = Field(None, description="a number, or the name of another column")
    at_most: Value | None = Field(None, description="a number, or the name of another column")
    equals: Value | None = Field(None, description="a number or a text")
    one_of: list[Value] | None = Field(None, min_length=1, description="numbers or texts")

    @model_validator(mode="after")
    def _something(self) -> Self:
        tests = (*COMPARISONS, "equals", "one_of")
        if all(getattr(self, key) is None for key in tests):
            raise RequirementError(f"at least one of {', '.join(tests)}", NOTHING)
        return self

    def columns(self) -> set[str]:
        """The columns that the condition reads."""
        values = (getattr(self, key) for key in COMPARISONS)
        return {self.column, *(value for value in values if isinstance(value, str))}

    def check(self, texts: set[str], numbers: set[str]) -> None:
        """Check that the columns exist and that numbers are compared with numbers.

        Parameters
        ----------
        texts, numbers : set of str
            Columns of texts, and of numbers.

        Raises
        ------
        RequirementError
            At the first mistake.
        """
        if self.column not in texts | numbers:
            known = sorted(texts | numbers)
            raise RequirementError("a column of the table of runs", self.column, known, below=("column",))
        for key in COMPARISONS:
            value = getattr(self, key)
            if value is None:
                continue
            if self.column in texts:
                raise RequirementError("equals or one_of, as the column has texts", key, below=(key,))
            if isinstance(value, str) and value not in numbers:
                raise RequirementError("a number, or a column of numbers", value, sorted(numbers), below=(key,))
        kind = str if self.column in texts else float
        for key, values in (("equals", [self.equals]), ("one_of", self.one_of or [])):
            for value in values:
                if value is not None and isinstance(value, str) != (kind is str):
                    wanted = "a text" if kind is str else "a number"
                    raise RequirementError(f"{wanted}, as the column {self.column} has", value, below=(key,))

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether the condition holds for a run.

        Parameters
        ----------
        row : mapping of str to object
            The columns of a run. A number that the run does not have (None) fails every comparison.

        Returns
        -------
        bool
        """
        present = row[self.column]
        for key, compare in COMPARISONS.items():
            value = getattr(self, key)
            if value is None:
                continue
            limit = row[value] if isinstance(value, str) else value
            if present is None or limit is None or not compare(present, limit):
                return False
        if self.equals is not None and present != self.equals:
            return False
        return self.one_of is None or present in self.one_of
