"""How a package's run is measured, the same for each: processor seconds, and peak memory beyond what importing took."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def peak() -> int:
    """Bytes that this process, not the one it came from, has used at most. Linux only."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(match[1]) * 1024 if match else 0


def measure(make: Callable[[], Any], people: int) -> None:
    """Make a simulation of Starsim's kind, run it, and print one line of JSON."""
    before = peak()
    sim = make()
    sim.init()
    started = time.process_time()
    sim.run()
    seconds = time.process_time() - started
    print(json.dumps({"per_second": people * int(sim.t.npts) / seconds, "bytes": (peak() - before) / people}))
