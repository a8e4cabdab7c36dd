"""Validation: claims, published natural experiments, single levers and loops, fit and stability."""
