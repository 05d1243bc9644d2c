"""edgeir's own runner, a small C program on TensorFlow Lite's C API: building it, and talking to it.

The sources are in ``export/runner``. The same program runs under an emulator, on a phone or a board, and here.
"""
