"""Generates the tables of sim/MODEL.md and README.md from the code, and draws the chart of README.md from a run.

docs/index.md has a generated part too: that of `SHARED`.

Each mechanism's claim, evidence and limits are copied unchanged from the docstring of its file. The tables are made
from the declarations.

`python -m sim.reference_docs` does both. With `--tables`, only the tables are written (seconds instead of a
comparison). With `--check`, nothing is written, and the exit status shows whether the tables are out of date. Text
outside the markers is written by hand and never changed.
"""

from __future__ import annotations

import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from pydantic import BaseModel

from sim import policies
from sim.analysis.scope import scope
from sim.assurance.limits import structural_limits
from sim.assurance.uses import excluded_uses
from sim.calibration import calibrate, paired_run, simulation_check
from sim.engine.schedule import REGISTRY, Mechanism
from sim.engine.tables import columns
from sim.feedback.loops import LOOPS
from sim.people import demographic_spin_up
from sim.people.domains import load_domains
from sim.place.place import Place, place_names
from sim.policies import Lever, levers
from sim.results.comparison_chart import comparison_chart
from sim.results.expectation_tests import about
from sim.results.metric_types import Metric
from sim.results.metrics import metrics
from sim.scenario import registry
from sim.scenario.headings import PREVENTION_NAMES
from sim.scenario.parameters import parameter_groups, parameters
from sim.scenario.scenario import Scenario, library
from sim.scenario.valuation import VALUATION
from sim.schema.docstring_sections import docstring_sections
from sim.schema.markdown_table import markdown_table as _table
from sim.schema.prices import base_year
from sim.schema.quantities import Figure
from sim.services.catalogue import Service, load_catalogue
from sim.state.codes import PURPOSES
from sim.state.world import all_tables
from sim.validation.claims import Case, cases, claim_texts, outside_texts
from sim.validation.coverage import published_coverage
from sim.validation.natural_experiments import EXPERIMENTS, Experiment
from sim.validation.published_fit import band_text, effect_text, figures_text, published_text
from sim.validation.stored_results import runs_text, stored
from sim.world.build import BURN_IN_MONTHS

SIM_FOLDER = Path(__file__).parent
MODEL = SIM_FOLDER / "MODEL.md"
README = SIM_FOLDER.parent / "README.md"
OTHER_PAGES = (README, SIM_FOLDER.parent / "docs" / "index.md")
"""Further pages with generated parts."""
CHART = SIM_FOLDER.parent / "scenarios" / "main-comparison.svg"
MOST_NAMED = 8
"""Largest number of consecutive levers that the table of mechanisms names."""
CHART_SCENARIOS = ("baseline", "salami-slice", "more-acute", "prevention-shift")


# --- tables ----------------------------------------------------------------------------------------------------------


def _module_path(module: str) -> str:
    """The path of a module of `sim`, relative to MODEL.md."""
    return f"{module.removeprefix('sim.').replace('.', '/')}.py"


def _module_link(module: str) -> str:
    """A link from MODEL.md to a module of `sim`."""
    return f"[{_module_path(module)}]({_module_path(module)})"


def _project_link(path: Path) -> str:
    """A link from MODEL.md to a file of the project."""
    return f"[{path.stem}](../{path.relative_to(SIM_FOLDER.parent).as_posix()})"


def _ages(ages: tuple[int, int]) -> str:
    return f"{ages[0]}+" if ages[1] == 109 else f"{ages[0]}-{ages[1]}"


def _value(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:g}"


def mechanisms_table() -> str:
    """The mechanisms of a month, in the order in which they run. Consecutive levers share a row."""
    rows = []
    steps_of_month = list(enumerate(REGISTRY.month(), 1))
    for is_lever, group in groupby(steps_of_month, key=lambda step: step[1].lever is not None):
        group_steps = list(group)
        if is_lever:
            first, last = group_steps[0][0], group_steps[-1][0]
            names = ", ".join(f"`{entry.name}`" for _, entry in group_steps)
            lever_names = (
                f"*If a policy sets them:* {names}."
                if len(group_steps) <= MOST_NAMED
                else "*If a policy sets them:* all other levers."
            )
            step_range = f"{first}" if first == last else f"{first}-{last}"
            rows.append((step_range, "policy", f"{len(group_steps)} levers", lever_names, "[policies/](policies/)"))
            continue
        for step, entry in group_steps:
            claim = entry.claim
            if entry.name.endswith("_bounds"):
                claim = "Recomputes the bounds of this month's draws for people whose state changed."
            phase = entry.phase.name.lower().replace("_", " ")
            rows.append((f"{step}", phase, f"`{entry.name}`", claim, _module_link(entry.module)))
    return _table(("step", "phase", "mechanism", "claim", "file"), rows)


