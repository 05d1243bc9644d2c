"""Every degradation that is not made of others."""

from __future__ import annotations

from edgeir.data.degrade.as_is import AsIs
from edgeir.data.degrade.bicubic import Bicubic
from edgeir.data.degrade.blur import GaussianBlur
from edgeir.data.degrade.blur_noise_jpeg import BlurNoiseJPEG
from edgeir.data.degrade.camera import PhoneCamera
from edgeir.data.degrade.haze import Haze
from edgeir.data.degrade.hybrid import Hybrid
from edgeir.data.degrade.jpeg import JPEG
from edgeir.data.degrade.noise import AWGN
from edgeir.data.degrade.rain import Rain
from edgeir.data.degrade.shared_photo import SharedPhoto
from edgeir.data.degrade.unknown import Unknown
from edgeir.data.degrade.zoom import Zoom

__all__ = ["Single"]

Single = (
    Bicubic
    | Unknown
    | AWGN
    | JPEG
    | GaussianBlur
    | Haze
    | Rain
    | Hybrid
    | BlurNoiseJPEG
    | PhoneCamera
    | SharedPhoto
    | Zoom
    | AsIs
)
