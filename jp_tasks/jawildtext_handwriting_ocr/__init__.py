"""JaWildText, handwriting."""
