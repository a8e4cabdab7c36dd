"""Searches: the mixes of spending, under the same money, that no other mix beats in all objectives.

| file | content |
| --- | --- |
| `design.py` | the TOML file of a search |
| `lever_space.py` | the levers that are searched, what each costs, and the projection to the same money |
| `quantities.py` | what is measured of each run |
| `goals.py` | objectives and limits, robust over draws of the parameters |
| `planning.py`, `plan.py` | checks of a design, and the search that follows from it |
| `twin_model.py`, `evaluation.py` | the stock-flow twin as a function of a mix; processes that evaluate mixes |
| `optimiser.py` | NSGA-II (pymoo), asked for mixes generation by generation |
| `store.py` | the folder of a search |
| `fronts.py` | Pareto fronts, and how alike those of two seeds of the optimiser are |
| `confirmation.py` | points of the front by agents with fresh draws |
| `search.py` | `sim.search` |
| `result.py`, `sentences.py`, `chart.py` | the result as data and tables, in words, and as a picture |
"""
