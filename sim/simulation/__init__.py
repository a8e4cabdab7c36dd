"""Simulation: one month, one run, many runs."""