def state_tables() -> str:
    """Every column of state by table, with the mechanisms that write it."""
    writers: dict[str, list[str]] = {}
    for entry in REGISTRY.month():
        for column in entry.writes:
            name = f"*{entry.lever}*" if entry.lever else entry.name
            writers.setdefault(column, []).append(name)
    parts = []
    files = {entry.state_name: entry.module for entry in REGISTRY.month() if entry.state is not None}
    for name, table in all_tables().items():
        doc = " ".join((table.__doc__ or "").split("\n\n")[0].split())
        rows = [
            (f"`{c}`", spec.dtype, " × ".join(spec.axes), spec.unit, spec.meaning,
             ", ".join(writers.get(f"{name}.{c}", ())))
            for c, spec in columns(table)
        ]  # fmt: skip
        head = ("column", "type", "axes", "unit", "meaning", "written by")
        of_file = f" Only {_module_link(files[name])} uses it." if name in files else ""
        parts.append(f"**`{name}`.** {doc}{of_file}\n\n{_table(head, rows)}")
    return "\n\n".join(parts)


# --- submodels -------------------------------------------------------------------------------------------------------


def submodels(folder: ModuleType) -> str:
    """The docstring and kernels of each file of a folder that makes a claim, in the order of the month."""
    month = list(enumerate(REGISTRY.month(), 1))
    texts: list[tuple[int, str]] = []
    for info in pkgutil.iter_modules(folder.__path__):
        name = f"{folder.__name__}.{info.name}"
        doc = (sys.modules[name].__doc__ or "").strip()
        steps = [(step_number, entry) for step_number, entry in month if entry.module == name]
        if "\nClaim " in doc:
            texts.append((steps[0][0] if steps else 0, _submodel(name, doc, steps)))
    return "\n\n".join(text for _, text in sorted(texts))


def _submodel(module: str, doc: str, steps: Sequence[tuple[int, Mechanism]]) -> str:
    sentence, _, rest = doc.partition("\n\n")
    kernels = ", ".join(
        f"`{entry.kernel.__name__}`" + (f" as `{entry.name}`" if len(steps) > 1 else "") + f" (step {step_number})"
        for step_number, entry in steps
    )
    group = module.rsplit(".", 1)[-1]
    use = f"Kernel: {kernels}." if kernels else "Used when a world is built or people move in; not a step of the month."
    if group in parameter_groups():
        use += f" Parameters: `{group}.…`"
    return f"#### {_module_link(module)}\n\n*{' '.join(sentence.split())}*\n\n```text\n{rest.strip()}\n```\n\n{use}"


def loops_table() -> str:
    """The feedback loops, and how each is disabled."""
    rows = []
    for loop in LOOPS:
        files = ", ".join(f"[{file}]({file})" for file in loop.files)
        switches = f"{', '.join(loop.switch())}: {loop.disabled_by}" + (
            " Moves the baseline." if loop.moves_baseline else ""
        )
        rows.append((f"**{loop.name} {loop.label}**", loop.chain, loop.sign, switches, files))
    return _table(("loop", "chain", "sign", "switch", "described in"), rows)


# --- parameters, levers, domains, services and metrics ---------------------------------------------------------------


def parameters_table() -> str:
    """Every parameter that is declared in a Python file, with its mechanism."""
    rows = [
        (f"`{group}.{name}`", value, spec.unit, spec.low, spec.high, spec.meaning, spec.source, spec.status)
        for group, model in sorted(parameter_groups().items())
        for name, value, spec in model.declared()
    ]
    return _table(("parameter", "value", "unit", "low", "high", "meaning", "source", "status"), rows)


