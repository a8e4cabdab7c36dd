"""Speed and memory use of Upstream on the current machine: `python -m benchmarks`."""
