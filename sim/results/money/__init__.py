"""Money to the standard of the Treasury's Green Book: who pays, who gains, and what health is worth beside it.

| file | subject |
|---|---|
| `discounting.py` | present values, with the steps of the Green Book's rates |
| `health.py` | QALYs that count deaths |
| `ledger.py` | pounds by budget holder and year of every run, which balance to the penny |
| `verdicts.py` | cost of a QALY and break-even year, or why there is none |
| `switching.py` | the value of a QALY, the cost and the effect at which the net value is zero |
| `appraisal.py` | the net present value of a policy and its parts: `Comparison.money` |
| `sentences.py` | the same in words |
| `tables.py` | the same as CSV |
| `chart.py` | the same as a figure |
"""
