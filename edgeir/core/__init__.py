"""What every layer shares and what needs no torch: errors, config, files, images, manifests, assets."""
