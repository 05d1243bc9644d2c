"""From a checkpoint to a file that a phone runs, and the proof that it is still the same network."""
