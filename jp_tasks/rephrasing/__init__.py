"""Questions put in other words that mean the same, and the file in which they are kept."""
