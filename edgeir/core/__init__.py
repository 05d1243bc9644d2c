"""What every layer shares and what needs no torch: errors, configuration, files, progress, environment, assets."""
