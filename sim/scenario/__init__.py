"""Scenarios: policies on a timeline, expectations, parameters, and the registry of mechanisms."""
