"""Families whose checkpoints bring their own code, or need a package of their authors; each in its own environment.

What a plugin takes for granted of that code stands in its docstring with its source: the authors' own code where it
could be read, else another evaluation's adapter. A family about which not enough is known has no plugin.
"""
