"""Checkpoints: a folder of ``weights.safetensors`` + ``card.json``, and while training ``state.safetensors`` +
``state.json`` (raw weights, averaged weights, optimiser moments, step; nothing random is drawn from a state). Never
pickle.

Folders are replaced whole, so a kill at any moment leaves the previous checkpoint or the new one.
"""
