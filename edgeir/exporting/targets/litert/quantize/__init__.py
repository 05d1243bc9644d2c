"""Post-training quantisation: calibration, range rules, corrections, and the integer graph."""
