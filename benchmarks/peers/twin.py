"""The same student written by hand for TensorFlow, NHWC, and converted by TensorFlow Lite's own converter.

Runs in an environment of its own that has TensorFlow and no edgeir:
``python twin.py WEIGHTS.npz HEIGHT WIDTH OUT.tflite``.

The weights file holds, in order, ``kernel_0, bias_0, …`` of the body (HWIO), then those of the tail and of the
image-space residual as ``kernel_tail, bias_tail, kernel_residual, bias_residual``, channels as PixelShuffle reads them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

BLOCK = 4


def shuffled(array: np.ndarray) -> np.ndarray:
    """Channels from PixelShuffle's order (colour, row, column) to depth_to_space's (row, column, colour)."""
    colours = array.shape[-1] // BLOCK**2
    split = array.reshape(*array.shape[:-1], colours, BLOCK**2)
    return np.ascontiguousarray(np.swapaxes(split, -1, -2)).reshape(array.shape)


class Student(tf.Module):
    """Convolutions and ReLU, the residual added, depth_to_space, clip: what one would write by hand."""

    def __init__(self, weights: dict[str, np.ndarray], height: int, width: int) -> None:
        super().__init__()
        layers = sum(name.startswith("kernel_") for name in weights) - 2
        self.body = [
            (tf.constant(weights[f"kernel_{i}"]), tf.constant(weights[f"bias_{i}"])) for i in range(layers)
        ]
        self.tail = tuple(tf.constant(shuffled(weights[f"{part}_tail"])) for part in ("kernel", "bias"))
        self.residual = tuple(
            tf.constant(shuffled(weights[f"{part}_residual"])) for part in ("kernel", "bias")
        )
        self.signature = tf.TensorSpec((1, height, width, 3), tf.float32, name="image")

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        features = image
        for kernel, bias in self.body:
            features = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(features, kernel, 1, "SAME"), bias))
        details = tf.nn.bias_add(tf.nn.conv2d(features, self.tail[0], 1, "SAME"), self.tail[1])
        residual = tf.nn.bias_add(tf.nn.conv2d(image, self.residual[0], 1, "SAME"), self.residual[1])
        return tf.clip_by_value(tf.nn.depth_to_space(details + residual, BLOCK), 0.0, 1.0)


def main(arguments: list[str]) -> int:
    """Convert and write."""
    weights, height, width, out = arguments
    with np.load(weights) as arrays:
        student = Student(dict(arrays), int(height), int(width))
    function = tf.function(student.__call__).get_concrete_function(student.signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], student)
    Path(out).write_bytes(converter.convert())
    print(tf.__version__)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
