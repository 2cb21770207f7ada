"""Many models: plan, run, read, compare, report."""
