"""JA-Multi-Image-VQA."""
