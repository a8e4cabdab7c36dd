"""What there is to choose from, read from where it is declared: rows for programs, short entries for readers."""

from __future__ import annotations

import importlib
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from sim.engine.schedule import REGISTRY
from sim.feedback.loops import LOOPS
from sim.people.domains import Domain, load_domains
from sim.place.place import PLACES, Place, place_names
from sim.policies import levers
from sim.results.metrics import metrics
from sim.scenario import registry  # noqa: F401  (parameters and loops are known once every mechanism is in the book)
from sim.scenario.parameters import parameters
from sim.scenario.scenario import Scenario, library
from sim.schema.quantities import Figure
from sim.schema.toml_files import plain
from sim.services.catalogue import Service, load_catalogue

Rows = list[dict[str, Any]]


def rows(kind: str) -> Rows:
    """Everything of a kind, in order, each with its `name`."""
    return _KINDS[kind]()


def show(kind: str, found: Rows, out: Console) -> None:
    """An entry each: name and label, then the rest, wrapped to the width there is."""
    for row in found:
        out.print(Text.assemble((str(row["name"]), "bold"), "  ", plain(str(row.get("label", "")))))
        for line in _LINES[kind](row):
            if line:
                for short in textwrap.wrap(plain(line), max(20, out.width - 4)):
                    out.print(Text(f"    {short}"))


def schemas() -> dict[str, Any]:
    """JSON Schema of every input file."""
    from sim.validation.claims import ClaimTexts, OutsideTexts, RegionTexts
    from sim.validation.natural_experiments import Experiment
    from sim.validation.one_at_a_time import LeversFile, LoopsFile

    draft = "https://json-schema.org/draft/2020-12/schema"
    models: dict[str, type[BaseModel]] = {
        "scenario": Scenario,
        "place": Place,
        "domain": Domain,
        "service": Service,
        "experiment": Experiment,
        "claims": ClaimTexts,
        "outside": OutsideTexts,
        "regions": RegionTexts,
        "levers": LeversFile,
        "loops": LoopsFile,
    }
    return {name: {"$schema": draft, **model.model_json_schema()} for name, model in models.items()}


def _scenarios() -> Rows:
    out = []
    for name, path in library().items():
        s = Scenario.load(name)
        told = s.model_dump(mode="json", include={"label", "question", "reason", "place", "start", "years", "shows"})
        moves = [p.model_dump(mode="json", exclude_none=True) for p in s.policies]
        out.append({"name": name, **told, "policies": moves, "file": str(path)})
    return out


def _places() -> Rows:
    out = []
    for name in place_names():
        p = Place.load(name)
        areas = sum(part.neighbourhoods for part in p.deciles)
        out.append(
            {"name": name, "label": p.label, "kind": p.kind, "people": p.population, "unit": "people",
             "neighbourhoods": areas, "source": p.source, "file": str(PLACES / f"{name}.toml")}
        )  # fmt: skip
    return out


def _levers() -> Rows:
    return [
        {"name": x.name, "label": x.label, "unit": x.unit, "low": x.low, "high": x.high, "baseline": x.baseline,
         "step": x.step, "kind": x.kind, "by_service": x.by_service, "aims": list(x.aims), "needs": list(x.needs),
         "source": x.source, "meaning": x.meaning}
        for x in levers()
    ]  # fmt: skip


def _parameters() -> Rows:
    return [
        {"name": name, "label": told.meaning, "value": value, "unit": told.unit, "low": told.low,
         "high": told.high, "source": told.source, "status": told.status}
        for name, (value, told) in parameters().items()
    ]  # fmt: skip


def _services() -> Rows:
    out = []
    for s in load_catalogue():
        figures = {name: _figure(value) for name, value in _figures(s).items()}
        out.append(
            {"name": s.id, "label": s.label, "domain": s.domain, "tier": s.tier, "payer": s.silo,
             "statutory": s.statutory, "ages": list(s.ages), "serves": list(s.serves), "who": s.who,
             "metric": (s.measure or s.id) if s.tier == "acute" else None, "figures": figures}
        )  # fmt: skip
    return out


def _figures(service: Service) -> dict[str, Figure]:
    """The figures of a service that a reader asks for first: how many it reaches, and what it costs."""
    found: dict[str, Figure] = {}
    if service.activity is not None:
        found["people helped"] = service.activity.caseload_per_thousand
        found["wait"] = service.activity.wait_months
        found["turned away"] = service.activity.refused_share
    if service.walk_in is not None:
        found["attendances"] = service.walk_in.total
    if service.cost is not None:
        for name in type(service.cost).model_fields:
            price = getattr(service.cost, name)
            if price is not None:
                found["cost " + name.replace("_", " ")] = price
    if service.groups is not None:
        found["spend per head"] = service.groups.spend_per_head
    return found


def _domains() -> Rows:
    out = []
    for d in load_domains():
        crises = [{"ages": list(t.ages), **_figure(t.value)} for t in d.crisis.england_total]
        acts = {other: _figure(omega) for other, omega in d.interactions.items()}
        out.append(
            {"name": d.id, "label": d.label, "counted": d.unit, "meaning": d.meaning.model_dump(), "crises": crises,
             "worsened_by": acts}
        )  # fmt: skip
    return out


