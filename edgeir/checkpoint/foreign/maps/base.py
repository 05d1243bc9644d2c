"""What a map of weights says: which settings the tensors show, and under which of their names each weight lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeir.checkpoint.state import Tensors

__all__ = ["WeightMap", "convolutions"]


@dataclass(frozen=True)
class WeightMap:
    """The weights of one network, as its authors published them.

    Attributes:
        kind: of the network's configuration.
        source: whose names these are.
        settings: the settings of the configuration that the tensors show; KeyError: these are not its weights.
        names: for a configuration: edgeir's name -> theirs. What is not named keeps the value of a fresh network.
        fixed: for a configuration: values that they do not have, such as those of folded normalisations.
        hwio: kernels lie as (height, width, in, out), as TensorFlow has them.
    """

    kind: str
    source: str
    settings: Callable[[Tensors], dict[str, Any]]
    names: Callable[[Any, Tensors], Mapping[str, str]]
    fixed: Callable[[Any], Tensors] = lambda config: {}
    hwio: bool = False


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
