"""Calibration: hazards with which the baseline shows the published figures, and goes on showing them."""
