"""The task align_mm_bench."""
