"""Covasim's natural history of COVID-19 on one random layer of contacts, by days: one disease, no services.

`python covasim_random.py PEOPLE DAYS` prints one line of JSON.
"""

from __future__ import annotations

import sys

import covasim as cv
from measured import measure

people, days = int(sys.argv[1]), int(sys.argv[2])
measure(lambda: cv.Sim(pop_size=people, pop_type="random", n_days=days, verbose=0), people)
