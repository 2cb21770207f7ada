"""Perception-Bench."""
