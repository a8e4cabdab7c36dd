"""Feedback loops made visible: found in what mechanisms declare, given signs and delays, measured, and knocked out."""

from sim.loop_map.found import Found, LoopMap, loop_map

__all__ = ["Found", "LoopMap", "loop_map"]
