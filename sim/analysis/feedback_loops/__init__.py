"""Detects feedback loops in the declarations of mechanisms, and measures their signs, delays, strengths and effects."""

from sim.analysis.feedback_loops.loops import DetectedLoop, LoopMap, loop_map

__all__ = ["DetectedLoop", "LoopMap", "loop_map"]
