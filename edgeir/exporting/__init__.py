"""From a checkpoint to a file that a phone runs, and the proof that file and network agree."""
