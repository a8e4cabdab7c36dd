"""How later pounds and later health count beside those of today: choices of the analyst, which are set, never drawn."""

from __future__ import annotations

from sim.schema.quantities import Params, number

VALUATION = "valuation"
"""The group of these parameters."""


class Valuation(Params):
    """Discount rates. The first year counts in full."""

    discount_money: float = number(
        0.035,
        low=0.0,
        high=0.06,
        unit="per year",
        source="C32 [ES]: HM Treasury Green Book",
        status="measured",
        meaning="discount rate of pounds",
    )
    discount_health: float = number(
        0.035,
        low=0.0,
        high=0.06,
        unit="per year",
        source="C32 [ES]: HM Treasury Green Book, the rate of pounds; its rate of health is 0.015",
        status="measured",
        meaning="discount rate of quality-adjusted life years",
    )
