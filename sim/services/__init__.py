"""Services: what helps, whom it serves, what it costs, and what it can do."""
