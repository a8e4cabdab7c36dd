"""The assumptions log: every parameter with its quality, its impact, its owner and its date.

The impact is that of the sensitivity studies: the share of the variance of a policy's difference that involves the
parameter.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from sim.analysis.sensitivity import stored
from sim.analysis.sensitivity.indices import OTHERS
from sim.analysis.sensitivity.result import WIDE, Sensitivity
from sim.assurance.log_table import LogTable, Value
from sim.assurance.roles import Roles
from sim.assurance.version_history import last_change, line_dates, relative
from sim.people import domains
from sim.place.place import Place, place_files
from sim.policies import LEVER_GROUP
from sim.results.metrics import metric
from sim.results.number_text import fixed
from sim.scenario import data_parameters
from sim.scenario.parameters import Parameter, declared_models, parameters_of
from sim.schema import toml_keys
from sim.schema.quantities import Status
from sim.services import catalogue

Grade = Literal["high", "medium", "low"]
Impact = Literal["high", "medium", "low", "not computed"]
Rating = Literal["red", "amber", "green"]
QUALITY: dict[Status, Grade] = {"measured": "high", "estimated": "medium", "assumed": "low"}
HIGH, MEDIUM = 0.1, 0.01
"""Shares of the variance from which an impact is high, and medium."""
COLUMNS = {
    "name": "Parameter",
    "description": "Description",
    "value": "Value",
    "unit": "Unit",
    "low": "Low",
    "high": "High",
    "price_year": "Price year of the source",
    "status": "Status",
    "quality": "Quality",
    "impact": "Impact",
    "shares": "Share of the variance of each policy’s difference, with its 95% interval",
    "rating": "Rating",
    "owner": "Owner",
    "changed": "Last change",
    "source": "Source",
    "file": "File",
}
ORDER: dict[Rating, int] = {"red": 0, "amber": 1, "green": 2}


class Studies(NamedTuple):
    """The sensitivity studies from which impacts are taken.

    Attributes
    ----------
    results : dict of str to Sensitivity
        By label of the policy.
    missing : tuple of str
        Sentences on policies without a study, or with one of another version of the model.
    """

    results: Mapping[str, Sensitivity]
    missing: tuple[str, ...] = ()


def supplied_studies() -> Studies:
    """Read the studies of the main policies, which come with the project."""
    results, missing = {}, []
    for policy in stored.POLICIES:
        study = stored.read_supplied(policy, stored.PLACE, stored.METRIC)
        if study is None:
            missing.append(f"There is no study of {policy}: its impacts are not computed.")
            continue
        results[str(study.document["label"])] = study
        if not stored.is_current(study):
            missing.append(
                f"The study of {policy} was computed with another version of the model; "
                f"`upstream sensitivity {stored.BASELINE} {policy}` computes it again."
            )
    return Studies(results, tuple(missing))


def quality(status: Status) -> Grade:
    """Grade how well a value is known."""
    return QUALITY[status]


class VarianceShare(NamedTuple):
    """A share of the variance of a difference, with the ends of its 95% interval."""

    share: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """The share in per cent, with its interval, and whether that is too wide to say much."""
        share, low, high = (f"{fixed(100.0 * value, 0)}%" for value in self)
        return f"{share} ({low} to {high}{', not settled' if self.high - self.low > WIDE else ''})"


Shares = Mapping[str, VarianceShare | None]
"""By label of a policy that was studied with the parameter; None where the parameter is not among the leading."""


def impact_of(shares: Shares) -> Impact:
    """Grade the impact of a parameter.

    Parameters
    ----------
    shares : mapping of str to VarianceShare or None
        By policy that was studied with this parameter; None where it is not among the leading.

    Returns
    -------
    {"high", "medium", "low", "not computed"}
        By the largest share; "not computed" without a study of the parameter.

    Examples
    --------
    >>> impact_of({"cut": VarianceShare(0.3, 0.2, 0.4), "shift": None}), impact_of({"cut": None}), impact_of({})
    ('high', 'low', 'not computed')
    """
    if not shares:
        return "not computed"
    largest = max(0.0 if share is None else share.share for share in shares.values())
    return "high" if largest >= HIGH else "medium" if largest >= MEDIUM else "low"


def rating(grade: Grade, impact: Impact) -> Rating:
    """Rate a parameter red, amber or green by its quality and its impact.

    Parameters
    ----------
    grade : {"high", "medium", "low"}
        Its quality.
    impact : {"high", "medium", "low", "not computed"}
        Its impact. One that is not computed counts as medium.

    Returns
    -------
    {"red", "amber", "green"}

    Examples
    --------
    >>> rating("low", "high"), rating("low", "not computed"), rating("medium", "low"), rating("high", "high")
    ('red', 'amber', 'green', 'green')
    """
    if impact == "low" or grade == "high":
        return "green"
    return "red" if (grade, impact) == ("low", "high") else "amber"


def assumptions_table(place: Place, studies: Studies, roles: Roles) -> LogTable:
    """Make the assumptions log.

    Parameters
    ----------
    place : Place
        The place whose figures are included.
    studies : Studies
        The sensitivity studies.
    roles : Roles
        The owners.

    Returns
    -------
    LogTable
        A row for each parameter: red before amber before green, then by name.
    """
    known = parameters_of(place)
    lines = {name: _location(name, place) for name in known}
    dates = line_dates(location.file for location in lines.values() if location is not None)
    shares = {label: _shares(study) for label, study in studies.results.items()}
    rows = []
    for name, parameter in known.items():
        of_name = {label: by_name[name] for label, by_name in shares.items() if name in by_name}
        row = _row(name, parameter, of_name, roles)
        location = lines[name]
        if location is not None:
            row |= {"file": relative(location.file), "changed": last_change(dates, *location)}
        rows.append(row)
    rows.sort(key=lambda row: (ORDER[row["rating"]], row["name"]))  # type: ignore[index]  # a rating
    return LogTable("assumptions", "Assumptions log", COLUMNS, tuple(rows), _notes(rows, studies))


def _row(name: str, parameter: Parameter, shares: Shares, roles: Roles) -> dict[str, Value]:
    spec = parameter.spec
    grade, impact = quality(spec.status), impact_of(shares)
    texts = [f"{label}: {'not among the leading' if share is None else share.text}" for label, share in shares.items()]
    return {
        "name": name,
        "description": spec.meaning,
        "value": parameter.value,
        "unit": spec.unit,
        "low": spec.low,
        "high": spec.high,
        "price_year": spec.price_year,
        "status": spec.status,
        "quality": grade,
        "impact": impact,
        "shares": "; ".join(texts) or "not computed",
        "rating": rating(grade, impact),
        "owner": roles.owner(name),
        "source": spec.source,
    }


def _notes(rows: Sequence[Mapping[str, Value]], studies: Studies) -> tuple[str, ...]:
    counts = ", ".join(f"{sum(row['rating'] == each for row in rows)} {each}" for each in ORDER)
    impacts = "No sensitivity study is available, so no impact is computed."
    if studies.results:
        study = next(iter(studies.results.values()))
        impacts = (
            f"Impact: the largest share, over {', '.join(studies.results)}, of the variance of the policy’s difference "
            f"in {metric(study.document['metric']).label.lower()} in the last year that involves the parameter (total "
            f"Sobol’ index, stock-flow twin, draws of all parameters). High from {HIGH:.0%}, medium from {MEDIUM:.0%}, "
            "low below. “Not among the leading”: the parameter was screened, and is not one of those studied one by "
            "one; its impact is low. “Not computed”: the parameter was in no study. “Not settled”: the interval is "
            f"wider than {WIDE:.0%}; the impact is that of its middle."
        )
    return (
        f"{len(rows)} parameters: {counts}.",
        "Quality: high for a measured value, medium for an estimated one, low for an assumed one.",
        impacts,
        "Rating: red for low quality and high impact; green for high quality or low impact; amber otherwise. An impact "
        "that is not computed counts as medium.",
        "Last change: of the line of the parameter in its file, in the version history.",
        *studies.missing,
    )


def _shares(study: Sensitivity) -> dict[str, VarianceShare | None]:
    """The share of each parameter of a study in its last year; None for those that were screened only."""
    screened: dict[str, VarianceShare | None] = {row["parameter"]: None for row in study.document["screening"]}
    for row in study.rows():
        if row["parameter"] != OTHERS and row["total"] is not None:
            ends = (row["total"], row["total_low"], row["total_high"])
            screened[row["parameter"]] = VarianceShare(*(min(1.0, max(0.0, end)) for end in ends))
    return screened


class _Location(NamedTuple):
    """The lines of a parameter's declaration."""

    file: Path
    first: int | None
    last: int | None