def levers_table() -> str:
    """Every lever that a policy can set."""
    rows = []
    for x in levers():
        groups = {"service": "services", "prevention": "a kind of prevention", "where": "neighbourhoods", "who": "ages"}
        aim = ", ".join(groups[aim] + (" (required)" if aim in x.needs else "") for aim in x.aims) or "place"
        name = f"[`{x.name}`](policies/{x.name}.py)"
        rows.append((name, x.meaning, x.unit, x.low, x.high, x.baseline, x.kind, aim, _paid_by(x), x.source))
    head = ("lever", "what it does", "unit", "low", "high", "baseline", "takes", "aimed at", "paid by", "source")
    return _table(head, rows)


def _paid_by(lever: Lever) -> str:
    """The source of the money for a lever, derived from the columns that its kernel writes."""
    written = {column for entry in REGISTRY.month() if entry.lever == lever.name for column in entry.writes}
    if lever.shock:
        return "a shock"
    if lever.name in PURPOSES:
        return "new money (feedback/programme_costs.py)"
    if "services.granted" in written:
        return "itself (the lever is money)"
    if any(column.startswith("services.") for column in written):
        return "service budgets, as time or pay"
    return "no separate payment"


def lever_claims_table() -> str:
    """The claim, evidence and limits of each lever's file."""
    rows = []
    for x in levers():
        parts = docstring_sections(sys.modules[f"sim.policies.{x.name}"].__doc__ or "")
        rows.append((f"[`{x.name}`](policies/{x.name}.py)", parts["Claim"], parts["Evidence"], parts["Limits"]))
    return _table(("lever", "claim", "evidence", "limits"), rows)


def domains_table() -> str:
    """The meaning of the levels of each domain, and the published totals to which crises are scaled."""
    rows = []
    for domain in load_domains():
        totals = "; ".join(
            f"{_ages(total.ages)}: {total.value.value:g} {total.value.unit}" for total in domain.crisis.england_total
        )
        meaning = domain.meaning
        rows.append((domain.label, domain.unit, meaning.emerging, meaning.serious, meaning.crisis, totals))
    return _table(("domain", "unit", "1 emerging", "2 serious", "3 crisis", "crises in England"), rows)


def interactions_table() -> str:
    """Omega: the effect of a level in one domain (columns) on the hazard of getting worse in another (rows)."""
    domains = load_domains()
    rows = [
        (f"**{domain.label}**", *(_value(domain.interactions.get(other.id)) for other in domains)) for domain in domains
    ]
    return _table(("hazard in ↓, per level in →", *(domain.label for domain in domains)), rows)


def _tier(service: Service) -> str:
    """The tier of a service, with its kind of prevention."""
    kind = service.prevention
    return service.tier if kind is None or kind == service.tier else f"{service.tier} ({PREVENTION_NAMES[kind]})"


def services_tables() -> str:
    """The users, costs and effects of each service, and its staff."""
    labels = {domain.id: domain.label for domain in load_domains()}

    def common_cells(s: Service) -> tuple[str, ...]:
        duty = "yes" if s.statutory else "no"
        return (f"[{s.label}](services/catalogue/{s.id}.toml)", labels[s.domain], _tier(s), s.silo, _ages(s.ages), duty)

    helping, acute, general, staff = [], [], [], []
    for s in load_catalogue():
        if s.staff is not None:
            team = s.staff
            figures = (
                team.cases_per_worker,
                team.turnover_per_year,
                team.vacancy_share,
                team.admin_share,
                team.hire_months,
            )
            staff.append((f"[{s.label}](services/catalogue/{s.id}.toml)", *map(_value, figures)))
        if s.groups is not None:
            general.append((*common_cells(s)[:5], _value(s.groups.spend_per_head), "grows groups"))
        elif s.exposure is not None:
            lowers = "; ".join(f"{labels[d]} {figure.value:g}" for d, figure in s.exposure.lowers.items())
            description = f"log hazard of getting worse, per doubling of spending: {lowers}"
            general.append((*common_cells(s)[:5], _value(s.exposure.spend_per_head), description))
        elif s.activity is not None and s.cost is not None and s.effect is not None:
            a = s.activity
            levels = ", ".join(str(level) for level in s.serves)
            access = (a.caseload_per_thousand, a.mean_months, a.wait_months, a.refused_share)
            effects = (s.cost.per_case_month, s.effect.protection, s.effect.recovery)
            helping.append((*common_cells(s), levels, *map(_value, access), *map(_value, effects)))
        elif s.cost is not None and s.capacity is not None:
            c = s.capacity
            prices = (s.cost.per_episode, s.cost.per_month)
            description = _ways_in(s)
            acute.append(
                (*common_cells(s), description, *map(_value, prices), *map(_value, (c.utilisation, c.premium, c.harm)))
            )
    head = ("service", "domain", "tier", "paid by", "ages", "statutory")
    helping_table = _table(
        (*head, "levels", "places per 1,000", "months of help", "wait, months", "turned away", "£ per case and month",
         "protection", "recovery"),
        helping,
    )  # fmt: skip
    acute_head = ("£ per episode", "£ per further month", "utilisation", "premium", "harm")
    acute_table = _table((*head, "entry", *acute_head), acute)
    general_table = _table((*head[:5], "£ per head per year", "effect on everybody"), general)
    staff_head = (
        "service",
        "cases per worker",
        "leavers per post and year",
        "vacancies",
        "administration",
        "months to hire",
    )
    return f"{helping_table}\n\n{acute_table}\n\n{general_table}\n\n{_table(staff_head, staff)}"


