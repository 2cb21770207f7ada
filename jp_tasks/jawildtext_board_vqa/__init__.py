"""Dense scene-text questions of JaWildText."""
