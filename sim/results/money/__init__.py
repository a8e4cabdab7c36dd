"""Money to the standard of the Treasury's Green Book: who pays, who gains, and what health is worth beside it."""
