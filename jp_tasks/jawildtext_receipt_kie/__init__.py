"""JaWildText, receipts."""
