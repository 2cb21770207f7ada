"""MangaVQA."""
