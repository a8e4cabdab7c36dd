"""How the hazards of a scenario with other parameters, or of another place, are solved.

| mode | effect |
| --- | --- |
| `none` | the hazards of the default parameters stay: rates move with the parameters |
| `fast` | the supplied solution is adapted by a short paired run (sim/calibration/paired_run.py): some seconds |
| `full` | the hazards are solved again in a large town (sim/calibration/calibrate.py): some minutes |

Without other parameters, a supplied place has its supplied solution in every mode.
"""

from __future__ import annotations

from typing import Literal

Calibrate = Literal["none", "fast", "full"]
"""Modes of calibration."""
CALIBRATE_MEANING = (
    "how hazards are solved for these parameters: none (as for the default parameters), fast (some seconds) or full "
    "(some minutes)"
)
