"""Scenario discovery and robust choice over a sweep, on paired differences between policies.

| file | content |
| --- | --- |
| `study.py`, `result.py` | `sim.discover`: checks and steps; its result |
| `cases.py` | the points of interest: where a policy is worse than the baseline, or misses a threshold |
| `chance.py` | the part of chance in differences of points |
| `choice.py`, `dominance.py` | regret and satisficing; stochastic dominance |
| `boxes.py`, `features.py` | boxes by PRIM, and scores of inputs, by EMA Workbench |
| `indices.py` | `upstream sensitivity DIR`: Sobol', Morris and PAWN indices of a sweep, by SALib |
| `charts.py` | pictures |
"""
