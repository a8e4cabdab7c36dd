"""State: the tables of columns that mechanisms share, and the updates that keep every count correct."""
