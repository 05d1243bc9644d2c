"""Quantisation independent of formats: plans, observers and ranges, used by training and by export."""
