"""The dashboard's doubt: the range of single runs, chance and parameters apart, refused draws, and drivers."""

from __future__ import annotations

import math
import re
from typing import Any

import dash_mantine_components as dmc
import pytest
from dash import html
from fakes import FakeModel, fake_document

from dashboard import doubt, drivers, findings, summary
from dashboard.choice import default_choice
from dashboard.model import YOURS, Document, ModelIndex, Settings, merged, run
from sim.results.doubt import BEYOND_BANDS, refusals

DEMAND = "acute_demand"


@pytest.fixture(scope="module")
def index() -> ModelIndex:
    """The index of the fake model."""
    return ModelIndex(FakeModel(), Settings())


def comparison(*policies: str, seeds: int = 20, draws: str = "all") -> Document:
    """A document of the fake model."""
    index = ModelIndex(FakeModel(), Settings())
    before, *afters = (index.scenarios[name] for name in ("baseline", *policies))
    return fake_document(before, tuple(afters), "anytown", 30_000, 20, seeds, draws)


def last(document: Document, name: str) -> dict[str, Any]:
    """The difference of acute demand in the last year."""
    row: dict[str, Any] = document["differences"][name][DEMAND]["by_year"][-1]
    return row


def table_of(components: list[Any]) -> Any:
    """The only table among some components."""
    parts: Any = html.Div(components)
    (table,) = (part for part in parts._traverse() if isinstance(part, dmc.Table))
    return table


def texts(components: Any) -> str:
    """The text of some components, in order."""
    if isinstance(components, str):
        return components
    if isinstance(components, list | tuple):
        return " ".join(texts(part) for part in components)
    return texts(getattr(components, "children", None) or [])


# The range of single runs.


def test_the_range_of_runs_has_both_ends_with_their_signs() -> None:
    """The ends of the middle 95% of runs are in the first sentence, as signed percentages, with the number of runs."""
    document = comparison("more-acute", "salami-slice")
    base = document["scenarios"]["baseline"][DEMAND]["by_year"][-1]["mean"]
    last(document, "salami-slice").update(q025=0.031 * base, q975=0.22 * base)

    assert doubt.sentences(document, DEMAND)[0] == (
        "Under “Salami slice”, the difference in acute demand could be as low as +3.1% or as high as +22.0% (middle "
        "95% of 20 runs)."
    )


def test_a_clear_mean_with_runs_in_both_directions_says_so(index: ModelIndex) -> None:
    """A mean can be clear although single runs go both ways: the sentence and the card state that."""
    document = comparison("salami-slice")
    row = last(document, "salami-slice")
    sentence = "The mean is clearly higher, but some runs differ in the other direction."
    row |= {"ci_low": row["mean"] / 2, "ci_high": row["mean"] * 1.5, "q025": row["mean"] / 9, "q975": 2 * row["mean"]}
    assert sentence not in doubt.sentences(document, DEMAND)
    assert findings.MIXED not in texts(summary.cards(document, index))
    row["q025"] = -row["mean"]
    assert sentence in doubt.sentences(document, DEMAND)
    assert findings.MIXED in texts(summary.cards(document, index))
    row["ci_low"] = -1.0
    assert sentence not in doubt.sentences(document, DEMAND)
    assert findings.NO_DIFFERENCE in texts(summary.cards(document, index))


def test_without_a_clear_policy_the_sentences_are_about_the_widest_range() -> None:
    """If no policy differs clearly, the sentences are about the policy whose runs differ most."""
    document = comparison("more-acute", "salami-slice", seeds=10)
    for name in document["differences"]:
        last(document, name).update(ci_low=-99.0, ci_high=99.0)
    last(document, "more-acute").update(q025=-500.0)
    assert findings.focus(document, DEMAND) is None
    assert doubt.sentences(document, DEMAND)[0].startswith("Under “More acute”, the difference in acute demand could")


def test_cards_have_the_interval_and_the_range_of_runs(index: ModelIndex) -> None:
    """A card has the CI of the mean and the middle 95% of runs, and the note under the cards explains both."""
    document = comparison("salami-slice")
    change = findings.change(document, DEMAND, "salami-slice")
    text = texts(summary.cards(document, index))
    assert f"95% CI {findings.ends(change)}" in text
    assert f"Runs {findings.run_ends(change)}" in text
    assert change.run_low < change.low < change.mean < change.high < change.run_high
    note = re.sub(r"\s+", " ", texts(summary.cards_note(document, index)))
    assert "95% CI of the mean" in note
    assert "middle 95% of runs" in note
    assert "20 runs" in re.sub(r"[^\w ]", "", note)