def _ways_in(s: Service) -> str:
    """The ways in which people enter an acute service."""
    ways = ["crises"] if s.takes_crisis else []
    if s.walk_in is not None:
        ways.append(f"walk-in: {s.walk_in.total.value:g} per 1,000 people per year")
    if s.alternative is not None:
        ways.append(f"instead of {s.alternative.instead_of}, if a policy sets it")
    return "; ".join(ways) + ("" if s.counts else " (not in acute demand)")


def metrics_table() -> str:
    """Every metric in the results."""
    way = {"up": "more", "down": "less", None: ""}
    return _table(
        ("metric", "label", "kind", "unit", "better", "computed as"),
        [(f"`{m.name}`", _described(m), m.kind, m.unit, way[m.better], _made_as(m)) for m in metrics()],
    )


def _described(m: Metric) -> str:
    """The label of a metric, and what it counts where the label leaves that open."""
    return f"{m.label}: {m.meaning}" if m.meaning else m.label


def _made_as(m: Metric) -> str:
    """The way in which a metric is computed, in a few words."""
    if m.against is not None:
        return "comparison with the baseline"
    if m.index_of == m.name:
        return "episodes at their unit cost over people, as an index"
    if m.derived is not None:
        return (
            f"function of yearly sums, also by {', '.join(m.derived.by)}" if m.derived.by else "function of yearly sums"
        )
    return "ratio of sums"


@cache
def _cases() -> tuple[Case, ...]:
    """Every expectation of the library."""
    return tuple(cases())


def claims_table() -> str:
    """Each claim, with the scenarios that test it and the number of propagated expectations."""
    tested: dict[str, dict[str, list[Case]]] = {}
    for case in _cases():
        for number in case.claims:
            tested.setdefault(number, {}).setdefault(case.scenario.name, []).append(case)
    paths, texts, outside = library(), claim_texts(), outside_texts()
    results = {claim["claim"]: claim["status"] for claim in (stored("claims.json") or {"claims": []})["claims"]}
    rows = []
    for number, text in texts.items():
        tests = [
            f"{_project_link(paths[name])} ({_counted(of_scenario)})"
            for name, of_scenario in tested.get(number, {}).items()
            if any(case.stops is None for case in of_scenario)
        ]
        otherwise = f"outside: {outside[number]}" if number in outside else "none yet"
        rows.append((number, text, "; ".join(tests) or otherwise, results.get(number, "")))
    untested = len(texts) - len(set(tested) | set(outside))
    summary = f"{len(texts)} claims: {len(tested)} tested, {len(outside)} outside the model, {untested} neither yet."
    expected = [case for case in _cases() if case.stops is None]
    propagated = sum(case.effect.effect == "propagated" for case in expected)
    summary += (
        f" Of {len(expected)} expectations, limits of claims aside, {propagated} are propagated; the other "
        f"{len(expected) - propagated} are on variables that a scenario's own levers determine, and count for nothing."
    )
    return f"{summary} {_claims_result()}\n\n{_table(('claim', 'statement', 'tested in', 'result'), rows)}"


