"""Covasim's natural history of COVID-19 on one random layer of contacts, by days: one disease, no services.

`python covasim_random.py PEOPLE DAYS` prints one line of JSON.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import covasim as cv


def peak() -> int:
    """Bytes that this process, not the one it came from, has used at most. Linux only."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 0


people, days = int(sys.argv[1]), int(sys.argv[2])
before = peak()
sim = cv.Sim(pop_size=people, pop_type="random", n_days=days, verbose=0)
sim.init()
started = time.process_time()
sim.run()
seconds = time.process_time() - started
print(json.dumps({"per_second": people * int(sim.t.npts) / seconds, "bytes": (peak() - before) / people}))
