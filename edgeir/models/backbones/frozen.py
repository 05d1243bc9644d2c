"""High-level networks for restored images: frozen, in evaluation mode, with gradients towards the image.

Built in are VGG-16 and DeepLab-LargeFOV; any other network comes as a `torch.export` program (``.pt2``) or by import
path. All read RGB on [0, 1] and return scores before the softmax, (N, classes) or (N, classes, H, W).

Both run third-party code and need the user's permission (`edgeir.core.trust`): an import path is code, and
`torch.export.load` unpickles the entries of a ``.pt2`` file that its own index marks as pickled, with
``weights_only=False`` (torch 2.13), so that whoever wrote the file decides what runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import nn

from edgeir.core.config import Config
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.core.files import sha256_file
from edgeir.core.trust import require_trust
from edgeir.models.backbones.deeplab import DeepLabLargeFOV
from edgeir.models.backbones.vgg import VGG
from edgeir.models.backbones.weights import load_frozen
from edgeir.models.imported import ImportPath, import_factory, imported_module

__all__ = ["VGG16", "AnyHighLevel", "DeepLab", "Frozen", "ImportedModule", "Program"]


_WHERE = "objective.distillation"
_MADE_HERE = "in a checkout, `python benchmarks/high_level.py --networks` makes it"
"""What to do where a file under ``runs/high-level`` is missing: the recipes for digits name those."""


class Frozen(nn.Module):
    """A network whose weights never change: always in evaluation mode, no parameter takes a gradient.

    Args:
        network: the network; the module of a `torch.export` program has no modes, so it is left as it is.
        sha256: of the file with its weights; None for weights that are part of an imported module.
        fixed: required sizes of the input's dimensions (N, C, H, W); None for a dimension of any size.
    """

    def __init__(
        self,
        network: nn.Module,
        sha256: str | None,
        fixed: tuple[int | None, ...] = (None, None, None, None),
    ) -> None:
        super().__init__()
        self.network = network.requires_grad_(False)
        self.sha256 = sha256
        self._fixed = fixed

    def train(self, mode: bool = True) -> Frozen:
        """Do nothing: it stays in evaluation mode."""
        self.training = False
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores for (N, 3, H, W) on [0, 1]. Raises ConfigError where the network cannot take this size."""
        if any(wanted not in (None, side) for wanted, side in zip(self._fixed, x.shape, strict=True)):
            wanted = "x".join("any" if side is None else str(side) for side in self._fixed)
            raise ConfigError(
                [f"the program takes input of {wanted}, not {'x'.join(map(str, x.shape))}"],
                where=_WHERE,
                fix="export it with a dynamic batch, and with the sides of the training patches",
            )
        scores: torch.Tensor = self.network(x)
        return scores


class HighLevel(Config):
    """Base of every high-level network: its file is looked for and hashed before anything else is done."""

    kind: str
    weights: str | None = None
    """The file; required, so that no recipe runs with random weights."""
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    """Refuse a file with another hash, so that a run can be repeated with the same network."""

    def check(self) -> None:
        """Raise before any image is decoded.

        Raises:
            ConfigError: no file is named. CheckpointError: it is missing, or has another hash.
            UntrustedCodeError: it is third-party code, and the user has not allowed to run it.
        """
        if self.weights is None:
            self._unnamed()
            return
        path = Path(self.weights).expanduser()
        if not path.is_file():
            made = "runs/high-level/" in f"/{path.as_posix()}"
            raise CheckpointError(
                "there is no such file of weights", where=path, fix=_MADE_HERE if made else None
            )
        if self.sha256 is not None and sha256_file(path) != self.sha256:
            raise CheckpointError("the file has another sha256 than the recipe says", where=path)

    @property
    def name(self) -> str:
        """Name of the network in the record of a run."""
        return self.kind

    def files(self) -> list[dict[str, Any]]:
        """Its files for the record of a run: network, file, SHA-256; none where the weights are part of the module.

        Raises:
            EdgeIRError: as for `check`.
        """
        self.check()
        if self.weights is None:
            return []
        digest = sha256_file(Path(self.weights).expanduser())
        return [{"network": self.name, "file": self.weights, "sha256": digest}]

    def _unnamed(self) -> None:
        raise ConfigError(
            ["`weights` of the high-level network is not set"],
            where=_WHERE,
            fix="give the path of its file: objective.distillation.methods.N.network.weights=FILE",
        )

    def build(self) -> Frozen:
        """The frozen network, on the CPU; errors as for `check`, and CheckpointError for weights of another network."""
        raise NotImplementedError

    def _loaded(self, network: nn.Module) -> Frozen:
        self.check()
        if self.weights is None:
            return Frozen(network.eval(), None)
        return Frozen(network, load_frozen(network, Path(self.weights).expanduser()))


class VGG16(HighLevel):
    """VGG-16, a classifier; weights with torchvision's names, its ``vgg16-397923af.pth`` for instance."""

    kind: Literal["vgg16"] = "vgg16"
    classes: int = Field(1000, ge=2, le=100_000)

    def build(self) -> Frozen:
        return self._loaded(VGG(16, classes=self.classes))


class DeepLab(HighLevel):
    """DeepLab-LargeFOV, a segmentation network; weights with Caffe's names (see `edgeir.models.backbones.deeplab`)."""

    kind: Literal["deeplab-largefov"] = "deeplab-largefov"
    classes: int = Field(21, ge=2, le=10_000)

    def build(self) -> Frozen:
        return self._loaded(DeepLabLargeFOV(self.classes))


class ImportedModule(HighLevel):
    """The network that a function of an installed package returns; without `weights`, with the weights it has."""

    kind: Literal["module"] = "module"
    target: ImportPath
    """``package.module:callable``; called without arguments it returns a `torch.nn.Module`."""

    @property
    def name(self) -> str:
        return self.target

    def _unnamed(self) -> None:
        """The module may have its weights already."""

    def build(self) -> Frozen:
        return self._loaded(imported_module(self.target, {}, where=_WHERE))

    def check(self) -> None:
        super().check()
        import_factory(self.target, where=_WHERE)


class Program(HighLevel):
    """A `torch.export` program, which holds its weights: ``torch.export.save(program, "classifier.pt2")``.

    Export it in evaluation mode, with one input of a dynamic batch:
    ``torch.export.export(network.eval(), (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))``.
    """

    kind: Literal["program"] = "program"

    def check(self) -> None:
        super().check()
        require_trust("a torch.export program can run code when it is read", where=self.weights)

    def build(self) -> Frozen:
        self.check()
        path = Path(str(self.weights)).expanduser()
        try:
            program = torch.export.load(path)
        except Exception as error:  # a corrupt file can raise anything
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise CheckpointError(
                f"cannot be read as a torch.export program ({reason})", where=path
            ) from error
        inputs = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
        if len(inputs) != 1 or inputs[0].meta["val"].ndim != 4:
            raise CheckpointError(
                f"the program takes {len(inputs)} inputs instead of one, (N, 3, H, W)", where=path
            )
        sides = inputs[0].meta["val"].shape
        fixed = tuple(side if isinstance(side, int) else None for side in sides)
        return Frozen(program.module(), sha256_file(path), fixed)


AnyHighLevel = Annotated[VGG16 | DeepLab | Program | ImportedModule, Field(discriminator="kind")]
"""Every high-level network, discriminated by `kind`."""
