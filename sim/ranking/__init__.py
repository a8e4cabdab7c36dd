"""Interventions ranked for one place under one budget: acute demand, health, money and fairness for each pound.

| file | content |
| --- | --- |
| `interventions.py` | the interventions of the library, and those that are set apart, with the reason |
| `programme_cost.py` | what a policy adds to budget lines and programmes, by draw and year |
| `budget.py` | the budget, and the size of each intervention at which it costs that much |
| `criteria.py` | what each intervention does by each criterion, by draw |
| `order.py` | ranks, ties, and how often each is best |
| `rank.py`, `ranking.py` | `sim.rank`; its result |
| `sentences.py`, `tables.py`, `chart.py` | the result in words, as JSON and CSV, and as a picture |
"""
