"""The report: one self-contained static folder that opens from disk."""
