"""Feedback loops that run through money and rules: one loop a file."""
