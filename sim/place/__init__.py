"""Places: who lives there by age and deprivation, and how to build one from census tables."""
