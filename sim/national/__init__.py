"""Many places: English authorities with their own people, budgets and policies, coupled by a national formula.

| file | content |
| --- | --- |
| `design.py`, `planning.py` | the TOML file of a design; each authority with its people, weight, budget and policy |
| `weights.py` | from simulated people to the people of an authority, in whole numbers that add up |
| `hazard_groups.py` | hazards of many authorities from few solutions |
| `allocation.py` | the national allocation formula |
| `task.py`, `states.py`, `outcomes.py` | what every worker runs; worlds between two years; what a year counted |
| `execution.py`, `store.py`, `run.py` | batches and lost workers; the folder; `sim.nation` |
| `totals.py`, `results.py`, `result_files.py`, `tile_map.py` | totals and checks; the table; files; the tile map |
| `size.py` | people, hours, memory and gigabytes, stated first |
"""
