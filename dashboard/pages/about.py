"""The section on the limits of the model, and on the differences between the policies."""

from __future__ import annotations

from dash import html

from dashboard.glossary import definitions
from dashboard.model import ModelIndex
from sim.assurance.uses import HEADING, excluded_uses


def about(index: ModelIndex) -> html.Section:
    """The section for readers who want to know how far to trust the numbers."""
    policies = [
        html.Div(
            [
                html.Dt(index.label(name)),
                html.Dd(
                    [
                        html.P(text)
                        for text in (getattr(scenario, "question", ""), getattr(scenario, "reason", ""))
                        if text
                    ]
                ),
            ]
        )
        for name, scenario in index.scenarios.items()
    ]
    return html.Section(
        className="card about",
        children=[
            html.H2("What this is, and is not"),
            html.Ul(
                [
                    html.Li(
                        "It is a model of an invented population whose ages, deprivation and use of services follow "
                        "England’s published rates. It does not know your area’s people, contracts or plans."
                    ),
                    html.Li(
                        [
                            html.Strong("Pale bands and thin whiskers "),
                            "are the middle 95% of runs. Runs differ in their chance events and, unless you choose "
                            "“As declared”, in the parameters that they draw from their ranges. ",
                            html.Strong("The 95% CI (confidence interval) of a mean "),
                            "includes the mean of very many such runs in 95 of 100 cases. If the CI of a difference "
                            "excludes 0, the page calls the difference clear. If it includes 0, the direction of the "
                            "difference is not known. A clear difference is one of the mean: single runs, and so the "
                            "real world, can differ in the other direction.",
                        ]
                    ),
                    html.Li(
                        "To compare two policies, the model uses the same people, the same parameters and the same "
                        "chance events for both."
                    ),
                    html.Li(
                        "Some draws of the parameters run twice, with other chance events. The difference between the "
                        "two shows how much of the spread between runs (its variance) is chance."
                    ),
                    html.Li(
                        "Most parameters are assumed, and their ranges too; the section “About” of a lever states its "
                        "source. No band contains the doubt about the structure and the scope of the model. The real "
                        "uncertainty is wider."
                    ),
                ]
            ),
            html.H3(HEADING),
            html.Ul(
                [html.Li([html.Strong(f"{each.use} "), each.instead]) for each in excluded_uses()],
                id="uses",
                tabIndex="-1",
            ),
            html.Details([html.Summary("Why the policies differ"), html.Dl(policies)]),
            html.Details([html.Summary("Words on this page"), definitions()], id="words"),
            html.P(f"Upstream {index.version}. Everything runs on this computer; nothing is sent anywhere."),
        ],
    )