def _loops() -> Rows:
    out = []
    entries = REGISTRY.month()
    for loop in LOOPS:
        told = sections(importlib.import_module(loop.module).__doc__ or "")
        own = [entry for entry in entries if entry.module == loop.module]
        switch = {"without": list(loop.disabled), "parameters": dict(loop.parameters), "levers": dict(loop.levers)}
        out.append(
            {"name": loop.name, "label": loop.label, "chain": loop.chain, "sign": loop.sign, "cut": loop.disabled_by,
             "switch": switch, "switched": ", ".join(loop.switch()).replace("`", ""),
             "moves_baseline": loop.moves_baseline, "files": list(loop.files), "claim": told.get("Claim", ""),
             "source": told.get("Evidence", ""), "limits": told.get("Limits", ""),
             "phase": [entry.phase.name.lower() for entry in own],
             "reads": sorted({column for entry in own for column in entry.reads}),
             "writes": sorted({column for entry in own for column in entry.writes})}
        )  # fmt: skip
    return out


def _metrics() -> Rows:
    out = []
    for m in metrics():
        share = m.unit.startswith("share")
        out.append(
            {"name": m.name, "label": m.label, "unit": m.unit, "low": 0.0, "high": 1.0 if share else None,
             "better": m.better, "kind": m.kind, "source": "simulated"}
        )  # fmt: skip
    return out


def sections(text: str) -> dict[str, str]:
    """A mechanism's docstring by its headings, each on one line; the first sentence under ''."""
    found: dict[str, list[str]] = {"": []}
    here = ""
    for line in text.strip().splitlines():
        heading = re.match(r"([A-Z][a-z]+) {2,}(.*)", line)
        if heading:
            here = heading[1]
            found[here] = [heading[2]]
        elif line.startswith(" ") or here == "":
            found[here].append(line.strip())
    return {name: " ".join(" ".join(lines).split()) for name, lines in found.items()}


def _figure(figure: Figure) -> dict[str, Any]:
    return figure.model_dump(mode="json")


def _range(told: Mapping[str, Any]) -> str:
    return f"{told['low']:g} to {told['high']:g}, {told['unit']}"


def _of_figure(name: str, told: Mapping[str, Any]) -> str:
    return f"{name}: {told['value']:g} ({told['low']:g} to {told['high']:g}) {told['unit']}; {told['source']}"


def _lines_of_scenario(r: Mapping[str, Any]) -> list[str]:
    moves = []
    for p in r["policies"]:
        change = f"{p['value']:g}" if "value" in p else f"{p['shift']:+g}"
        aimed = f" of {', '.join(_listed(p['service']))}" if "service" in p else ""
        aimed += "".join(f", {aim} {_told(p[aim])}" for aim in ("where", "who") if aim in p)
        moves.append(f"{p['lever']}{aimed} {change} from {p['start']} over {p['over_months']} months")
    return [r["question"], f"{r['place']}, {r['start']}, {r['years']} years. " + ("; ".join(moves) or "No policy.")]


def _listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def _told(aim: Mapping[str, Any]) -> str:
    return " and ".join(f"{key} {value}" for key, value in aim.items())


def _lines_of_lever(r: Mapping[str, Any]) -> list[str]:
    how = "takes a shift" if r["kind"] == "shift" else f"{r['baseline']:g} at baseline"
    return [
        r["meaning"],
        f"{_range(r)}; {how}{_aims(r)}",
        r["source"],
    ]


def _aims(r: Mapping[str, Any]) -> str:
    some = {"service": "some services", "where": "some neighbourhoods", "who": "some ages"}
    may = ", ".join(some[aim] for aim in r["aims"])
    must = f"; must name its {' and '.join(r['needs'])}" if r["needs"] else ""
    return (f"; may be aimed at {may}" if may else "") + must


def _lines_of_domain(r: Mapping[str, Any]) -> list[str]:
    levels = [f"{name}: {told}" for name, told in r["meaning"].items()]
    crises = [_of_figure(f"crises, ages {c['ages'][0]} to {c['ages'][1]}", c) for c in r["crises"]]
    worse = [_of_figure(f"worsened by {other}", told) for other, told in r["worsened_by"].items()]
    return [*levels, *crises, *worse]


def _lines_of_service(r: Mapping[str, Any]) -> list[str]:
    duty = "must be given" if r["statutory"] else "may be cut"
    facts = f"{r['tier']}, {r['domain']}, ages {r['ages'][0]} to {r['ages'][1]}, paid by {r['payer']}, {duty}"
    return [r["who"], facts, *(_of_figure(name, told) for name, told in r["figures"].items())]


_KINDS: dict[str, Callable[[], Rows]] = {
    "scenarios": _scenarios,
    "places": _places,
    "levers": _levers,
    "parameters": _parameters,
    "services": _services,
    "domains": _domains,
    "loops": _loops,
    "metrics": _metrics,
}
_LINES: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "scenarios": _lines_of_scenario,
    "places": lambda r: [f"{r['people']:,} people in {r['neighbourhoods']} neighbourhoods ({r['kind']})", r["source"]],
    "levers": _lines_of_lever,
    "parameters": lambda r: [f"{r['value']:g}; {_range(r)}", f"{r['source']} ({r['status']})"],
    "services": _lines_of_service,
    "domains": _lines_of_domain,
    "loops": lambda r: [
        f"{'Reinforcing' if r['sign'] == '+' else 'Balancing'}: {r['chain']}",
        f"Cut: {r['switched']}. {r['cut']}" + " This moves the baseline, too." * r["moves_baseline"],
        f"Evidence: {r['source']}",
        f"Limits: {r['limits']}",
    ],
    "metrics": lambda r: [f"{r['unit']}" + ("; 0 to 1" if r["high"] is not None else "") + _better(r["better"])],
}


def _better(way: str | None) -> str:
    return {"up": "; more is better", "down": "; less is better"}.get(way or "", "")
