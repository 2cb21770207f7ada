"""BusinessSlideVQA."""
