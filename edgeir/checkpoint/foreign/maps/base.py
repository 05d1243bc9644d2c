"""What a map of weights says: which settings the tensors show, and under which of their names each weight lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeir.checkpoint.state import Tensors

__all__ = ["WeightMap", "convolutions", "count", "kernel", "scale_of"]


@dataclass(frozen=True)
class WeightMap:
    """The weights of one network, as its authors published them.

    Attributes:
        kind: of the network's configuration.
        source: whose names these are.
        settings: the settings of the configuration that the tensors show; KeyError: these are not its weights.
        names: for a configuration: edgeir's name -> theirs. What is not named keeps the value of a fresh network.
        fixed: for a configuration: values that they do not have, such as those of folded normalisations.
        marks: names that together no other network's weights have: a file with all of them needs no `--model`.
        hwio: kernels lie as (height, width, in, out), as TensorFlow has them.
    """

    kind: str
    source: str
    settings: Callable[[Tensors], dict[str, Any]]
    names: Callable[[Any, Tensors], Mapping[str, str]]
    fixed: Callable[[Any], Tensors] = lambda config: {}
    hwio: bool = False
    marks: tuple[str, ...] = ()


def convolutions(tensors: Tensors) -> list[str]:
    """Names of the modules with a 4-dimensional weight (``model.0``), in the order of their numbers.

    Raises:
        KeyError: there is none under ``model.``.
    """
    found = [
        name.removesuffix(".weight")
        for name, value in tensors.items()
        if name.startswith("model.") and name.endswith(".weight") and value.ndim == 4
    ]
    if not found:
        raise KeyError("model.0.weight")
    return sorted(found, key=lambda name: int(name.split(".")[1]))


def kernel(tensors: Tensors, name: str) -> tuple[int, int, int, int]:
    """The four sides of a convolution's weight.

    Raises:
        KeyError: there is no such tensor.
        ValueError: it is no kernel.
    """
    sides = tuple(tensors[name].shape)
    if len(sides) != 4:
        raise ValueError(f"`{name}` has {len(sides)} dimensions, not 4")
    return sides


def count(tensors: Tensors, prefix: str) -> int:
    """One more than the highest number that follows `prefix` in a name (``feats.7.…``)."""
    numbers = [name.removeprefix(prefix).partition(".")[0] for name in tensors if name.startswith(prefix)]
    return 1 + max((int(number) for number in numbers if number.isdigit()), default=0)


def scale_of(tensors: Tensors, name: str) -> int:
    """The enlargement of a pixel shuffle behind the convolution of this weight, which makes 3 s² channels."""
    return math.isqrt(kernel(tensors, name)[0] // 3)
