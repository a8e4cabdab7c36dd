"""Feedback loops made visible: found in what mechanisms declare, given signs and delays, measured, and knocked out."""

from sim.analysis.feedback_loops.loops import DetectedLoop, LoopMap, loop_map

__all__ = ["DetectedLoop", "LoopMap", "loop_map"]
