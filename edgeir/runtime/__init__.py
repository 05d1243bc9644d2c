"""Run a network where it is: a checkpoint with torch, a model file with the runtime of its format."""
