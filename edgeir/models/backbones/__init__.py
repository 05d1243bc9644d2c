"""Frozen networks that read restored images: perceptual backbones, classifiers, segmentation networks. Their weights
come from a local file."""
