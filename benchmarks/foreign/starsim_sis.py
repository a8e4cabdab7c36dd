"""Starsim's built-in SIS on its default network, eight contacts a person, by months: one disease, no services.

`python starsim_sis.py PEOPLE MONTHS` prints one line of JSON.
"""

from __future__ import annotations

import sys

import starsim as ss
from measured import measure

people, months = int(sys.argv[1]), int(sys.argv[2])


def make() -> ss.Sim:
    """The simulation."""
    network = ss.RandomNet(n_contacts=8)
    span = {"start": 2000, "dur": ss.years(months / 12), "dt": ss.month}
    return ss.Sim(n_agents=people, diseases=ss.SIS(), networks=network, verbose=0, **span)


measure(make, people)
