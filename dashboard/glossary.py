"""Words that a newcomer does not know: one definition each, at the word and in a list."""

from __future__ import annotations

from dash import html

from dashboard.html_attributes import aria

WORDS = {
    "acute demand": (
        "Everything that acute services must answer in a year, such as visits to A&E, emergency admissions, children "
        "taken into care and arrests, each counted at what it costs. An index: the baseline in year 1 is 100."
    ),
    "episode": (
        "One use of an acute service, such as one visit to A&E or one admission. A person can have several in a year."
    ),
    "kind of spending": (
        "Also called a tier. "
        "Acute: emergencies that cannot be refused. Responsive: help on request, with a threshold and a queue. "
        "Preventive: general practice, public health and targeted early help. Community: groups and neighbourhood work."
    ),
    "budget holder": (
        "The organisation that pays (its budget is also called a silo): the NHS, a council's department, the police. "
        "Money seldom moves from one to another."
    ),
    "run": (
        "One simulation of the place from the first month to the last, with chance events of its own. The number that "
        "starts the chance events is called the seed, so 20 seeds are 20 runs."
    ),
    "95% CI": (
        "95% confidence interval of the mean: in 95 of 100 cases it includes the mean of very many runs. If the "
        "interval of a difference includes 0, the direction of the difference is not known."
    ),
    "middle 95% of runs": "The range without the lowest and the highest 2.5% of runs: how much single runs differ.",
    "baseline": "The same place with policies and budgets as they are. Every policy is compared with it.",
    "fifth": (
        "England’s neighbourhoods in order of deprivation, in five groups of equal size. The most deprived fifth of "
        "the place are its neighbourhoods in the first of them."
    ),
}


def term(word: str, text: str = "") -> html.Span:
    """A word whose definition opens below it, by pointer or keyboard, and closes with Escape (assets/page.js)."""
    return html.Span(
        [
            html.Button(html.Dfn(text or word), type="button", className="term", **aria(expanded="false")),
            html.Span(f" {WORDS[word]} ", className="term-text", hidden=True),
        ]
    )


def definitions() -> html.Dl:
    """All words with their definitions."""
    return html.Dl(
        [html.Div([html.Dt(html.Dfn(word.capitalize() if word[0].islower() else word)), html.Dd(text)])
         for word, text in WORDS.items()],
        className="words",
    )  # fmt: skip
