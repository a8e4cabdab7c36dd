"""Sweeps: a design of many runs, each computed once and stored at once, on one computer or a cluster.

| file | content |
| --- | --- |
| `design.py`, `factors.py` | the TOML file of a design; levers and uncertainties, and their points |
| `conditions.py` | the filter of a design |
| `planning.py`, `plan.py` | checks of a design; its runs, in order, and the identity of each |
| `batch.py`, `task.py` | what a worker is sent and returns; the function that every worker calls |
| `outcomes.py` | the measures of a run as tables with units |
| `pool.py`, `cluster.py` | workers: processes of this computer, or of a Dask cluster |
| `execution.py` | batches, lost workers, repeated attempts |
| `store.py`, `part_files.py`, `manifest.py` | the folder of a sweep |
| `data_dictionary.py` | units and labels of every column, RO-Crate metadata |
| `size.py` | number of runs, hours and gigabytes, stated before the first run |
| `sweep.py`, `results.py`, `status.py`, `merging.py` | `sim.sweep`, `sim.load`, `upstream status`, `upstream merge` |
"""
