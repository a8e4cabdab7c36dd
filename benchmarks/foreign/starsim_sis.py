"""Starsim's built-in SIS on its default network, eight contacts a person, by months: one disease, no services.

`python starsim_sis.py PEOPLE MONTHS` prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import starsim as ss

people, months = int(sys.argv[1]), int(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sim = ss.Sim(
    n_agents=people, start=2000, dur=ss.years(months / 12), dt=ss.month, diseases=ss.SIS(),
    networks=ss.RandomNet(n_contacts=8), verbose=0,
)  # fmt: skip
sim.init()
started = time.process_time()
sim.run()
seconds = time.process_time() - started
peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
print(json.dumps({"per_second": people * int(sim.t.npts) / seconds, "bytes": peak / people}))
