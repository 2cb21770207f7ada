"""Heron-Bench."""
