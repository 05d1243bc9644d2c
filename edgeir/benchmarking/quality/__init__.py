"""The quality of exported files and checkpoints, measured by published protocols."""
