"""The section on the limits of the model, and on the differences between the policies."""

from __future__ import annotations

from dash import html

from dashboard.model import ModelIndex


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
                            html.Strong("Bands around a level "),
                            "are the middle 95% of runs that differ only in chance events. ",
                            html.Strong("The 95% CI (confidence interval) of a difference "),
                            "includes the mean of very many such runs in 95 of 100 cases. If the CI excludes 0, the "
                            "page calls the difference clear. If the CI includes 0, the difference can be chance.",
                        ]
                    ),
                    html.Li(
                        "To compare two policies, the model uses the same people and the same chance events for both."
                    ),
                    html.Li(
                        "Neither includes the uncertainty of the parameters. Several parameters are assumed; the "
                        "section “About” of their lever says so. The real uncertainty is wider."
                    ),
                    html.Li(
                        "Compare policies with each other. Do not read a single line as a prediction, and do not use "
                        "the page to rank real services."
                    ),
                ]
            ),
            html.Details([html.Summary("Why the policies differ"), html.Dl(policies)]),
            html.P(f"Upstream {index.version}. Everything runs on this computer; nothing is sent anywhere."),
        ],
    )
