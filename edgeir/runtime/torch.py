"""PyTorch on the CPU: a checkpoint folder or a zoo entry, in its `deploy()` form.

Global statistics are computed in float64, or set from outside (`StagedSession`); the two are bit-exact.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.moments import Accumulator, Moments
from edgeir.core.requires import require
from edgeir.manifest.artifact import Artifact, ModelFile, TensorSpec
from edgeir.manifest.facts import NetworkFacts
from edgeir.runtime.session import check_image, from_native, to_native

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Torch", "TorchSession"]


class Torch(Config):
    """Run checkpoints with PyTorch."""

    kind: Literal["torch"] = "torch"
    threads: int = 1
    """Intra-operator threads, while a session runs: PyTorch's own setting is that of the process before and after."""
    sigma: float | None = None
    """Noise level on the 0-255 scale for a network that takes one; its own by default."""
    clip: bool = True
    """False leaves out the clip to [0, 1] at the end of the `deploy()` form, for metrics of unclipped output."""

    def load(self, checkpoint: str) -> TorchSession:
        """Load a checkpoint folder or zoo name.

        Raises:
            CheckpointError: there is no such checkpoint, or it is damaged.
            ConfigError: a noise level for a network that takes none, or the network is an auto-encoder.
            MissingExtraError: torch is not installed.
        """
        require("torch", "running a checkpoint")
        from edgeir.checkpoint.load import load_checkpoint
        from edgeir.models.base import refuse_clean_reader, without_clip

        network, card, _ = load_checkpoint(checkpoint)
        refuse_clean_reader(network, card.name)
        if self.sigma is not None:
            network = network.at_sigma(self.sigma)
        deployed = network.deploy()
        return TorchSession(
            deployed if self.clip else without_clip(deployed),
            network.facts,
            name=f"{card.name} torch",
            sha256=card.weights_sha256,
            threads=self.threads,
        )


class TorchSession:
    """An eval-mode module, (1, C, H, W) float32 in [0, 1] to the same, run under `torch.inference_mode`."""

    runtime = "torch"
    artifact: Artifact | None = None
    file: ModelFile | None = None
    fixed_size: tuple[int, int] | None = None

    def __init__(
        self, module: nn.Module, facts: NetworkFacts, *, name: str, sha256: str = "", threads: int = 1
    ) -> None:
        self._torch = require("torch", "running a checkpoint")
        self._threads = threads
        from edgeir.models.blocks.global_statistics import Stages

        self._module: nn.Module | None = module.eval()
        self._stages = Stages(module)
        # Tiles are exact only if these statistics are all that the network reads of the whole image.
        self.stages = len(self._stages) if self._stages.operations >= set(facts.global_operations) else 0
        self.only_scale_features = self._stages.only_scale
        self.facts = facts
        self.name = name
        self.source_sha256 = sha256
        shape = (1, facts.channels, None, None)
        self.input = TensorSpec(name="image", shape=shape, layout="NCHW", dtype="float32")

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Session.run`."""
        check_image(x, self)
        return from_native(self.run_raw(to_native(x, self.input)), self.input)

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """See `Session.run_raw`: (1, C, H, W) float32."""
        assert self._module is not None, "the session is closed"
        with self._inference():
            result: NDArray[Any] = self._module(self._torch.from_numpy(tensor)).numpy()
        return result

    @contextlib.contextmanager
    def _inference(self) -> Iterator[None]:
        """No gradients, and this session's threads; a training in the same process keeps its own."""
        before = self._torch.get_num_threads()
        if before != self._threads:
            self._torch.set_num_threads(self._threads)
        try:
            with self._torch.inference_mode():
                yield
        finally:
            if before != self._threads:
                self._torch.set_num_threads(before)

    def stage_input(self, x: NDArray[np.float32], statistics: Sequence[Moments]) -> NDArray[np.float32]:
        """See `StagedSession.stage_input`."""
        check_image(x, self)
        tensor = self._torch.from_numpy(to_native(x, self.input))
        with self._inference():
            read: NDArray[np.float32] = (
                self._stages.next_input(tensor, statistics)[0].permute(1, 2, 0).numpy()
            )
        return read

    def all_stage_inputs(
        self, x: NDArray[np.float32], statistics: Sequence[Moments], rows: slice, columns: slice
    ) -> list[Accumulator]:
        """See `StagedSession.all_stage_inputs`."""
        check_image(x, self)
        tensor = self._torch.from_numpy(to_native(x, self.input))
        with self._inference():
            return self._stages.all_inputs(tensor, statistics, rows, columns)

    def run_with_statistics(
        self, x: NDArray[np.float32], statistics: Sequence[Moments]
    ) -> NDArray[np.float32]:
        """See `StagedSession.run_with_statistics`."""
        with self._stages.with_statistics(statistics):
            return self.run(x)

    def close(self) -> None:
        """See `Session.close`."""
        self._module = None
        del self._stages
