"""World: a place with people, housing, ties and services, before its first month."""
