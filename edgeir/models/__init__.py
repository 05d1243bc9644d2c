"""Networks: one file each, and the union of their configurations, `AnyModel`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.models.aod import AODNet
from edgeir.models.arcnn import ARCNN
from edgeir.models.base import Network
from edgeir.models.danet import DANet
from edgeir.models.danet_autoencoder import DANetAutoEncoder
from edgeir.models.dncnn import DnCNN
from edgeir.models.edsr import EDSR
from edgeir.models.fdrnet import FDRNet
from edgeir.models.ffdnet import FFDNet
from edgeir.models.multiscale_denoiser import MultiscaleDenoiser
from edgeir.models.plainsr import PlainSR
from edgeir.models.ppcn_enhance import PPCNEnhance
from edgeir.models.ppcn_sr import PPCNSR
from edgeir.models.ppdn import PPDN
from edgeir.models.rcan import RCAN
from edgeir.models.srcnn import SRCNN

__all__ = [
    "ARCNN",
    "EDSR",
    "PPCNSR",
    "PPDN",
    "RCAN",
    "SRCNN",
    "AODNet",
    "AnyModel",
    "DANet",
    "DANetAutoEncoder",
    "DnCNN",
    "FDRNet",
    "FFDNet",
    "MultiscaleDenoiser",
    "Network",
    "PPCNEnhance",
    "PlainSR",
]

AnyModel = Annotated[
    PlainSR
    | PPCNSR
    | PPCNEnhance
    | SRCNN
    | EDSR
    | RCAN
    | DnCNN
    | FFDNet
    | DANet
    | DANetAutoEncoder
    | ARCNN
    | AODNet
    | PPDN
    | FDRNet
    | MultiscaleDenoiser,
    Field(discriminator="kind"),
]
"""Every network configuration, discriminated by `kind`."""
