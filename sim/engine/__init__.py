"""The engine: tables of arrays, counter-based random numbers, schedule and compiled kernels; no people or services."""
