"""Services: the people they help, their staff and cost, and the effect of their help."""
