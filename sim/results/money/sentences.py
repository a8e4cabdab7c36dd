"""The appraisal of a policy in sentences that a finance director can repeat."""

from __future__ import annotations

from collections.abc import Iterator

from sim.results.money.amounts import STANDARD
from sim.results.money.appraisal import BEYOND_YEARS, Appraisal, PresentValue
from sim.results.number_text import fixed


def pounds_text(value: float, *, signed: bool = False, minus: str = "-") -> str:
    """Write an amount in whole pounds.

    Parameters
    ----------
    value : float
        Pounds.
    signed : bool
        Whether a positive amount has a plus sign.
    minus : str
        The minus sign.

    Returns
    -------
    str

    Examples
    --------
    >>> pounds_text(-1462.4), pounds_text(12.0, signed=True)
    ('-£1,462', '+£12')
    """
    text = fixed(value, 0, signed=signed, minus=minus)
    sign = text[: len(text) - len(text.lstrip(f"+{minus}"))]
    return f"{sign}£{text[len(sign) :]}"


def sentences(appraisal: Appraisal) -> tuple[str, ...]:
    """State what a policy costs, who pays, what health it gains, and what both are worth.

    Parameters
    ----------
    appraisal : Appraisal
        The appraisal of the policy.

    Returns
    -------
    tuple of str
    """
    return tuple(_sentences(appraisal))


def _sentences(a: Appraisal) -> Iterator[str]:
    if not any(values.any() for values in a.items.values()):
        yield f"{a.label} makes no difference to spending or health."
        return
    yield f"Over {a.years} years, {a.label} {_spending(a)} and {_health(a)}."
    centre = a.estimate("centre")
    if _is_clear(centre, a):
        budgets, reserves = (
            pounds_text(a.estimate(name).mean / a.people, signed=True) for name in ("budgets", "reserves")
        )
        yield (
            f"Budgets {'do not change' if budgets == '£0' else f'change by {budgets} a person'}; the centre pays "
            f"{pounds_text(abs(centre.mean) / a.people)} {'more' if centre.mean > 0.0 else 'less'} a person in "
            f"bail-outs after claw-back; {reserves} comes out of reserves or is still owed."
        )
    yield _net(a)
    yield from _switch(a)
    yield _break_even(a)
    if a.cost.mean > 0.0:
        test = a.valuation.optimism_test
        yield (
            f"It adds {pounds_text(a.cost.mean / a.people)} a person to budgets and programmes. If that cost "
            f"{test:.0%} more, the net value would be {pounds_text(a.npv_if_costs_rise.mean / a.people)} a person."
        )
    yield (
        f"Nothing after year {a.years} is counted: neither later years of life, nor children who grow up, nor services "
        f"that are still changing. If the differences of year {a.years} went on for {BEYOND_YEARS} more years, the net "
        f"value would change by {pounds_text(a.after_horizon.mean / a.people, signed=True)} a person: an illustration, "
        "not a limit."
    )


def _is_clear(estimate: PresentValue, a: Appraisal) -> bool:
    """Whether a difference is distinguished from 0: by its interval, or in one run by itself."""
    return estimate.excludes_zero or ((a.is_one_run or estimate.ci_low != estimate.ci_low) and estimate.mean != 0.0)


def _spending(a: Appraisal) -> str:
    spending = a.spending
    text = f"{pounds_text(abs(spending.mean) / a.people)} a person {'more' if spending.mean > 0.0 else 'less'}"
    if _is_clear(spending, a):
        return f"spends {text} than the baseline"
    return f"spends about as much as the baseline (mean {text}; the 95% interval includes 0)"


def _health(a: Appraisal) -> str:
    qalys = a.qalys
    size = f"{fixed(1000.0 * abs(qalys.mean) / a.people, 1)} QALYs for each 1,000 people, deaths counted"
    if _is_clear(qalys, a):
        return f"{'gains' if qalys.mean > 0.0 else 'loses'} {size}"
    if qalys.mean == 0.0:
        return "does not change health"
    kind = "a gain" if qalys.mean > 0.0 else "a loss"
    return f"has no clear effect on health ({kind} of {size}; the 95% interval includes 0)"


def _net(a: Appraisal) -> str:
    value = next(value for value in a.valuation.qaly_values if value.name == STANDARD)
    net, public, health = (part.mean / a.people for part in (a.npv, a.npv_public, a.npv_health))
    clear = "" if _is_clear(a.npv, a) else "; the 95% interval includes 0"
    ratio = a.benefit_cost_ratio
    beside = f" (benefit-cost ratio {fixed(ratio, 1)})" if ratio is not None else ""
    return (
        f"With a QALY at {pounds_text(value.pounds)} ({value.label}), the net value is "
        f"{pounds_text(net, signed=True)} a person{beside}: {pounds_text(public, signed=True)} of public money and "
        f"{pounds_text(health, signed=True)} of health{clear}."
    )


def _rounded(pounds: float) -> str:
    """A value of a QALY to three significant figures."""
    return pounds_text(float(f"{pounds:.3g}"))


def _switch(a: Appraisal) -> Iterator[str]:
    switch = a.switch_of_qaly
    if switch.pounds is None:
        nets = a.npv_by_value.values()
        doubt = "" if all(_is_clear(net, a) for net in nets) else ", on average: 95% intervals include 0"
        if switch.case == "better at any value":
            yield f"It saves money and loses no health, so its net value is positive at any value of a QALY{doubt}."
        elif switch.case == "worse at any value":
            yield f"It costs money and gains no health, so its net value is negative at any value of a QALY{doubt}."
        return
    at = _rounded(switch.pounds)
    interval = (
        ""
        if switch.ci_low is None or switch.ci_high is None
        else (f" (95% interval {_rounded(switch.ci_low)} to {_rounded(switch.ci_high)})")
    )
    if switch.case == "worth below":
        yield f"The saving is worth more than the health lost only if a QALY is worth less than {at}{interval}."
    else:
        yield f"The health gained is worth its cost only if a QALY is worth more than {at}{interval}."


def _break_even(a: Appraisal) -> str:
    verdict = a.break_even
    if verdict is None:
        if a.npv_public.mean < 0.0:
            return f"It costs less first and more later, and over {a.years} years it costs more."
        return "It does not cost more first, so there is no cost to recover."
    if verdict.mean != verdict.mean:
        return f"It costs more first, and does not recover that cost within {a.years} years."
    perhaps = f", {verdict.note}" if verdict.note else ""
    return f"It costs more first; from year {verdict.mean:.0f} on it has cost no more than the baseline{perhaps}."
