"""JDocQA."""
