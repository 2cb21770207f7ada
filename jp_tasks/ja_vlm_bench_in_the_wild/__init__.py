"""JA-VLM-Bench-In-the-Wild."""
