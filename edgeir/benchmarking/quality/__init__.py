"""The quality of what ships: images through a network, measured by published protocols."""
