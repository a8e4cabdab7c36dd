"""What the page is and is not, and why the policies differ."""

from __future__ import annotations

from dash import html

from dashboard.model import ModelIndex


def about(book: ModelIndex) -> html.Section:
    """Read once by whoever wants to know whether to believe the numbers."""
    policies = [
        html.Div(
            [
                html.Dt(book.label(name)),
                html.Dd(
                    [
                        html.P(text)
                        for text in (getattr(scenario, "question", ""), getattr(scenario, "reason", ""))
                        if text
                    ]
                ),
            ]
        )
        for name, scenario in book.scenarios.items()
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
                            html.Strong("Bands about a level "),
                            "hold the middle 95 % of runs that differ by luck alone. ",
                            html.Strong("Intervals about a difference "),
                            "are where the mean of ever more such runs would lie, 95 times in 100; one that leaves out "
                            "nought is called a difference here, all else “within luck”.",
                        ]
                    ),
                    html.Li(
                        "Both leave out doubt about the parameters, several of which are assumed and say so under "
                        "“About” beside their lever. Real uncertainty is wider."
                    ),
                    html.Li(
                        "Compare policies with each other. Do not read any single line as what will happen, and do "
                        "not rank real services by it."
                    ),
                ]
            ),
            html.Details([html.Summary("Why the policies differ"), html.Dl(policies)]),
            html.P(f"Upstream {book.version}. Everything runs on this computer; nothing is sent anywhere."),
        ],
    )
