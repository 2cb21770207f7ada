"""Tasks and models of ours as files of an lmms-eval checkout: code that needs nothing of this package.

`closure.definitions(roots)` finds what functions and classes need, down to single definitions, and
`writing.module_text(closure, header)` writes it as one module. `tasks.py` and `models.py` put such modules into a
checkout, with what belongs beside them. The modules named `upstream_…` are code for lmms-eval: here they are only
tested, an export carries them away.
"""
