"""Image files and image arithmetic: reading, writing, luma, resizing. No torch."""
