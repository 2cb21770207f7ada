"""JAMMEval: seven Japanese benchmarks, refined."""
