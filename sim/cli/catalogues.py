"""Catalogues for `upstream list` and `upstream schema`: rows of JSON, short entries as text, and JSON Schemas."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from sim.cli.tables import print_wrapped
from sim.engine.schedule import REGISTRY
from sim.feedback.loops import LOOPS
from sim.people.domains import Domain, load_domains
from sim.place.english_authorities import SOURCE as AUTHORITIES_SOURCE
from sim.place.english_authorities import authority_data, english_areas, membership
from sim.place.place import Place, place_files, place_names
from sim.policies import levers
from sim.results.metrics import metrics
from sim.scenario import registry  # noqa: F401  (registers every mechanism, and with it the parameters)
from sim.scenario.headings import PREVENTION_NAMES
from sim.scenario.parameters import parameters
from sim.scenario.policy_checks import services_of
from sim.scenario.scenario import Scenario, library
from sim.schema.docstring_sections import docstring_sections
from sim.schema.errors import plain
from sim.schema.prices import base_year
from sim.schema.quantities import Figure
from sim.services.catalogue import Service, load_catalogue

Rows = list[dict[str, Any]]


def rows(kind: str, text: str = "") -> Rows:
    """All items of a kind whose name, label or code has a text, in order, each with its `name`."""
    items, wanted, keys = _KINDS[kind](), text.casefold(), ("name", "label", "code")
    return [row for row in items if any(wanted in str(row.get(key, "")).casefold() for key in keys)]


def authorities_hint(text: str) -> str:
    """State how many English authorities come with the project, or which of them have a text in their name."""
    matching = [str(row["name"]) for row in rows("authorities", text)]
    total = len(authority_data().authorities)
    if not text:
        return f"Also {total} English authorities, such as --place leeds: upstream list authorities [TEXT]"
    return f"English authorities: {', '.join(matching) or 'none with this text'}"


def show(kind: str, items: Rows, out: Console) -> None:
    """Print an entry for each item: name and label, then details, wrapped to the width of the terminal."""
    for row in items:
        out.print(Text.assemble((str(row["name"]), "bold"), "  ", plain(str(row.get("label", "")))))
        for line in _LINES[kind](row):
            if line:
                print_wrapped(line, out, 4)


def schemas() -> dict[str, Any]:
    """The JSON Schema of every kind of input file."""
    from sim.assurance.data import SourceRegister
    from sim.assurance.roles import Roles
    from sim.national.design import NationDesign
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
        "nation": NationDesign,
        "claims": ClaimTexts,
        "outside": OutsideTexts,
        "regions": RegionTexts,
        "levers": LeversFile,
        "loops": LoopsFile,
        "roles": Roles,
        "sources": SourceRegister,
    }
    return {name: {"$schema": draft, **model.model_json_schema()} for name, model in models.items()}


def _scenarios() -> Rows:
    out = []
    for name, path in library().items():
        s = Scenario.load(name)
        fields = s.model_dump(mode="json", include={"label", "question", "reason", "place", "start", "years", "shows"})
        policies = [p.model_dump(mode="json", exclude_none=True) for p in s.policies]
        out.append({"name": name, **fields, "policies": policies, "file": str(path)})
    return out


def _places() -> Rows:
    out = []
    for name, path in sorted(place_files().items()):
        p = Place.load(name)
        neighbourhoods = sum(decile.neighbourhoods for decile in p.deciles)
        out.append(
            {"name": name, "label": p.label, "kind": p.kind, "people": p.population, "unit": "people",
             "neighbourhoods": neighbourhoods, "source": p.source, "file": str(path)}
        )  # fmt: skip
    return out


def _authorities() -> Rows:
    """The English authorities that come with the project. A place with a file has priority over its authority."""
    filed = place_names()
    out = []
    for area in english_areas().values():
        counts = sum(int(authority_data().neighbourhoods[code].sum()) for code in area.members)
        out.append(
            {"name": area.place_name, "label": area.name, "code": area.code, "people": area.people, "unit": "people",
             "neighbourhoods": counts, "source": "; ".join([AUTHORITIES_SOURCE, *membership(area)]),
             "has_file": area.place_name in filed}
        )  # fmt: skip
    return sorted(out, key=lambda row: str(row["name"]))


def _levers() -> Rows:
    return [
        {"name": x.name, "label": x.label, "unit": x.unit, "low": x.low, "high": x.high, "baseline": x.baseline,
         "step": x.step, "kind": x.kind, "by_service": x.by_service, "aims": list(x.aims), "needs": list(x.needs),
         "services": list(services_of(x.name)) if x.by_service else [], "acts": x.acts, "price_year": x.price_year,
         "source": x.source, "meaning": x.meaning}
        for x in levers()
    ]  # fmt: skip


def _parameters() -> Rows:
    return [
        {"name": name, "label": spec.meaning, "value": value, "unit": spec.unit, "low": spec.low,
         "high": spec.high, "source": spec.source, "status": spec.status, "price_year": spec.price_year,
         "quoted": spec.quoted}
        for name, (value, spec) in parameters().items()
    ]  # fmt: skip


def _services() -> Rows:
    out = []
    for s in load_catalogue():
        figures = {name: _figure(value) for name, value in _figures(s).items()}
        out.append(
            {"name": s.id, "label": s.label, "domain": s.domain, "tier": s.tier,
             "prevention": s.prevention, "payer": s.silo,
             "statutory": s.statutory, "ages": list(s.ages), "serves": list(s.serves), "clients": s.clients,
             "metric": (s.measure or s.id) if s.tier == "acute" else None, "figures": figures}
        )  # fmt: skip
    return out


def _figures(service: Service) -> dict[str, Figure]:
    """The main figures of a service: how many people it helps, and its costs."""
    figures: dict[str, Figure] = {}
    if service.activity is not None:
        figures["people helped"] = service.activity.caseload_per_thousand
        figures["wait"] = service.activity.wait_months
        figures["turned away"] = service.activity.refused_share
    if service.walk_in is not None:
        figures["attendances"] = service.walk_in.total
    if service.cost is not None:
        for name in type(service.cost).model_fields:
            price = getattr(service.cost, name)
            if price is not None:
                figures["cost " + name.replace("_", " ")] = price
    if service.groups is not None:
        figures["spend per head"] = service.groups.spend_per_head
    return figures


def _domains() -> Rows:
    out = []
    for d in load_domains():
        crises = [{"ages": list(t.ages), **_figure(t.value)} for t in d.crisis.england_total]
        worsened_by = {other: _figure(omega) for other, omega in d.interactions.items()}
        out.append(
            {"name": d.id, "label": d.label, "counted": d.unit, "meaning": d.meaning.model_dump(), "crises": crises,
             "worsened_by": worsened_by}
        )  # fmt: skip
    return out


def _loops() -> Rows:
    out = []
    entries = REGISTRY.month()
    for loop in LOOPS:
        text = docstring_sections(importlib.import_module(loop.module).__doc__ or "")
        steps = [entry for entry in entries if entry.module == loop.module]
        switch = {"disabled": list(loop.disabled), "parameters": dict(loop.parameters), "levers": dict(loop.levers)}
        out.append(
            {"name": loop.name, "label": loop.label, "chain": loop.chain, "sign": loop.sign, "cut": loop.disabled_by,
             "switch": switch, "switched": ", ".join(loop.switch()).replace("`", ""),
             "moves_baseline": loop.moves_baseline, "files": list(loop.files), "claim": text.get("Claim", ""),
             "source": text.get("Evidence", ""), "limits": text.get("Limits", ""),
             "phase": [entry.phase.name.lower() for entry in steps],
             "reads": sorted({column for entry in steps for column in entry.reads}),
             "writes": sorted({column for entry in steps for column in entry.writes})}
        )  # fmt: skip
    return out


def _metrics() -> Rows:
    out = []
    for m in metrics():
        share = m.unit.startswith("share")
        out.append(
            {"name": m.name, "label": m.label, "unit": m.unit, "low": 0.0, "high": 1.0 if share else None,
             "better": m.better, "kind": m.kind, "meaning": m.meaning, "source": "simulated"}
        )  # fmt: skip
    return out


def _scope() -> Rows:
    import pandas as pd

    from sim.analysis.scope import scope

    table = scope()
    out = []
    for name, row in zip(table.index, table.to_dict(orient="records"), strict=True):
        values = {str(key): None if pd.isna(value) else value for key, value in row.items()}  # not published
        out.append({"name": str(name), **values, "unit": f"pounds of {base_year()} a head a year"})
    return out


def _figure(figure: Figure) -> dict[str, Any]:
    return figure.model_dump(mode="json")


def _range(row: Mapping[str, Any]) -> str:
    return f"{row['low']:g} to {row['high']:g}, {row['unit']}"


def _figure_line(name: str, figure: Mapping[str, Any]) -> str:
    bounds = f"({figure['low']:g} to {figure['high']:g})"
    return f"{name}: {figure['value']:g} {bounds} {figure['unit']}; {figure['source']}"


def _lines_of_scenario(r: Mapping[str, Any]) -> list[str]:
    policies = []
    for p in r["policies"]:
        change = f"{p['value']:g}" if "value" in p else f"{p['shift']:+g}"
        target = f" of {', '.join(_as_list(p['service']))}" if "service" in p else ""
        target += f" of {PREVENTION_NAMES[p['prevention']]}" if "prevention" in p else ""
        target += "".join(f", {key} {_key_values(p[key])}" for key in ("where", "who") if key in p)
        policies.append(f"{p['lever']}{target} {change} from {p['start']} over {p['over_months']} months")
    return [r["question"], f"{r['place']}, {r['start']}, {r['years']} years. " + ("; ".join(policies) or "No policy.")]


def _as_list(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def _key_values(table: Mapping[str, Any]) -> str:
    return " and ".join(f"{key} {value}" for key, value in table.items())


def _lines_of_lever(r: Mapping[str, Any]) -> list[str]:
    baseline = "set as a shift" if r["kind"] == "shift" else f"{r['baseline']:g} at baseline"
    return [
        r["meaning"],
        f"{_range(r)}; {baseline}{_targets(r)}",
        r["source"],
    ]


def _targets(r: Mapping[str, Any]) -> str:
    some = {
        "service": "some services",
        "prevention": "a kind of prevention",
        "where": "some neighbourhoods",
        "who": "some ages",
    }
    optional = ", ".join(some[aim] for aim in r["aims"])
    required = f"; {' and '.join(r['needs'])} must be set" if r["needs"] else ""
    return (f"; can be limited to {optional}" if optional else "") + required


def _lines_of_domain(r: Mapping[str, Any]) -> list[str]:
    levels = [f"{name}: {text}" for name, text in r["meaning"].items()]
    crises = [_figure_line(f"crises, ages {c['ages'][0]} to {c['ages'][1]}", c) for c in r["crises"]]
    worsened_by = [_figure_line(f"worsened by {other}", figure) for other, figure in r["worsened_by"].items()]
    return [*levels, *crises, *worsened_by]


def _lines_of_service(r: Mapping[str, Any]) -> list[str]:
    duty = "statutory" if r["statutory"] else "can be cut"
    kind = f" ({PREVENTION_NAMES[r['prevention']]})" if r["prevention"] is not None else ""
    facts = f"{r['tier']}{kind}, {r['domain']}, ages {r['ages'][0]} to {r['ages'][1]}, paid by {r['payer']}, {duty}"
    return [r["clients"], facts, *(_figure_line(name, figure) for name, figure in r["figures"].items())]


def _lines_of_scope(r: Mapping[str, Any]) -> list[str]:
    published = "not published" if r["published"] is None else f"£{r['published']:,.0f}"
    covered = "" if r["share"] is None else f", {r['share']:.0%} covered"
    wider = f" ({r['area']})" if r["area"] not in (None, "England") else ""
    return [
        f"Model £{r['model']:,.0f}, England {published}{wider}{covered}; {r['unit']}",
        f"Holds: {r['holds']}",
        f"Leaves out: {r['left_out']}" if r["left_out"] else "",
        f"Source: {r['source']}",
    ]


_KINDS: dict[str, Callable[[], Rows]] = {
    "scenarios": _scenarios,
    "places": _places,
    "authorities": _authorities,
    "levers": _levers,
    "parameters": _parameters,
    "services": _services,
    "domains": _domains,
    "loops": _loops,
    "metrics": _metrics,
    "scope": _scope,
}
_LINES: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "scenarios": _lines_of_scenario,
    "places": lambda r: [f"{r['people']:,} people in {r['neighbourhoods']} neighbourhoods ({r['kind']})", r["source"]],
    "authorities": lambda r: [
        f"{r['code']}: {r['people']:,} people in {r['neighbourhoods']:,} neighbourhoods"
        + " (a place with a file: the file is used)" * r["has_file"]
    ],
    "levers": _lines_of_lever,
    "parameters": lambda r: [
        f"{r['value']:g}; {_range(r)}",
        f"Quoted: {r['quoted']:g} at prices of {r['price_year']}" if r["price_year"] else "",
        f"{r['source']} ({r['status']})",
    ],
    "services": _lines_of_service,
    "domains": _lines_of_domain,
    "loops": lambda r: [
        f"{'Reinforcing' if r['sign'] == '+' else 'Balancing'}: {r['chain']}",
        f"Knock-out: {r['switched']}. {r['cut']}" + " This also changes the baseline." * r["moves_baseline"],
        f"Evidence: {r['source']}",
        f"Limits: {r['limits']}",
    ],
    "metrics": lambda r: [
        *([r["meaning"]] if r["meaning"] else []),
        f"{r['unit']}" + ("; 0 to 1" if r["high"] is not None else "") + _better(r["better"]),
    ],
    "scope": _lines_of_scope,
}


def _better(direction: str | None) -> str:
    return {"up": "; higher is better", "down": "; lower is better"}.get(direction or "", "")
