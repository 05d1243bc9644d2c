"""Networks: one file each, and the union of their configurations, `AnyModel`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.models.aod import AODNetConfig
from edgeir.models.arcnn import ARCNNConfig
from edgeir.models.base import Network
from edgeir.models.bsrn import BSRNConfig
from edgeir.models.danet import DANetConfig
from edgeir.models.danet_autoencoder import DANetAutoEncoderConfig
from edgeir.models.dilated import DilatedNetConfig
from edgeir.models.dncnn import DnCNNConfig
from edgeir.models.edsr import EDSRConfig
from edgeir.models.fdrnet import FDRNetConfig
from edgeir.models.ffdnet import FFDNetConfig
from edgeir.models.module import ModuleConfig
from edgeir.models.multiscale_denoiser import MultiscaleDenoiserConfig
from edgeir.models.plainsr import PlainSRConfig
from edgeir.models.plainusr import PlainUSRConfig
from edgeir.models.ppcn_enhance import PPCNEnhanceConfig
from edgeir.models.ppcn_sr import PPCNSRConfig
from edgeir.models.ppdn import PPDNConfig
from edgeir.models.rcan import RCANConfig
from edgeir.models.smfanet import SMFANetConfig
from edgeir.models.spandrel import SpandrelConfig
from edgeir.models.srcnn import SRCNNConfig
from edgeir.models.unet import UNetConfig

__all__ = [
    "AODNetConfig",
    "ARCNNConfig",
    "AnyModel",
    "BSRNConfig",
    "DANetAutoEncoderConfig",
    "DANetConfig",
    "DilatedNetConfig",
    "DnCNNConfig",
    "EDSRConfig",
    "FDRNetConfig",
    "FFDNetConfig",
    "ModuleConfig",
    "MultiscaleDenoiserConfig",
    "Network",
    "PPCNEnhanceConfig",
    "PPCNSRConfig",
    "PPDNConfig",
    "PlainSRConfig",
    "PlainUSRConfig",
    "RCANConfig",
    "SMFANetConfig",
    "SRCNNConfig",
    "SpandrelConfig",
    "UNetConfig",
]

AnyModel = Annotated[
    PlainSRConfig
    | PPCNSRConfig
    | PPCNEnhanceConfig
    | SRCNNConfig
    | UNetConfig
    | DilatedNetConfig
    | EDSRConfig
    | RCANConfig
    | SMFANetConfig
    | BSRNConfig
    | PlainUSRConfig
    | DnCNNConfig
    | FFDNetConfig
    | DANetConfig
    | DANetAutoEncoderConfig
    | ARCNNConfig
    | AODNetConfig
    | PPDNConfig
    | FDRNetConfig
    | MultiscaleDenoiserConfig
    | ModuleConfig
    | SpandrelConfig,
    Field(discriminator="kind"),
]
"""Every network configuration, discriminated by `kind`."""
