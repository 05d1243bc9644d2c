"""Choose the size of a network for a device: measure members of its family there, keep the largest within a budget."""
