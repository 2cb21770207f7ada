"""HakushoBench."""
