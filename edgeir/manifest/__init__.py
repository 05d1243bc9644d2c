"""Schemas of the files that stages exchange: a checkpoint's card, an artifact's manifest, a network's facts."""
