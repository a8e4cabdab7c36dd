"""Covasim's natural history of COVID-19 on one random layer of contacts, by days: one disease, no services.

`python covasim_random.py PEOPLE DAYS` prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import covasim as cv

people, days = int(sys.argv[1]), int(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sim = cv.Sim(pop_size=people, pop_type="random", n_days=days, verbose=0)
sim.init()
started = time.process_time()
sim.run()
seconds = time.process_time() - started
peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
print(json.dumps({"per_second": people * int(sim.t.npts) / seconds, "bytes": peak / people}))
