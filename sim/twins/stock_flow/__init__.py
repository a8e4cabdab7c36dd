"""The stock-flow twin: the same model for averages, as stocks and flows with a time step of a month.

| file | content |
| --- | --- |
| `symbolic.py`, `kernel_tracer.py` | symbolic execution of the month's own code, which gives the equations |
| `aggregation.py`, `cells.py` | cells of people, and their state |
| `measurement.py`, `baseline.py`, `balance.py` | conditional means in a built world, constants, the steady baseline |
| `flows.py` | expected flows of people in a month; its docstring states the closures |
| `expected_value_rules.py` | expected values of the random decisions of neighbourhoods |
| `month_start.py`, `trace.py`, `equations.py`, `tape.py` | the month on symbols, as equations, as a tape |
| `twin.py` | a scenario as equations |
| `family.py`, `inputs.py`, `tape_store.py`, `drawn_model.py` | scenarios with parameters as inputs |
| `records.py` | the run in the format of an agents' run, so that the same code computes the measures |
| `agreement.py`, `pysd_check.py` | comparison with the agents, and of the exported file with PySD |
| `stability.py` | stability of the baseline: eigenvalues of the yearly map |
| `xmile.py` | the equations as an XMILE file |
"""

from sim.twins.stock_flow.family import TwinFamily
from sim.twins.stock_flow.records import record_of, records
from sim.twins.stock_flow.twin import Twin
from sim.twins.stock_flow.xmile import write

__all__ = ["Twin", "TwinFamily", "record_of", "records", "write"]
