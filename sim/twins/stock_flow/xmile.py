"""Export of the twin as an XMILE file (OASIS XMILE 1.0), which Stella, Vensim or PySD can open and run.

Every stock has one flow, its change in a month. The time step is a month, so Euler's method gives the twin's own
numbers. A labelled or long expression that is used more than once is an auxiliary. Levers are graphs over time.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.process.termination import temporary
from sim.results.episode_weights import unit_cost
from sim.results.service_groups import counted_services
from sim.schema.version import VERSION
from sim.services.catalogue import load_catalogue
from sim.twins.stock_flow.equations import F, topological_order, use_counts
from sim.twins.stock_flow.symbolic import Expr
from sim.twins.stock_flow.twin import Twin

NAMESPACE = "http://docs.oasis-open.org/xmile/ns/XMILE/v1.0"
LONG_EXPRESSION = 60
"""Length in characters above which an expression that is used more than once becomes an auxiliary."""
UNITS = {
    "persons": "persons",
    "persons per month": "persons/Month",
    "episodes": "episodes",
    "episodes per month": "episodes/Month",
    "units per month": "1/Month",
    "per month": "1/Month",
    "months": "Months",
    "cases": "persons",
    "pence": "pence",
    "pence a month": "pence/Month",
    "pounds": "pounds",
    "pounds a year": "pounds/Year",
    "log hazard a year": "1/Year",
    "requests": "persons",
}
"""Units of the columns, and the same units in XMILE. Dimensionless values have the unit 1."""
DIMENSIONLESS = (
    "share",
    "0-1",
    "1 = ",
    "multiplier",
    "log hazard",
    "per worker",
    "multiple",
    "gain",
    "0 or 1",
    "points",
    "ties",
)
UNSPECIFIED = "unspecified"
FUNCTIONS = {"min": "MIN", "max": "MAX", "exp": "EXP", "log": "LN", "cos": "COS"}
WORDS = {"and": "AND", "or": "OR", "not": "NOT"}


def unit_of(unit: str) -> str:
    """The XMILE form of a column's unit."""
    if unit in UNITS:
        return UNITS[unit]
    return "1" if unit.startswith(DIMENSIONLESS) else UNSPECIFIED


class _Names:
    """Unique names of variables. A blank and an underscore count as the same character."""

    def __init__(self) -> None:
        self._taken: set[str] = {"time", "dt", "starttime", "stoptime", "pi"}

    def new(self, requested: str) -> str:
        """The requested name or, if it is taken, the name with a number."""
        plain = re.sub(r"[^A-Za-z0-9]+", " ", requested).strip()
        plain = plain if plain[:1].isalpha() else f"x {plain}"
        name, k = plain, 1
        while _identifier(name).lower() in self._taken:
            k += 1
            name = f"{plain} {k}"
        self._taken.add(_identifier(name).lower())
        return name


def _identifier(name: str) -> str:
    return name.replace(" ", "_")


