"""LLaVA-Bench in Japanese: In-the-Wild and COCO."""
