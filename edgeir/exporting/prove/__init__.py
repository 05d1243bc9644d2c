"""Prove that a written file is still the network: run it, compare, and refuse past a gate."""
