"""Arrays, months, addressed luck and compiled kernels: knows nothing of people or services."""