def _counted(of_scenario: Sequence[Case]) -> str:
    """The number of expectations of a scenario for a claim, and how many are propagated or on a limit."""
    expected = [case for case in of_scenario if case.stops is None]
    propagated = sum(case.effect.effect == "propagated" for case in expected)
    limits = len({case.stops.because for case in of_scenario if case.stops is not None})
    text = f"{len(expected)} expectation{'s' if len(expected) > 1 else ''}, {propagated} propagated"
    return text + (f", {limits} where it stops" if limits else "")


def _claims_result() -> str:
    """The counts of the stored run of `upstream claims`."""
    result = stored("claims.json")
    if result is None:
        return "No full run of `upstream claims` is stored with this version."
    with_one, of = result["claims_with_holding_expectation"], len(result["claims"])
    statuses = ", ".join(f"{count} {status}" for status, count in result["counts"].items() if count)
    return (
        f"In the last full run, at least one propagated expectation held for {with_one['propagated']} of {of} claims "
        f"(at least one direct expectation for {with_one['direct']}); by all expectations: {statuses}. "
        f"{runs_text(result)}"
    )


def validation_text() -> str:
    """The stored run of `upstream validate`: every figure, its fit under every condition, and every miss in words."""
    result = stored("validation.json")
    if result is None:
        return "No full run of `upstream validate` is stored with this version."
    rows, misses = [], []
    for experiment in result["experiments"]:
        for m in experiment["measures"]:
            if m["fit"] is None:
                continue
            others = "; ".join(f"{fit['name']}: {fit['fit']}" for fit in m["fits"][1:])
            figures = (published_text(m), band_text(m), effect_text(m))
            rows.append((experiment["id"], f"{m['label']} ({m['unit']})", *figures, m["counted_as"], others))
            if m["fit"] == "out":
                misses.append(f"- {experiment['id']}, {m['label']}: {m['miss']}.")
    head = ("", "measure", "published", "band", "simulated", "result", "under each further condition")
    counts = figures_text(result["counts"]["figures"], result["counts"]["limits"])
    listed = "\n".join(misses) or "- none"
    return f"{counts} {runs_text(result)}\n\n{_table(head, rows)}\n\nOut of their band:\n\n{listed}"


def results_text() -> str:
    """The two counts of README.md: claims shown, and published figures met."""
    claims, validation = stored("claims.json"), stored("validation.json")
    tested = len({number for case in _cases() for number in case.claims})
    line = f"- Claims: {tested} of {len(claim_texts())} are tested. {_claims_result()}"
    counts = "No full run of `upstream validate` is stored with this version."
    if validation is not None:
        figures = figures_text(validation["counts"]["figures"], validation["counts"]["limits"])
        counts = f"{figures} {runs_text(validation)}"
    shown = "" if claims is None else " ([table](sim/MODEL.md#claims))"
    misses = "" if validation is None else " ([every miss](sim/MODEL.md#claims-and-validation))"
    return f"{line}{shown}\n- {counts}{misses}"


def experiments_text() -> str:
    """Each natural experiment: its protocol, the published result, and the measures that the simulation reports."""
    parts = []
    for path in sorted(EXPERIMENTS.glob("*.toml")):
        e = Experiment.load(path)
        rows, reasons, shared = [], [], dict.fromkeys(name for m in e.measures for name in e.shares_source_with(m))
        for m in e.measures:
            published = "" if m.published is None else f"{m.published:g}"
            band = "" if m.band is None else f"{m.band[0]:g} to {m.band[1]:g}"
            counted = "" if m.band is None else "if out" if e.shares_source_with(m) else "yes"
            rows.append((m.label, about(m), m.unit, published, band, m.sign or "", counted))
            reasons.append(f"- {m.label}. {m.band_reason}")
        head = f"**{e.id}. {e.title}** ({_project_link(path)}). {e.protocol}"
        published_text = f"*Published:* {e.published.finding} {e.published.source}."
        related = ", ".join(f"`{name}`" for name in shared) or "none"
        published_text += f"\n\n*Parameters that share their source with one of these figures:* {related}."
        published_text += "\n\n*Bands:*\n\n" + "\n".join(reasons)
        table = _table(("measure", "group and time", "unit", "published", "band", "sign", "counted"), rows)
        parts.append(f"{head}\n\n{published_text}\n\n{table}")
    return "\n\n".join(parts)


