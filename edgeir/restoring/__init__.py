"""Restore photos of any size with any network: tiled output equals whole-image output."""
