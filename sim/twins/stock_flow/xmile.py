"""The twin as an XMILE file (OASIS XMILE 1.0), which Stella, Vensim or PySD open and run.

Every stock has one flow, its change in a month, and the step is a month, so Euler's method gives the twin's own
numbers. An expression with a name of its own, or one that is used more than once, is an auxiliary; levers are graphs
over time.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.schema.version import VERSION
from sim.services.catalogue import load_catalogue
from sim.twins.stock_flow.equations import F, in_order, uses
from sim.twins.stock_flow.symbolic import Expr
from sim.twins.stock_flow.twin import Twin

NAMESPACE = "http://docs.oasis-open.org/xmile/ns/XMILE/v1.0"
LONG = 60
"""Characters from which an expression that is used again is written only once."""
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
"""Units as the columns tell them, and as XMILE writes them; pure numbers are 1."""
PURE = (
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
UNTOLD = "unspecified"
FUNCTIONS = {"min": "MIN", "max": "MAX", "exp": "EXP", "log": "LN", "cos": "COS"}
WORDS = {"and": "AND", "or": "OR", "not": "NOT"}


def unit_of(told: str) -> str:
    """A unit in XMILE's words."""
    if told in UNITS:
        return UNITS[told]
    return "1" if told.startswith(PURE) else UNTOLD


