"""What quantisation means before any format: plans, observers and ranges, used by training and by export."""
