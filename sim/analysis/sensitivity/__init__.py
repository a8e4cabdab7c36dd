"""Sensitivity analysis: which parameters drive the difference between a policy and its baseline.

| file | content |
| --- | --- |
| `inputs.py` | uncertain inputs: names and quantile functions |
| `indices.py`, `screening.py`, `two_stages.py` | designs and indices by SALib; the leading inputs; both stages |
| `model.py`, `source.py` | the stock-flow twin as a function of parameters; the version of the model |
| `evaluations.py`, `workers.py` | evaluations, stored part by part; processes that make them |
| `study.py`, `result.py`, `charts.py` | a study of the model, its result, and its charts |
| `one_parameter.py`, `agents.py` | the difference along the range of one parameter; confirmation by agents |
| `stored.py`, `drivers.py` | stored results, `supplied/` with the project, and the drivers of a comparison |

`python -m sim.analysis.sensitivity` computes the supplied results again.
"""
