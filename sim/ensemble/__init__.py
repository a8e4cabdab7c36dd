"""Ensembles: scenarios compared over seeds with common random numbers, parameter draws and adaptive stopping."""
