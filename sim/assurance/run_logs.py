"""Logs of a comparison: the origin of its results, what was asked, and the parameters that drive its differences."""

from __future__ import annotations

from typing import Any

from sim.analysis.sensitivity import drivers, stored
from sim.assurance.assumptions import Studies, supplied_studies
from sim.assurance.log_table import LogTable, Value, one_line
from sim.results.comparison import Comparison
from sim.results.number_text import fixed
from sim.scenario.headings import aims
from sim.scenario.policy import Policy
from sim.scenario.policy_checks import levers_by_name

ORIGIN_COLUMNS = {"item": "Item", "value": "Value"}
POLICY_COLUMNS = {
    "scenario": "Scenario",
    "lever": "Lever",
    "change": "Value or change",
    "baseline": "Baseline",
    "aim": "For whom",
    "time": "When",
}
DRIVER_COLUMNS = {
    "policy": "Policy",
    "parameter": "Parameter",
    "share": "Share of the variance, with its 95% interval",
    "status": "Status",
    "range": "Value and range",
    "sign": "Could the sign of the difference change?",
    "source": "Source",
    "note": "Note",
}


ELSEWHERE = ("refused", "drawn")
"""Settings with an entry of their own, and values by seed, which are in run.json."""


def origin_table(result: Comparison, command: str = "") -> LogTable:
    """Make the log of the origin of a comparison's results.

    Parameters
    ----------
    result : Comparison
        The comparison.
    command : str
        The command that made it, if it is known.

    Returns
    -------
    LogTable
        A row for each item.
    """
    run = result.provenance()
    settings = {name: value for name, value in run["settings"].items() if name not in ELSEWHERE}
    refused = one_line(f"seed {seed}: {reason}" for seed, reason in result.refused.items())
    items: dict[str, Value] = {
        "command": command or "not recorded",
        "scenarios": one_line(f"{scenario.label} ({scenario.name})" for scenario in result.scenarios),
        "place": f"{result.place.label} ({result.place.name})",
        "source of the place": result.place.source,
        "people": f"{result.people:,}",
        "time": f"{result.months[0]} to {result.months[-1]}, {result.scenarios[0].years} years",
        "seeds": _numbers(result.seeds),
        "draws of parameters": result.draws,
        "replicates of draws": _numbers(run["replicates"]) or "none",
        "draws that could not be calibrated": refused or "none",
        "settings": one_line(f"{name}: {value}" for name, value in settings.items()),
        "parameters set by the scenarios": one_line(
            f"{scenario.name}: {name} = {value:g}"
            for scenario in result.scenarios
            for name, value in scenario.parameters.items()
        )
        or "none",
        "version": run["upstream"],
        "digest of the model": run["model"],
        "machine": one_line(f"{name} {value}" for name, value in run["machine"].items()),
        "seconds": run["seconds"],
    }
    rows = tuple({"item": item, "value": value} for item, value in items.items())
    return LogTable("run", "Origin of the results", ORIGIN_COLUMNS, rows)


def policies_table(result: Comparison) -> LogTable:
    """Make the log of what each scenario asks.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    LogTable
        A row for each policy and shock of each scenario.
    """
    rows = tuple(
        {"scenario": result.headings[scenario.name], **_policy(policy)}
        for scenario in result.scenarios
        for policy in scenario.moves
    )
    return LogTable("policies", "What the scenarios ask", POLICY_COLUMNS, rows)


def drivers_table(result: Comparison) -> LogTable:
    """Make the log of the parameters that drive the differences.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    LogTable
        A row for each driver of each policy; for a policy without a study a row with a note.
    """
    rows: list[dict[str, Value]] = []
    for name, of_policy in drivers.drivers(result).items():
        policy = result.headings[name]
        rows += [{"policy": policy, **_driver(row)} for row in of_policy.rows]
        if of_policy.others is not None:
            others = "all parameters not studied one by one"
            rows.append({"policy": policy, "parameter": others, "share": _share(of_policy.others)})
        if of_policy.note:
            rows.append({"policy": policy, "note": of_policy.note})
    notes = (
        "Share of the variance of the difference in acute demand in the last year, over draws of all parameters, that "
        "involves the parameter (total Sobol’ index, stock-flow twin). Shares of parameters that act together overlap.",
    )
    return LogTable("drivers", "Drivers of the differences", DRIVER_COLUMNS, tuple(rows), notes)


def studies_of(result: Comparison) -> Studies:
    """Look up the sensitivity studies of a comparison's policies, beside those of the main policies.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    Studies
        Of each policy its own study, if there is one; of other main policies the study that comes with the project.
    """
    supplied, baseline = supplied_studies(), result.scenarios[0]
    results, missing = dict(supplied.results), list(supplied.missing)
    for scenario in result.scenarios[1:]:
        label = result.headings[scenario.name]
        identity = stored.identity(baseline, scenario, result.place, drivers.METRIC)
        study = stored.find(identity, scenario.name, result.place.name, drivers.METRIC)
        if study is None:
            missing.append(f"{label}: {drivers.drivers(result)[scenario.name].note}.")
        else:
            results[label] = study
    return Studies(results, tuple(missing))


def _policy(policy: Policy) -> dict[str, Value]:
    lever = levers_by_name()[policy.lever]
    change = f"{policy.value:g}" if policy.value is not None else f"{policy.shift or 0.0:+g}"
    until = f" until {policy.until}" if policy.until else ""
    over = f", over {policy.over_months} months" if policy.over_months > 1 else ""
    return {
        "lever": lever.label,
        "change": f"{change} {lever.unit}",
        "baseline": f"{lever.baseline:g}",
        "aim": ", ".join(aims(policy)) or "everybody",
        "time": f"from {policy.start}{over}{until}",
    }


def _driver(row: dict[str, Any]) -> dict[str, Value]:
    return {
        "parameter": row["parameter"],
        "share": _share(row),
        "status": row["status"],
        "range": f"{row['value']:g} ({row['low']:g} to {row['high']:g}) {row['unit']}",
        "sign": "yes" if row["sign_may_change"] else "no",
        "source": row["source"],
    }


def _share(row: dict[str, Any]) -> str:
    share, low, high = (f"{fixed(100.0 * row[name], 0)}%" for name in ("share", "share_low", "share_high"))
    return f"{share} ({low} to {high}{'' if row.get('settled', True) else ', not settled by this many samples'})"


def _numbers(numbers: tuple[int, ...] | list[int]) -> str:
    """Whole numbers in short form: 0 to 19."""
    values = list(numbers)
    if len(values) > 2 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]} to {values[-1]}"
    return ", ".join(str(value) for value in values)
