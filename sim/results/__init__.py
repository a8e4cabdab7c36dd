"""Results: records of runs, metrics, outcomes, comparisons and tests of expectations."""
