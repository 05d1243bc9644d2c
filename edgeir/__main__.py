"""``edgeir`` and ``python -m edgeir``: the command line."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command line and return the exit code; Ctrl-C ends it with one line from the first import on."""
    try:
        from edgeir.cli.app import main as command_line

        return command_line()
    except KeyboardInterrupt:  # while modules were imported, or for a second time
        from edgeir.cli.streams import say

        say("edgeir: interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
