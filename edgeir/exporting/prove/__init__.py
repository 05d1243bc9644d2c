"""Prove that a written file agrees with the network: run both, compare, and refuse the file beyond a gate."""
