"""Measuring what ships: quality and time of the exported file, on real images and this machine."""