class _Writer:
    """Writes a twin's equations as an XML tree."""

    def __init__(self, twin: Twin) -> None:
        self.twin, self.e = twin, twin.equations
        self.names = _Names()
        self.root = ET.Element("xmile", {"version": "1.0", "xmlns": NAMESPACE})
        self.references: dict[int, str] = {}
        self.size: dict[int, int] = {}
        self.identifiers: dict[str, str] = {}
        self.stocks: dict[str, str] = {}

    def tree(self) -> ET.ElementTree[Any]:
        """The complete file."""
        scenario = self.twin.scenario
        header = ET.SubElement(self.root, "header")
        ET.SubElement(header, "vendor").text = "Upstream"
        ET.SubElement(header, "product", {"version": VERSION, "lang": "en"}).text = "upstream export"
        ET.SubElement(header, "name").text = scenario.name
        ET.SubElement(header, "caption").text = f"{scenario.question} Exploratory, not a forecast."
        specs = ET.SubElement(self.root, "sim_specs", {"method": "Euler", "time_units": "Month"})
        for tag, value in (("start", 0), ("stop", self.e.months), ("dt", 1)):
            ET.SubElement(specs, tag).text = str(value)
        model = ET.SubElement(self.root, "model")
        variables = ET.SubElement(model, "variables")
        self._series(variables)
        stocks = self.stocks
        for key, stock in self.e.stocks.items():
            name = self.names.new(stock.name)
            stocks[key] = name
            self.identifiers[key] = _identifier(name)
        self._auxiliaries(variables)
        for key, stock in self.e.stocks.items():
            flow = self.names.new(f"change in {stock.name}")
            element = self._add_variable(
                variables, "stock", stocks[key], _number(stock.initial), stock.unit, stock.meaning
            )
            inflow = ET.Element("inflow")
            inflow.text = _identifier(flow)
            element.insert(2, inflow)
            change = f"{self._reference(stock.after)} - {self.identifiers[key]}"
            unit = unit_of(stock.unit)
            self._add_element(
                variables,
                "flow",
                flow,
                change,
                "1/Month" if unit == "1" else f"{unit}/Month",
                f"Monthly change of the stock: {stock.meaning}.",
            )
        self._acute_demand(variables)
        tree = ET.ElementTree(self.root)
        ET.indent(tree)
        return tree

    def _add_variable(
        self, above: ET.Element, kind: str, name: str, equation: str, unit: str, meaning: str
    ) -> ET.Element:
        sentence = f"{meaning[:1].upper()}{meaning[1:]}"
        return self._add_element(above, kind, name, equation, unit_of(unit), f"{sentence.rstrip('.')}. Unit: {unit}.")

    def _add_element(
        self, above: ET.Element, kind: str, name: str, equation: str, unit: str, meaning: str
    ) -> ET.Element:
        element = ET.SubElement(above, kind, {"name": name})
        ET.SubElement(element, "doc").text = meaning
        ET.SubElement(element, "eqn").text = equation
        ET.SubElement(element, "units").text = unit
        return element

    def _series(self, above: ET.Element) -> None:
        """Add the clock and the levers."""
        for key, values in self.e.values.items():
            if key == "month":
                self.identifiers[key] = "TIME"
                continue
            name = self.names.new(key)
            self.identifiers[key] = _identifier(name)
            remainder = re.fullmatch(r"month modulo (\d+)", key)
            if remainder:
                n = remainder[1]
                self._add_element(
                    above, "aux", name, f"TIME - {n} * INT(TIME / {n})", "Month", f"Months since the last {n}."
                )
                continue
            element = self._add_element(above, "aux", name, "TIME", "1", self._lever(key))
            x, y = breakpoints(values)
            graph = ET.SubElement(element, "gf")
            ET.SubElement(graph, "xpts").text = ",".join(map(str, x))
            ET.SubElement(graph, "ypts").text = ",".join(_plain_number(v) for v in y)

    def _lever(self, key: str) -> str:
        match = re.fullmatch(r"lever (\w+) \d+", key)
        if not match:
            return f"Values fixed for each month: {key}."
        from sim.policies import levers

        lever = next(x for x in levers() if x.name == match[1])
        return (
            f"Lever '{lever.label}', set by the scenario. {lever.meaning} Unit: {lever.unit}. Source: {lever.source}."
        )

    def _auxiliaries(self, above: ET.Element) -> None:
        """Add an auxiliary for each expression that is labelled or long and used more than once, or very long."""
        roots = [s.after for s in self.e.stocks.values()] + [
            x for each in self._counted_episodes().values() for x in each
        ]
        nodes = topological_order(roots)
        counts = use_counts(nodes, roots)
        part_counts: dict[str, int] = {}
        for node in nodes:
            if node.op in ("stock", "series"):
                self.references[node.number] = self.identifiers[node.args[0]]
                continue
            equation = self._equation(node)
            label = self.e.labels.get(node)
            is_reused = counts.get(node.number, 0) > 1
            if node.op in ("<", "<=", ">", ">=", "=", "and", "or", "not") or not (
                (is_reused and (len(equation) > LONG_EXPRESSION or label is not None)) or len(equation) > 1_500
            ):
                self.references[node.number] = f"({equation})"
                continue
            if label is not None:
                name = self.names.new(label.name)
                self._add_variable(above, "aux", name, equation, label.unit, label.meaning)
            else:
                mechanism = node.mechanism or "people"
                part_counts[mechanism] = part_counts.get(mechanism, 0) + 1
                name = self.names.new(f"part {part_counts[mechanism]} of {mechanism}")
                self._add_element(above, "aux", name, equation, UNSPECIFIED, f"Part of the equations of {mechanism}.")
            self.references[node.number] = _identifier(name)

    def _reference(self, x: Any) -> str:
        return self.references[x.number] if isinstance(x, Expr) else _number(x)

    def _equation(self, node: Expr) -> str:
        a = [self._reference(x) for x in node.args]
        if node.op in FUNCTIONS:
            return f"{FUNCTIONS[node.op]}({', '.join(_without_brackets(x) for x in a)})"
        if node.op == "if":
            return f"IF {a[0]} THEN {a[1]} ELSE {a[2]}"
        if node.op == "not":
            return f"NOT {a[0]}"
        return f"{a[0]} {WORDS.get(node.op, node.op)} {a[1]}"

    def _counted_episodes(self) -> dict[int, list[Expr]]:
        """The expressions of the episodes that count towards acute demand, by position of the service."""
        opened = self.e.outputs["opened"]
        return {k: [x for x in np.ravel(opened[k]) if isinstance(x, Expr)] for k in counted_services()}

    def _acute_demand(self, above: ET.Element) -> None:
        people = " + ".join(self._reference(x) for x in np.ravel(self.e.outputs["people"]))
        catalogue = load_catalogue()
        costs = " + ".join(
            f"{_plain_number(unit_cost(catalogue[k]))} * ({' + '.join(self._reference(x) for x in opened)})"
            for k, opened in self._counted_episodes().items()
            if opened
        )
        self._add_element(
            above,
            "aux",
            self.names.new("acute demand"),
            f"12 * ({costs}) / ({people})",
            "pounds/person/Year",
            "Acute demand: acute episodes, each at its unit cost. The index is 100 times this over that of "
            "the baseline's first year.",
        )


