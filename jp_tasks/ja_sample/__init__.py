"""The small benchmark that ships with the package."""
