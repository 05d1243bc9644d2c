"""Which operators of a model file a phone's accelerators take, by rules that are data."""
