"""MECHA-ja."""
