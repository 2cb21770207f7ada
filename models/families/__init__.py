"""Families that transformers loads as they are and that need a prompt of their own: a Jinja template each, no code."""
