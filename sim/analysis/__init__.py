"""Analyses of runs: life histories of people, and feedback loops."""