def test_one_run_has_no_range(index: ModelIndex) -> None:
    """With one run there is neither a CI nor a range of runs, and no sentence about them."""
    document = comparison("salami-slice", seeds=1, draws="none")
    row = last(document, "salami-slice")
    row |= {"ci_low": None, "ci_high": None, "q025": row["mean"], "q975": row["mean"], "luck_sd": None}
    assert not any("could be as low" in sentence for sentence in doubt.sentences(document, DEMAND))
    assert "95% CI" not in texts(summary.cards(document, index))


# Chance and parameters.


@pytest.mark.parametrize(
    ("luck_sd", "parameter_sd", "sentence"),
    [
        (1.0, 2.0, "About 20% of the spread between runs comes from chance, and about 80% from parameters that are"),
        (3.0, 1.0, "About 90% of the spread between runs comes from chance, and about 10% from"),
        (0.1, 1.0, "Almost all of the spread between runs comes from parameters that are not known exactly"),
        (1.0, 0.0, "Almost all of the spread between runs comes from chance"),
    ],
)
def test_chance_and_parameters_are_apart(luck_sd: float, parameter_sd: float, sentence: str) -> None:
    """The shares are those of the variance, rounded to 10%, and add up to 100%."""
    document = comparison("salami-slice")
    last(document, "salami-slice").update(luck_sd=luck_sd, parameter_sd=parameter_sd)
    assert any(text.startswith(sentence) for text in doubt.sentences(document, DEMAND))


def test_few_runs_do_not_say_how_much_is_chance() -> None:
    """Two repeated draws, as of five runs, say too little about the share of chance; so does a missing estimate."""
    few = doubt.sentences(comparison("salami-slice", seeds=5), DEMAND)
    assert any("5 runs are too few to state how much each matters" in text for text in few)
    assert not any("about" in text for text in few)
    document = comparison("salami-slice")
    for missing in (None, math.nan):
        last(document, "salami-slice").update(luck_sd=missing, parameter_sd=missing)
        assert not any("chance" in text for text in doubt.sentences(document, DEMAND))
    assert doubt.share_of_chance(0.0, 0.0) is None


def test_parameters_as_declared_leave_their_doubt_out() -> None:
    """Without draws the spread is chance, and a sentence states that the doubt about parameters is in no band."""
    text = doubt.sentences(comparison("salami-slice", draws="none"), DEMAND)[1]
    assert "all of this spread is chance" in text
    assert "parameters are not known exactly is in no band" in text


# Beyond the bands.


def test_what_no_band_contains_and_refused_draws_are_in_words(index: ModelIndex) -> None:
    """The model's sentences on structure and scope, and on refused draws, stand beside the headline unchanged."""
    document = comparison("salami-slice") | {"refused": {"7": "the baseline runs away"}, "beyond_bands": BEYOND_BANDS}
    shown = doubt.sentences(document, DEMAND)
    assert shown[-2:] == [*refusals({7: "the baseline runs away"}), BEYOND_BANDS]
    lines = summary.doubt_lines(document, index)
    (code,) = (part for line in lines for part in line.children if isinstance(part, html.Code))
    assert code.children == "upstream validate"
    assert "`" not in texts(lines)


def test_merged_documents_keep_each_policys_drivers_and_notes() -> None:
    """Drivers, their notes and notes of policies come from every document; documents of other draws do not merge."""
    first, second = (
        comparison(name)
        | {"drivers": {name: {DEMAND: [{"parameter": name}]}}, "driver_notes": {name: ""}, "notes": ["same", name]}
        for name in ("salami-slice", "more-acute")
    )
    both = merged([first, second])
    assert both["drivers"] == first["drivers"] | second["drivers"]
    assert list(both["driver_notes"]) == ["salami-slice", "more-acute"]
    assert both["notes"] == ["same", "salami-slice", "more-acute"]
    with pytest.raises(ValueError, match="draws"):
        merged([first, comparison("more-acute", draws="none")])


# Drivers.

ROW = {
    "parameter": "resilience.scar", "unit": "per crisis", "value": 0.1, "low": 0.0, "high": 0.25, "status": "assumed",
    "source": "M44", "share": 0.31, "share_low": 0.24, "share_high": 0.4, "sign_may_change": True,
}  # fmt: skip