def breakpoints(values: F) -> tuple[list[int], list[float]]:
    """The months at which the slope of a series changes, with the first and the last month, and its values there."""
    if len(values) == 1:
        return [0, 1], [float(values[0])] * 2
    slope = np.diff(values)
    bends = [k for k in range(1, len(values) - 1) if abs(slope[k] - slope[k - 1]) > 1e-15]
    at = [0, *bends, len(values) - 1]
    return at, [float(values[k]) for k in at]


def _plain_number(x: float) -> str:
    return repr(float(x))


def _number(x: Any) -> str:
    text = repr(float(x))
    return f"({text})" if text.startswith("-") else text


def _without_brackets(text: str) -> str:
    """An expression without brackets around all of it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and k < len(text) - 1:
            return text
    return text[1:-1]


class XmileSummary(NamedTuple):
    """The contents of an exported file."""

    variables: int
    """Number of stocks, flows and auxiliaries."""
    stocks: dict[str, str]
    """The name in the file of each of the twin's stocks."""


def write(twin: Twin, path: Path) -> XmileSummary:
    """Write a twin as an XMILE file.

    The file appears only when it is complete.

    Parameters
    ----------
    twin
        The twin.
    path
        The file to write.
    """
    writer = _Writer(twin)
    tree = writer.tree()
    partial_path = path.with_name(f".{path.name}.part")
    with temporary(partial_path):
        tree.write(partial_path, encoding="utf-8", xml_declaration=True)
        partial_path.replace(path)
    root = tree.getroot()
    variables = sum(len(root.findall(f".//{kind}")) for kind in ("stock", "flow", "aux"))
    return XmileSummary(variables, writer.stocks)