def _figures(part: object) -> Iterator[Figure]:
    """Yields every figure in the model of a data file."""
    if isinstance(part, Figure):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _figures(getattr(part, name))
    elif isinstance(part, dict):
        for value in part.values():
            yield from _figures(value)
    elif isinstance(part, (tuple, list)):
        for value in part:
            yield from _figures(value)


def evidence_table() -> str:
    """The number of figures that are measured, estimated and assumed, by place of declaration."""
    parameter_statuses: list[str] = [
        spec.status for model in parameter_groups().values() for _, _, spec in model.declared()
    ]
    statuses: dict[str, list[str]] = {
        "parameters of mechanisms (below)": parameter_statuses,
        "services (`services/catalogue/`)": [f.status for s in load_catalogue() for f in _figures(s)],
        "domains (`people/domains/`)": [f.status for d in load_domains() for f in _figures(d)],
        "places (`../scenarios/places/`)": [f.status for n in place_names() for f in _figures(Place.load(n))],
    }
    order = ("measured", "estimated", "assumed")
    counts = {kind: Counter(kind_statuses) for kind, kind_statuses in statuses.items()}
    rows = [(kind, *(count[status] for status in order)) for kind, count in counts.items()]
    rows.append(("**total**", *(sum(count[status] for count in counts.values()) for status in order)))
    drawn = sum(not name.startswith(f"{VALUATION}.") for name in parameters())
    note = f"In anytown, a scenario can set and draw {drawn} of them: those with a range, and the scale"
    return f"{_table(('figures', *order), rows)}\n\n{note} of each table by age and fifth."


def calibration_table() -> str:
    """The settings of calibration and of its short version: people, years and rounds."""
    solver, check, short = calibrate, simulation_check, paired_run
    rows = [
        ("solution", f"one place of {solver.PEOPLE:,}", solver.YEARS, f"the last {solver.AVERAGED} averaged"),
        ("check by simulation", f"{check.CHECK_PEOPLE:,} people in towns of the place's size", check.CHECK_YEARS,
         f"{check.CHECKS} rounds without overspend recovery, {check.MONEY_CHECKS} with it for acute budgets"),
        ("last check of acute budgets", f"{check.LAST_MONEY_PEOPLE:,} people in such towns", check.CHECK_YEARS,
         f"{check.LAST_MONEY_CHECKS} rounds"),
        ("a supplied place, starting from England's solution", f"{solver.PLACE_PEOPLE:,} of its people",
         solver.PLACE_YEARS, f"the last {solver.AVERAGED} averaged; then the check in towns of its population mix"),
        ("paired run, for other parameters and places", f"one place of {short.PEOPLE:,}", short.YEARS,
         f"the last {short.YEARS - short.FORGOTTEN_AT // 12} averaged"),
        ("its reference, for a supplied solution", f"one place of {short.REFERENCE_PEOPLE:,}",
         f"{short.FIRST_YEARS}, then {short.YEARS}", "stored; the same for all parameters"),
        ("demographic spin-up, without needs", "the place itself", f"{demographic_spin_up.YEARS}", "not reported"),
        ("burn-in of a world", "the place itself", f"{BURN_IN_MONTHS / 12:g}", "not reported"),
    ]  # fmt: skip
    return _table(("run", "people", "years", "method"), rows)


def excluded_uses_list() -> str:
    """The uses for which the model is not fit."""
    return "\n".join(f"- **{each.use}** {each.instead}" for each in excluded_uses())


def structural_limits_list() -> str:
    """The limits of the structure that belong to no single mechanism."""
    return "\n".join(f"- **{limit.title}.** {limit.text}" for limit in structural_limits())


def _scope_rows() -> list[dict[str, Any]]:
    """The rows of the scope table; what is not published is None."""
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in scope().to_dict(orient="records")
    ]


