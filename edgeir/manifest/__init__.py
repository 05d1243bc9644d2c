"""What stages hand to each other, as files: a checkpoint's card, an artifact's manifest, a network's facts."""
