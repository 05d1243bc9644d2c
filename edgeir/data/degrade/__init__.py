"""Degradations: from a clean image to the network's input. One file each, and their union."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.data.degrade.as_is import AsIs
from edgeir.data.degrade.base import Degradation
from edgeir.data.degrade.bicubic import Bicubic
from edgeir.data.degrade.blur import GaussianBlur
from edgeir.data.degrade.blur_noise_jpeg import BlurNoiseJPEG
from edgeir.data.degrade.camera import PhoneCamera
from edgeir.data.degrade.haze import Haze
from edgeir.data.degrade.hybrid import Hybrid
from edgeir.data.degrade.jpeg import JPEG
from edgeir.data.degrade.noise import AWGN
from edgeir.data.degrade.one_of import OneOf
from edgeir.data.degrade.rain import Rain
from edgeir.data.degrade.shared_photo import SharedPhoto
from edgeir.data.degrade.single import Single
from edgeir.data.degrade.unknown import Unknown
from edgeir.data.degrade.zoom import Zoom

__all__ = [
    "AWGN",
    "JPEG",
    "AnyDegradation",
    "AsIs",
    "Bicubic",
    "BlurNoiseJPEG",
    "Degradation",
    "GaussianBlur",
    "Haze",
    "Hybrid",
    "OneOf",
    "PhoneCamera",
    "Rain",
    "SharedPhoto",
    "Unknown",
    "Zoom",
]

AnyDegradation = Annotated[Single | OneOf, Field(discriminator="kind")]
"""Every degradation, discriminated by `kind`."""
