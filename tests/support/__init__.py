"""Test support: a stand-in hub, the benchmarks' repositories in their real schemas, and a scripted judge."""
