"""Upstream: the effects of prevention on acute demand, in a place, over years, under different ways of spending.

Examples
--------
>>> import sim
>>> before = sim.Scenario.load("baseline")
>>> after = before.with_policy("prevention_share", shift=0.02, start="2026-04", over_months=24)
>>> result = sim.compare(before, after, people=1_500, years=2, seeds=2, draws="none")
>>> result.acute_demand.difference().shape
(2, 9)
"""

from __future__ import annotations

from sim.schema.version import VERSION

TYPE_CHECKING = False  # as in `typing`, which takes longer to import than everything else that `import sim` needs

__version__ = VERSION

_MODULES = {
    "AGE_BANDS": "sim.schema.quantities",
    "Comparison": "sim.results.comparison",
    "InputError": "sim.schema.errors",
    "Lever": "sim.policies",
    "MesaModel": "sim.twins.mesa",
    "Metric": "sim.results.metric_types",
    "Place": "sim.place.place",
    "Policy": "sim.scenario.policy",
    "Scenario": "sim.scenario.scenario",
    "authority_names": "sim.place.english_authorities",
    "compare": "sim.ensemble.compare",
    "concat": "sim.ensemble.concatenation",
    "discover": "sim.discovery.study",
    "ema_model": "sim.sweeps.ema_model",
    "lever_sections": "sim.policies",
    "levers": "sim.policies",
    "load": "sim.sweeps.results",
    "load_catalogue": "sim.services.catalogue",
    "metrics": "sim.results.metrics",
    "nation": "sim.national.run",
    "new_place": "sim.place.census_tables",
    "place_names": "sim.place.place",
    "parameters": "sim.scenario.parameters",
    "rank": "sim.ranking.rank",
    "run": "sim.ensemble.compare",
    "scenario_names": "sim.scenario.scenario",
    "scope": "sim.analysis.scope",
    "search": "sim.searches.search",
    "sensitivity": "sim.analysis.sensitivity.study",
    "services_of": "sim.scenario.policy_checks",
    "sweep": "sim.sweeps.sweep",
    "sweep_sensitivity": "sim.discovery.indices",
    "use": "sim.schema.extensions",
}

_ALIASES = {"parameters": "parameter_frame"}
"""Public names that differ from the name in their module."""

if TYPE_CHECKING:
    from typing import Any

    from sim.analysis.scope import scope
    from sim.analysis.sensitivity.study import sensitivity
    from sim.discovery.indices import sweep_sensitivity
    from sim.discovery.study import discover
    from sim.ensemble.compare import compare, run
    from sim.ensemble.concatenation import concat
    from sim.national.run import nation
    from sim.place.census_tables import new_place
    from sim.place.english_authorities import authority_names
    from sim.place.place import Place, place_names
    from sim.policies import Lever, lever_sections, levers
    from sim.ranking.rank import rank
    from sim.results.comparison import Comparison
    from sim.results.metric_types import Metric
    from sim.results.metrics import metrics
    from sim.scenario.parameters import parameter_frame as parameters
    from sim.scenario.policy import Policy
    from sim.scenario.policy_checks import services_of
    from sim.scenario.scenario import Scenario, scenario_names
    from sim.schema.errors import InputError
    from sim.schema.extensions import use
    from sim.schema.quantities import AGE_BANDS
    from sim.searches.search import search
    from sim.services.catalogue import load_catalogue
    from sim.sweeps.ema_model import ema_model
    from sim.sweeps.results import load
    from sim.sweeps.sweep import sweep
    from sim.twins.mesa import MesaModel

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
    "authority_names",
    "compare",
    "concat",
    "discover",
    "ema_model",
    "lever_sections",
    "levers",
    "load",
    "load_catalogue",
    "metrics",
    "nation",
    "new_place",
    "parameters",
    "place_names",
    "rank",
    "run",
    "scenario_names",
    "scope",
    "search",
    "sensitivity",
    "services_of",
    "sweep",
    "sweep_sensitivity",
    "use",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import sim`` alone is quick."""
    if name in _MODULES:
        import importlib

        attribute = getattr(importlib.import_module(_MODULES[name]), _ALIASES.get(name, name))
        globals()[name] = attribute
        return attribute
    raise AttributeError(f"module 'sim' has no attribute '{name}'; there are {', '.join(__all__)}")
