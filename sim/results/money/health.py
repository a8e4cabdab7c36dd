"""QALYs that count deaths: those of everybody who lives in the place, with the years that a death takes.

The measure `qalys` is another one: quality of life per living person and year. It rises if people with poor health
die, so it never enters a net value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.results.records import Record

F = npt.NDArray[np.float64]


def qalys_with_deaths(r: Record) -> F:
    """Compute the QALYs lived each month by the people of a place, without those of net migration.

    Parameters
    ----------
    r : Record
        Record of one run, or of several runs one after another.

    Returns
    -------
    ndarray of float64, shape (months,)
        Of one run after another.

    Notes
    -----
    A person who dies gains no more QALYs, and a person who is born begins to gain them. A person who moves in or out
    is neither gained nor lost: QALYs are those of the people present, less those of net migration since the start, at
    the mean quality of the month.
    """
    lived = r.quality[0].sum(axis=(1, 2)) / 12.0
    balance = (r.monthly["moved_in"].astype(float) - r.monthly["moved_out"]).sum(axis=1)
    came = np.cumsum(balance.reshape(r.runs, -1), axis=1).ravel()
    people = r.monthly["people"].sum(axis=(1, 2))
    stayed: F = lived * (1.0 - came / np.maximum(1, people))
    return stayed
