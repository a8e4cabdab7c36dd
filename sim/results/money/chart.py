"""Who spends and who pays under each policy, as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim.results.money.ledger import OUTSIDE, SILO_LABELS, SPENDERS
from sim.results.scenario_styles import styles_of
from sim.state.codes import SILOS

if TYPE_CHECKING:
    import plotly.graph_objects as go

PAYER_LABELS = {
    **{silo: f"{SILO_LABELS[silo]}, budget" for silo in SILOS},
    "centre": "The centre: bail-outs less claw-back",
    "reserves": "Reserves, or still owed",
    OUTSIDE: "New money from outside",
}


def money_chart(
    money: Mapping[str, Mapping[str, Any]],
    headings: Mapping[str, str],
    part: str = "by_silo",
) -> go.Figure:
    """Draw who spends more and who spends less under each policy, or who pays for it.

    Parameters
    ----------
    money : mapping of str to mapping
        The appraisals of some policies: `money` of the document of a comparison.
    headings : mapping of str to str
        Heading of each policy.
    part : {"by_silo", "payers"}
        Who spends, or who pays.

    Returns
    -------
    plotly.graph_objects.Figure
        A bar for each policy and budget holder, pounds a person over all years, discounted, with 95% intervals.
    """
    import plotly.graph_objects as go

    labels = {spender: SILO_LABELS[spender] for spender in SPENDERS} if part == "by_silo" else PAYER_LABELS
    used = [key for key in labels if any(appraisal[part][key] for appraisal in money.values())]
    figure = go.Figure()
    years = 0
    looks = styles_of(money)
    for name, appraisal in money.items():
        people, years = appraisal["people"], appraisal["years"]
        rows = [appraisal["estimates"][_item(key, part)] for key in used]
        means = [row["mean"] / people for row in rows]
        ends = [(row["ci_low"], row["ci_high"]) for row in rows]
        has_interval = all(low is not None and high is not None for low, high in ends)
        figure.add_bar(
            name=headings.get(name, name),
            y=[labels[key] for key in used],
            x=means,
            orientation="h",
            marker={
                "color": looks[name].colour,
                "pattern": {"shape": looks[name].pattern},
            },
            error_x={
                "type": "data",
                "array": [high / people - mean for (_, high), mean in zip(ends, means, strict=True)],
                "arrayminus": [mean - low / people for (low, _), mean in zip(ends, means, strict=True)],
            }
            if has_interval
            else None,
            hovertemplate="%{y}: £%{x:,.0f} a person<extra>%{fullData.name}</extra>",
        )
    subject = "spends" if part == "by_silo" else "pays"
    figure.update_layout(
        title=f"Who {subject} more, and who less, than the baseline",
        xaxis_title=f"£ a person over {years} years, discounted",
        yaxis={"autorange": "reversed"},
        barmode="group",
    )
    return figure


def _item(key: str, part: str) -> str:
    """The item of an appraisal behind a bar."""
    if part == "by_silo":
        return f"spending.{key}"
    return f"budget.{key}" if key in SPENDERS else key
