"""Two more implementations of the same model: person by person in Mesa, and stocks and flows."""
