"""Decoded images on disk, memory-mapped."""
