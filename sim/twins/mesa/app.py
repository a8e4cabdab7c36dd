"""Mesa's browser app for the town: `solara run sim.twins.mesa.app`.

The app needs the packages of the extra `solara`: `pip install -c constraints.txt -e ".[solara]"`.
"""

from __future__ import annotations

from typing import Any

from mesa.visualization import SolaraViz, make_plot_component

from sim.scenario.scenario import library, scenario_names
from sim.twins.mesa.model import MesaModel

PEOPLE = 1500
"""Number of people of the first town shown. It is small so that a month runs quickly."""

SETTINGS: dict[str, Any] = {
    "scenario": {
        "type": "Select",
        "value": scenario_names()[0],
        "values": list(library()),
        "label": "Scenario",
    },
    "seed": {"type": "SliderInt", "value": 0, "min": 0, "max": 99, "step": 1, "label": "Seed"},
    "people": {
        "type": "SliderInt",
        "value": PEOPLE,
        "min": PEOPLE,
        "max": 10_000,
        "step": 500,
        "label": "People",
    },
}

page = SolaraViz(
    MesaModel(people=PEOPLE),
    components=[
        make_plot_component("acute_demand_in_pounds"),
        make_plot_component({"helped": "tab:green", "waiting": "tab:orange", "turned_away": "tab:red"}),
        make_plot_component({"serious": "tab:purple", "crises": "tab:red"}),
        make_plot_component("spent"),
    ],
    model_params=SETTINGS,
    name="Upstream, person by person",
)