class _Names:
    """Names that no two variables share, blank and underscore being the same."""

    def __init__(self) -> None:
        self._taken: set[str] = {"time", "dt", "starttime", "stoptime", "pi"}

    def new(self, wanted: str) -> str:
        """The name, or the name with a number."""
        plain = re.sub(r"[^A-Za-z0-9]+", " ", wanted).strip()
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
    """Puts a twin's equations down as a tree."""

    def __init__(self, twin: Twin) -> None:
        self.twin, self.e = twin, twin.equations
        self.names = _Names()
        self.root = ET.Element("xmile", {"version": "1.0", "xmlns": NAMESPACE})
        self.text: dict[int, str] = {}
        self.size: dict[int, int] = {}
        self.known: dict[str, str] = {}
        self.stocks: dict[str, str] = {}

    def tree(self) -> ET.ElementTree[Any]:
        """The whole file."""
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
            self.known[key] = _identifier(name)
        self._auxiliaries(variables)
        for key, stock in self.e.stocks.items():
            flow = self.names.new(f"change in {stock.name}")
            element = self._variable(variables, "stock", stocks[key], _number(stock.initial), stock.unit, stock.meaning)
            inflow = ET.Element("inflow")
            inflow.text = _identifier(flow)
            element.insert(2, inflow)
            change = f"{self._of(stock.after)} - {self.known[key]}"
            unit = unit_of(stock.unit)
            self._plain(variables, "flow", flow, change, "1/Month" if unit == "1" else f"{unit}/Month",
                        f"What a month adds to {stock.meaning}, or takes from it.")  # fmt: skip
        self._acute(variables)
        tree = ET.ElementTree(self.root)
        ET.indent(tree)
        return tree

    def _variable(self, above: ET.Element, kind: str, name: str, equation: str, unit: str, meaning: str) -> ET.Element:
        told = f"{meaning[:1].upper()}{meaning[1:]}"
        return self._plain(above, kind, name, equation, unit_of(unit), f"{told.rstrip('.')}. Unit: {unit}.")

    def _plain(self, above: ET.Element, kind: str, name: str, equation: str, unit: str, meaning: str) -> ET.Element:
        element = ET.SubElement(above, kind, {"name": name})
        ET.SubElement(element, "doc").text = meaning
        ET.SubElement(element, "eqn").text = equation
        ET.SubElement(element, "units").text = unit
        return element

    def _series(self, above: ET.Element) -> None:
        """The clock and the levers."""
        for key, values in self.e.values.items():
            if key == "month":
                self.known[key] = "TIME"
                continue
            name = self.names.new(key)
            self.known[key] = _identifier(name)
            remainder = re.fullmatch(r"month modulo (\d+)", key)
            if remainder:
                n = remainder[1]
                self._plain(above, "aux", name, f"TIME - {n} * INT(TIME / {n})", "Month", f"Months since the last {n}.")
                continue
            element = self._plain(above, "aux", name, "TIME", "1", self._lever(key))
            x, y = breakpoints(values)
            graph = ET.SubElement(element, "gf")
            ET.SubElement(graph, "xpts").text = ",".join(map(str, x))
            ET.SubElement(graph, "ypts").text = ",".join(_plain_number(v) for v in y)

    def _lever(self, key: str) -> str:
        found = re.fullmatch(r"lever (\w+) \d+", key)
        if not found:
            return f"What is set for each month: {key}."
        from sim.policies import levers

        lever = next(x for x in levers() if x.name == found[1])
        return (
            f"Lever '{lever.label}', set by the scenario. {lever.meaning} Unit: {lever.unit}. Source: {lever.source}."
        )

    def _auxiliaries(self, above: ET.Element) -> None:
        """Every expression that is worth a name."""
        roots = [s.after for s in self.e.stocks.values()] + self._counted()
        nodes = in_order(roots)
        many = uses(nodes, roots)
        parts: dict[str, int] = {}
        for node in nodes:
            if node.op in ("stock", "series"):
                self.text[id(node)] = self.known[node.args[0]]
                continue
            written = self._written(node)
            label = self.e.labels.get(node)
            again = many.get(id(node), 0) > 1
            if node.op in ("<", "<=", ">", ">=", "=", "and", "or", "not") or not (
                (again and (len(written) > LONG or label is not None)) or len(written) > 1_500
            ):
                self.text[id(node)] = f"({written})"
                continue
            if label is not None:
                name = self.names.new(label.name)
                self._variable(above, "aux", name, written, label.unit, label.meaning)
            else:
                within = node.within or "people"
                parts[within] = parts.get(within, 0) + 1
                name = self.names.new(f"part {parts[within]} of {within}")
                self._plain(above, "aux", name, written, UNTOLD, f"Part of the equations of {within}, used again.")
            self.text[id(node)] = _identifier(name)

    def _of(self, x: Any) -> str:
        return self.text[id(x)] if isinstance(x, Expr) else _number(x)

    def _written(self, node: Expr) -> str:
        a = [self._of(x) for x in node.args]
        if node.op in FUNCTIONS:
            return f"{FUNCTIONS[node.op]}({', '.join(_bare(x) for x in a)})"
        if node.op == "if":
            return f"IF {a[0]} THEN {a[1]} ELSE {a[2]}"
        if node.op == "not":
            return f"NOT {a[0]}"
        return f"{a[0]} {WORDS.get(node.op, node.op)} {a[1]}"

    def _counted(self) -> list[Any]:
        """Episodes that acute demand counts."""
        counts = [k for k, s in enumerate(load_catalogue()) if s.tier == "acute" and s.counts]
        return [x for x in np.ravel(self.e.told["opened"][counts]) if isinstance(x, Expr)]

    def _acute(self, above: ET.Element) -> None:
        people = " + ".join(self._of(x) for x in np.ravel(self.e.told["people"]))
        opened = " + ".join(self._of(x) for x in self._counted())
        self._plain(above, "aux", self.names.new("acute demand"), f"12000 * ({opened}) / ({people})",
                    "episodes/Year", "Acute demand: episodes per 1,000 people per year.")  # fmt: skip


def breakpoints(values: F) -> tuple[list[int], list[float]]:
    """The months between which a series runs straight, and its values there."""
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


def _bare(text: str) -> str:
    """Without brackets around the whole."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and k < len(text) - 1:
            return text
    return text[1:-1]


class XmileSummary(NamedTuple):
    """What a file holds."""

    variables: int
    stocks: dict[str, str]
    """The name of each of the twin's stocks in the file."""


def write(twin: Twin, path: Path) -> XmileSummary:
    """Write a twin as XMILE, whole or not at all."""
    writer = _Writer(twin)
    tree = writer.tree()
    half = path.with_name(f".{path.name}.part")
    tree.write(half, encoding="utf-8", xml_declaration=True)
    half.replace(path)
    root = tree.getroot()
    many = sum(len(root.findall(f".//{kind}")) for kind in ("stock", "flow", "aux"))
    return XmileSummary(many, writer.stocks)
