"""JMMMU-Pro."""
