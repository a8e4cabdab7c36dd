"""The stock-flow twin: the same model told by averages, as stocks and flows that move a month at a time.

| file | what it does |
| --- | --- |
| `symbols.py`, `tracing.py` | run the month's own code on values that are not known yet: what comes out are equations |
| `grain.py`, `baseline.py` | cells of people, and the balance from which the twin starts |
| `flows.py` | what people do in a month, on average; its docstring states the closures |
| `expected.py` | what places decide by lot, on average |
| `twin.py`, `equations.py` | a scenario as equations, and their run |
| `records.py` | the run in the form of an agents' run, so that the same measures are made of it |
| `steadiness.py` | how fast a push dies away: eigenvalues of the yearly map |
| `xmile.py` | the equations as an XMILE file |
"""

from sim.twins.stock_flow.records import record_of, records
from sim.twins.stock_flow.twin import Twin
from sim.twins.stock_flow.xmile import write

__all__ = ["Twin", "record_of", "records", "write"]
