"""JMMMU."""
