"""Studies: one recipe trained in several ways over several seeds, measured, and compared seed by seed."""
