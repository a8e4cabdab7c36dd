"""Starsim's built-in SIS on its default network, eight contacts a person, by months: one disease, no services.

`python starsim_sis.py PEOPLE MONTHS` prints one line of JSON.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import starsim as ss


def peak() -> int:
    """Bytes that this process, not the one it came from, has used at most. Linux only."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 0


people, months = int(sys.argv[1]), int(sys.argv[2])
before = peak()
sim = ss.Sim(
    n_agents=people, start=2000, dur=ss.years(months / 12), dt=ss.month, diseases=ss.SIS(),
    networks=ss.RandomNet(n_contacts=8), verbose=0,
)  # fmt: skip
sim.init()
started = time.process_time()
sim.run()
seconds = time.process_time() - started
print(json.dumps({"per_second": people * int(sim.t.npts) / seconds, "bytes": (peak() - before) / people}))
