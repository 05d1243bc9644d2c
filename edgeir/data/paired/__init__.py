"""Sets of image pairs: the published ones, and two folders."""
