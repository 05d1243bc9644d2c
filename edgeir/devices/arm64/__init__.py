"""TensorFlow Lite's Android library without a phone: under qemu's user-mode emulator, on a core of one's choice.

Proof and quality are those of the library that an app ships. Times are not recorded; instructions are counted.
"""