def _location(name: str, place: Place) -> _Location | None:
    """Where a parameter is declared; None for a place without a file."""
    kind, _, rest = name.partition(".")
    if not data_parameters.is_figure(name):
        return _of_lever(rest) if kind == LEVER_GROUP else _of_class(kind, rest)
    if kind == "place":
        path, known = place_files().get(place.name), data_parameters.of_place(place)
    else:
        file_of = catalogue.file_of if kind == "services" else domains.file_of
        path, known = file_of(rest.partition(".")[0]), data_parameters.of_england()
    if path is None:
        return None
    key = known[name].key
    is_table = key[-1] == "scale"
    first = toml_keys.locate(_text(path), key[:-1] if is_table else key)
    return _Location(path, first, first if first is None or not is_table else _end_of_table(path, first))


@lru_cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _end_of_table(path: Path, first: int) -> int:
    """The last line of a table and of the tables inside it, such as [prevalence.serious.by_age]."""
    lines = _text(path).splitlines()
    name = lines[first - 1].strip("[] ")
    for number in range(first, len(lines)):
        line = lines[number].strip()
        if line.startswith("[") and not line.startswith(f"[{name}."):
            return number
    return len(lines)


def _of_lever(name: str) -> _Location:
    file = Path(str(sys.modules[f"sim.policies.{name}"].__file__))
    return _Location(file, *_statement(file, "LEVER"))


def _of_class(group: str, field: str) -> _Location | None:
    model = declared_models()[group]
    file = Path(inspect.getfile(model))
    for node in _tree(file).body:
        if isinstance(node, ast.ClassDef) and node.name == model.__name__:
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == field:
                    return _Location(file, statement.lineno, statement.end_lineno)
    return _Location(file, None, None)


def _statement(file: Path, target: str) -> tuple[int | None, int | None]:
    """First and last line of an assignment."""
    for statement in _tree(file).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == target:
            return statement.lineno, statement.end_lineno
    return None, None


@lru_cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))
