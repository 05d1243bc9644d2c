"""Training: the recipe, the one loop, checkpoints that resume bit for bit."""
