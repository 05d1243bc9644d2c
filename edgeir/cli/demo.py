"""``edgeir demo``: stub."""


def demo() -> None:
    """Run the whole chain on a few photographs."""
