"""JIC-VQA."""
