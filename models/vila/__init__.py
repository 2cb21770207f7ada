"""LLM-jp-3 VILA and VILA1.5 on transformers' LLaVA classes, without the VILA fork.

`layout.py` reads the published folders, `weights.py` compares their tensors with the model and links them for loading,
`pixels.py`, `conversation.py` and `tokens.py` make the inputs, `projector.py` and `merging.py` hold what LLaVA lacks,
`loading.py` puts it together; `export.py` writes an ordinary LLaVA checkpoint, `plugins.py` is what lmms-eval sees.
"""