def scope_table() -> str:
    """The money of the model beside published public spending in England, by sector."""
    rows = []
    for row in _scope_rows():
        published = "not published" if row["published"] is None else f"{row['published']:,.0f}"
        wider = f" ({row['area']})" if row["area"] in ("England and Wales", "United Kingdom") else ""
        share = "" if row["share"] is None else f"{row['share']:.0%}"
        money = (f"{row['model']:,.0f}", f"{published}{wider}", share)
        rows.append((row["label"], *money, row["holds"], row["left_out"]))
    head = ("sector", "model, £ a head", "England, £ a head", "covered", "the model holds", "it leaves out")
    return f"{_table(head, rows)}\n\nPounds of {base_year()}, baseline of a place with England's mix of people."


def scope_sources() -> str:
    """The source of each published sum of the scope table."""
    rows = [
        (row["label"], "" if row["billion"] is None else f"{row['billion']:g}", row["year"] or "", row["source"])
        for row in _scope_rows()
    ]
    return _table(("sector", "£ bn", "year", "source"), rows)


def coverage_table() -> str:
    """Published shares of people with a need who have help, and what counts as help."""
    file, labels = published_coverage(), {domain.id: domain.label for domain in load_domains()}
    rows = [
        (labels[x.domain], x.level, _ages(x.ages), f"{x.published:.1%}", f"{x.low:.0%} to {x.high:.0%}", x.counts,
         f"`{x.sets}`" if x.sets else "none", x.source)
        for x in file.figure
    ]  # fmt: skip
    head = (
        "domain",
        "need",
        "ages",
        "published",
        "range",
        "people and help counted",
        "parameter set from it",
        "source",
    )
    return f"{file.help}\n\n{_table(head, rows)}"


GENERATED: dict[str, Callable[[], str]] = {
    "excluded-uses": excluded_uses_list,
    "structural-limits": structural_limits_list,
    "month": mechanisms_table,
    "domains": domains_table,
    "interactions": interactions_table,
    "evidence": evidence_table,
    "calibration": calibration_table,
    "scope": scope_table,
    "scope-sources": scope_sources,
    "coverage": coverage_table,
    **{
        f"submodels-{f.__name__.removeprefix('sim.')}": partial(submodels, f)
        for f in registry.FOLDERS
        if f is not policies
    },
    "loops": loops_table,
    "levers": levers_table,
    "lever-claims": lever_claims_table,
    "services": services_tables,
    "metrics": metrics_table,
    "claims": claims_table,
    "experiments": experiments_text,
    "validation": validation_text,
    "test-results": results_text,
    "parameters": parameters_table,
    "state": state_tables,
}


SHARED = ("excluded-uses",)
"""Generated parts that `OTHER_PAGES` have too."""


def fill_tables(text: str) -> str:
    """The text with the part between each pair of markers generated again. Raises ValueError for an unknown marker."""

    def generated(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in GENERATED:
            raise ValueError(f"no table called '{name}'; the tables are {', '.join(GENERATED)}")
        return f"<!-- begin generated: {name} -->\n{GENERATED[name]()}\n<!-- end generated -->"

    return re.sub(
        r"<!-- begin generated: (?P<name>\S+) -->\n.*?<!-- end generated -->", generated, text, flags=re.DOTALL
    )


# --- the chart of README.md -------------------------------------------------------------------------------------------


def draw_chart() -> None:
    """Run the main comparison and write its chart."""
    from sim.ensemble.compare import compare

    text = comparison_chart(compare(*(Scenario.load(name) for name in CHART_SCENARIOS)))
    CHART.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Write the tables, and the chart unless an option excludes it; return the exit status."""
    unknown = set(arguments) - {"--tables", "--check"}
    if unknown:
        print(f"expected --tables, --check or no option; got {' '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    texts = {page: page.read_text(encoding="utf-8") for page in (MODEL, *OTHER_PAGES)}
    updated = {page: fill_tables(text) for page, text in texts.items()}
    stale = [page.name for page in texts if updated[page] != texts[page]]
    if "--check" in arguments:
        if stale:
            wrong = "has tables that are" if len(stale) == 1 else "have tables that are"
            command = "python -m sim.reference_docs --tables"
            print(f"{', '.join(stale)} {wrong} out of date: {command}", file=sys.stderr)
        return int(bool(stale))
    for page, text in updated.items():
        page.write_text(text, encoding="utf-8")
    if "--tables" not in arguments:
        draw_chart()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
