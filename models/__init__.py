"""lmms-eval model plugins, by the name that stands after `--model`."""

#: name -> class, imported by lmms-eval when the model is asked for.
MANIFESTS = {"replay": "lmms_eval_ja.models.replay.Replay"}
