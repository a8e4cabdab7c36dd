"""Schema: quantities with unit, range and source, input files, and their errors."""
