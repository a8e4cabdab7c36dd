"""People: their attributes, and the domains in which they can have needs."""
