"""Networks that judge or use restored images and are never trained here: perceptual backbones, classifiers,
segmentation networks. Their weights come from a local file."""
