"""A `torch.export` program (``.pt2``) as a module: one image in, one image out.

Reading one may unpickle objects, which runs code, so it needs the user's permission (`edgeir.core.trust`).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from edgeir.core.errors import ConfigError
from edgeir.core.files import sha256_file
from edgeir.core.trust import require_trust

__all__ = ["FACTORY", "Program", "program"]

FACTORY = f"{__name__}:program"
"""Import path of `program`, for `ModuleConfig.factory`."""


class Program(nn.Module):
    """The module of a program. It has one mode, the one that it was exported in."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.program = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.program(x)
        return out

    def train(self, mode: bool = True) -> Program:
        """Only noted: an exported module refuses to change its mode."""
        self.training = mode
        return self


def program(file: str, sha256: str) -> Program:
    """Read the program in `file`, whose hash must be `sha256`.

    Raises:
        UntrustedCodeError: the user has not allowed to run its code.
        ConfigError: it is missing, changed or damaged, or takes something else than one image of any size.
    """
    path = Path(file)
    require_trust("a torch.export program can run code when it is read", where=path)
    if not path.is_file() or sha256_file(path) != sha256:
        raise ConfigError(["the program is missing or was changed"], where=path, fix="export it again")
    try:
        loaded = torch.export.load(path)
    except Exception as error:  # a corrupt file can raise anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError([f"cannot be read as a torch.export program ({reason})"], where=path) from error
    given = [node for node in loaded.graph.nodes if node.name in loaded.graph_signature.user_inputs]
    if len(given) != 1 or given[0].meta["val"].ndim != 4:
        raise ConfigError([f"the program takes {len(given)} inputs instead of one, (N, C, H, W)"], where=path)
    sides = given[0].meta["val"].shape
    if any(isinstance(side, int) for side in sides[2:]):
        raise ConfigError(
            [
                f"the program takes images of {sides[2]}x{sides[3]} alone, so nothing can be found out about it"
            ],
            where=path,
            fix="torch.export.export(..., dynamic_shapes=({2: Dim('height'), 3: Dim('width')},))",
        )
    return Program(loaded.module())
