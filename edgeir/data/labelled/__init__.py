"""Images with classes or segmentation maps."""
