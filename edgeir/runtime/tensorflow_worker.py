"""How TensorFlow loads and runs a frozen graph: a part of `worker_child`, read from its path."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import tensorflow as tf

__all__ = ["load"]

Run = Callable[[Any, Sequence[str]], tuple[float, list[Any]]]


def load(model: str, options: dict[str, Any]) -> Run:
    """Load the frozen graph `model`.

    Args:
        options: ``threads``; ``input``, ``output``: names of nodes.
    """
    tf.config.threading.set_intra_op_parallelism_threads(options["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(Path(model).read_bytes())
    entry, exit_ = f"{options['input']}:0", f"{options['output']}:0"
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
    network = wrapped.prune(entry, exit_)

    def run(tensor: Any, outputs: Sequence[str]) -> tuple[float, list[Any]]:
        del outputs  # there is one
        began = time.perf_counter()
        result = network(tf.constant(tensor)).numpy()
        return time.perf_counter() - began, [result]

    return run
