"""LLaVA checkpoints in the format of LLaVA's own code, such as Prometheus-Vision, read by transformers' LLaVA."""
