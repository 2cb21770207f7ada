"""JGraphQA."""
