"""The ten pictures of ja_sample, one function each, by kind of picture.

``canvas`` holds what they share. ``lmms_eval_ja.jp_tasks.ja_sample.draw`` is the command that draws them; nothing
here is imported at run time.
"""
