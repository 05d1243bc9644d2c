"""Measuring what ships: quality and time of the exported file, on real pictures and this machine."""