def test_drivers_are_a_table_of_five(index: ModelIndex) -> None:
    """Five parameters, the largest share first, with interval, status, direction, range and source."""
    rows = [ROW | {"parameter": f"p{k}", "share": 0.05 * k, "sign_may_change": False} for k in range(6)]
    document = comparison("salami-slice") | {"drivers": {"salami-slice": {DEMAND: [*rows, ROW]}}}
    document["driver_others"] = {"salami-slice": {"share": 0.1, "share_low": 0.05, "share_high": 0.2}}
    shown = drivers.of_policies(document, index)
    table = table_of(shown)
    assert [row[0] for row in table.data["body"]] == [
        "resilience.scar",
        "p5",
        "p4",
        "p3",
        "p2",
        "All parameters not studied one by one",
    ]
    assert table.data["body"][0][1:] == [
        "31% (24% to 40%)", "assumed", "Yes, within its range", "0 to 0.25 per crisis; declared: 0.1", "M44"
    ]  # fmt: skip
    assert table.data["body"][1][3] == "No"
    assert table.data["body"][-1][1:] == ["10% (5% to 20%)", "", "", "", ""]
    assert len(table.data["head"]) == len(drivers.HEADINGS) == 6
    assert "Not computed" not in texts(shown)


def test_the_model_adds_drivers_to_the_document() -> None:
    """The page looks the drivers of a comparison up when it has run, and stores them with its document."""
    added = {"drivers": {"salami-slice": {DEMAND: [ROW]}}}
    index = ModelIndex(FakeModel(), Settings(), drivers=lambda comparison: added if comparison else {})
    assert run(index, default_choice(index).jobs(index)[0], lambda *_: None)["drivers"] == added["drivers"]


def test_a_row_with_missing_parts_is_not_misleading(index: ModelIndex) -> None:
    """The shape of the interface alone (parameter, status, share and its ends) gives a table without invented parts."""
    row = {"parameter": "x", "status": "measured", "share": 0.3, "share_low": 0.2, "share_high": 0.4}
    document = comparison("salami-slice") | {"drivers": {"salami-slice": {DEMAND: [row]}}}
    assert table_of(drivers.of_policies(document, index)).data["body"] == [
        ["x", "30% (20% to 40%)", "measured", *["not known"] * 3]
    ]


def test_a_share_that_is_not_settled_is_marked(index: ModelIndex) -> None:
    """A share whose interval is wide says that the samples do not settle it, as the printed table does."""
    row = {"parameter": "x", "status": "assumed", "share": 1.0, "share_low": 0.0, "share_high": 1.0, "settled": False}
    document = comparison("salami-slice") | {"drivers": {"salami-slice": {DEMAND: [row]}}}
    assert "not settled" in table_of(drivers.of_policies(document, index)).data["body"][0][1]


def test_without_a_study_the_command_is_shown(index: ModelIndex) -> None:
    """A policy without drivers has a sentence and the command that computes them, with the place and the people."""
    note = "not computed yet for these scenarios; `upstream sensitivity baseline more-acute` computes it"
    document = comparison("salami-slice", "more-acute") | {"driver_notes": {"more-acute": note}}
    (sentence, commands) = drivers.of_policies(document, index)
    assert sentence.children == "Not computed yet for these policies. These commands compute it, in some minutes."
    assert commands.children.splitlines() == [
        "upstream sensitivity baseline salami-slice --place anytown",
        "upstream sensitivity baseline more-acute --place anytown",
    ]
    small = ModelIndex(FakeModel(), Settings(people=4000, years=8))
    choice = default_choice(small)
    visitors = run(small, choice.jobs(small)[0], lambda *_: None)
    visitors["differences"] = {YOURS: next(iter(visitors["differences"].values()))}
    assert drivers.of_policies(visitors, small)[-2].children == (
        "Not computed yet for your policy. This command computes it, in some minutes. Save your policy as a scenario "
        "(TOML) first; the link is under “Save and share”."
    )
    assert drivers.of_policies(visitors, small)[-1].children == (
        "upstream sensitivity baseline your-policy.toml --place anytown --people 4000 --years 8"
    )


def test_a_note_without_a_command_is_shown(index: ModelIndex) -> None:
    """A reason for which there are no drivers, such as no difference, stands in place of a command."""
    document = comparison("salami-slice", "more-acute") | {
        "drivers": {"salami-slice": {DEMAND: [ROW]}},
        "driver_notes": {
            "salami-slice": "for 10,000 people",
            "more-acute": "the difference does not depend on parameters",
        },
    }
    text = texts(drivers.of_policies(document, index))
    assert "More acute : the difference does not depend on parameters." in text
    assert "For 10,000 people." in text
    assert "upstream sensitivity" not in text
