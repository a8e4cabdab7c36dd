"""Upstream: what prevention does to acute demand, in a place, over years, under different ways of spending.

import sim
before = sim.Scenario.load("baseline")
after = before.with_policy("prevention_share", shift=0.02, start="2026-04", over_months=24)
print(sim.compare(before, after, seeds=20).acute_demand.difference())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.version import VERSION

__version__ = VERSION

_WHERE = {
    "AGE_BANDS": "sim.fields",
    "Comparison": "sim.comparison",
    "InputError": "sim.inputs",
    "Lever": "sim.policies",
    "MesaModel": "sim.mesa_model",
    "Metric": "sim.results",
    "Place": "sim.place",
    "Policy": "sim.scenario",
    "Scenario": "sim.scenario",
    "compare": "sim.analysis",
    "lever_sections": "sim.policies",
    "levers": "sim.policies",
    "load_catalogue": "sim.services.catalogue",
    "metrics": "sim.results",
    "new_place": "sim.place_tables",
    "place_names": "sim.place",
    "run": "sim.analysis",
    "scenario_names": "sim.scenario",
}

if TYPE_CHECKING:
    from sim.analysis import compare, run
    from sim.comparison import Comparison
    from sim.fields import AGE_BANDS
    from sim.inputs import InputError
    from sim.mesa_model import MesaModel
    from sim.place import Place, place_names
    from sim.place_tables import new_place
    from sim.policies import Lever, lever_sections, levers
    from sim.results import Metric, metrics
    from sim.scenario import Policy, Scenario, scenario_names
    from sim.services.catalogue import load_catalogue

__all__ = [
    "AGE_BANDS",
    "Comparison",
    "InputError",
    "Lever",
    "MesaModel",
    "Metric",
    "Place",
    "Policy",
    "Scenario",
    "compare",
    "lever_sections",
    "levers",
    "load_catalogue",
    "metrics",
    "new_place",
    "place_names",
    "run",
    "scenario_names",
]


def __getattr__(name: str) -> Any:
    """The public names, imported when first asked for: `import sim` alone is quick."""
    if name in _WHERE:
        import importlib

        found = getattr(importlib.import_module(_WHERE[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'sim' has no attribute '{name}'; there are {', '.join(__all__)}")
