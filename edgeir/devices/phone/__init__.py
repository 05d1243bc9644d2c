"""A phone or board on adb: files are sent once, run there by edgeir's runner, and nothing stays behind.

Needs the ``adb`` client here, and a phone from Android 7 on whose USB debugging is switched on, or an arm64 Linux board
with ``adbd``. No SDK, no NDK, no app: the runner travels with its own C library.
"""
