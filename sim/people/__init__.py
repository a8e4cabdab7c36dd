"""People: who they are, and the domains of need in which their lives can go well or badly."""
