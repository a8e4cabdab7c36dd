"""Expectations of a scenario file: a measure, its groups, its years, and the direction or range that is expected."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from sim.scenario.calibration_mode import Calibrate
from sim.scenario.policy import Policy
from sim.schema.errors import Phrase, RequirementError
from sim.schema.quantities import Closed, Number

CLAIM = r"^M([1-9]|[1-8][0-9]|9[0-4])$"
"""The form of a claim's number."""
Effect = Literal["direct", "propagated"]
"""An effect on a variable that the scenario's own levers determine, or on one that further mechanisms determine."""


class GroupSelection(Closed):
    """A selection of the groups of a measure, by one or several axes; people and counts are summed before any ratio."""

    service: str | list[str] | None = None
    domain: str | list[str] | None = None
    quintile: int | list[int] | None = Field(None, description="fifths by deprivation, 1 the most deprived")
    age: str | list[str] | None = Field(None, description="age bands, such as 65-74 or 85+")
    child_age: int | list[int] | None = Field(None, description="single years of age of children")
    neighbourhood: str | list[str] | None = None

    def groups(self) -> dict[str, tuple[str, ...]]:
        """List the selected groups by axis, with the names that results have.

        Returns
        -------
        dict of str to tuple of str

        Examples
        --------
        >>> GroupSelection(quintile=[1, 2], age="85+").groups()
        {'quintile': ('1', '2'), 'age': ('85+',)}
        """
        values = ((axis, getattr(self, axis)) for axis in GroupSelection.model_fields)
        return {
            axis: tuple(map(str, value)) if isinstance(value, list) else (str(value),)
            for axis, value in values
            if value is not None
        }


class MeasureSpec(GroupSelection):
    """A measure of some groups, in a year or as the mean over some years."""

    metric: str
    year: int | None = Field(None, ge=1)
    years: list[int] | None = Field(None, min_length=2, max_length=2, description="the first and the last")
    relative: bool = Field(False, description="a difference is a share of the level from which it is taken")
    share_of: GroupSelection | None = Field(
        None, description="the level is the part of these groups in the groups stated here"
    )
    compared_with: GroupSelection | None = Field(None, description="less the same measure for the groups stated here")

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        if (self.year is None) == (self.years is None):
            raise RequirementError("one of year and years", Phrase("neither" if self.year is None else "both"))
        if self.years is not None and not 1 <= self.years[0] < self.years[1]:
            raise RequirementError("a first year from 1 on and a later last one", self.years, below=("years",))
        for other in ("share_of", "compared_with"):
            groups = getattr(self, other)
            if groups is not None and not groups.groups():
                raise RequirementError(
                    "at least one axis", Phrase("none"), tuple(GroupSelection.model_fields), below=(other,)
                )
        return self

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last year, counted from 1."""
        if self.years is not None:
            return self.years[0], self.years[1]
        assert self.year is not None
        return self.year, self.year

    @property
    def last(self) -> int:
        """The last year that the measure needs, counted from 1."""
        return self.span[1]


class Expect(MeasureSpec):
    """An expected result: a difference from the baseline, unless `against` or `interaction` state another reference.

    It is met only where the 95% interval of the mean difference (two-sided, paired by seed) lies wholly on one side of
    0 for a direction, wholly above `low`, or wholly below `high`. The absence of a difference is never concluded from a
    wide interval: 'either' needs a margin, `low` and `high`, within which the interval lies (a test of equivalence).
    """

    direction: Literal["up", "down", "either"] | None = None
    low: Number | None = None
    high: Number | None = None
    against: str | None = Field(None, description="the scenario from which the difference is taken")
    interaction: list[str] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="the two scenarios that this one combines: this - first - second + baseline",
    )
    claim: str | None = Field(None, pattern=CLAIM, description="the row of `shows` that this is evidence for")
    note: str = ""
    effect: Effect | None = Field(
        None,
        description="direct: on a variable that the scenario's own levers determine; propagated: beyond it. By default "
        "from declarations (sim/validation/propagation.py); stated only where that is wrong, with effect_reason",
    )
    effect_reason: str = ""

    @model_validator(mode="after")
    def _can_be_tested(self) -> Self:
        low, high = self.low, self.high
        if low is not None and high is not None and low >= high:
            raise RequirementError(f"a number above low, {low:g}", high, below=("high",))
        if self.direction == "either" and (low is None or high is None):
            came = Phrase(" without ".join(["one"] + [name for name in ("low", "high") if getattr(self, name) is None]))
            raise RequirementError("low and high: the margin within which a difference counts as none", came)
        if self.against is not None and self.interaction is not None:
            raise RequirementError("one of against and interaction", Phrase("both"), below=("interaction",))
        if (self.effect is None) != (not self.effect_reason):
            came = Phrase("no reason" if self.effect is not None else "a reason without an effect")
            raise RequirementError("effect and effect_reason together", came, below=("effect_reason",))
        return self

    def others(self) -> tuple[str, ...]:
        """The scenarios that the expectation needs in addition to its own scenario and the baseline."""
        return (self.against,) if self.against is not None else tuple(self.interaction or ())


class ClaimLimit(Closed):
    """A limit of a claim: another world or policy for which the claim is not true, and the result expected there.

    `change` are parameters of the other world. Hazards are not solved again for it (`calibrate` is "none"): the world
    differs from England's, and the question is what the policy does in such a world, not which other hazards would give
    England's rates under these parameters. Its baseline is run in the same world. `policies` are added to those of the
    scenario, in place of one with the same lever and aim; with `in_baseline`, also to those of its baseline.
    """

    because: str = Field(min_length=10)
    change: dict[str, Number] = Field(default_factory=dict)
    policies: list[Policy] = Field(default_factory=list)
    in_baseline: bool = Field(False, description="whether these policies are in the baseline too: another world")
    calibrate: Calibrate = "none"
    expect: list[Expect] = Field(min_length=1)

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if not self.change and not self.policies:
            raise RequirementError("another world or policy: change or policies", Phrase("neither"))
        return self
