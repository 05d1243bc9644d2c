"""How close two images are: numpy in, float out, every convention an argument."""

from edgeir.metrics.ms_ssim import ms_ssim, pirm_ms_ssim
from edgeir.metrics.protocol import PROTOCOLS, Protocol, sr
from edgeir.metrics.psnr import psnr
from edgeir.metrics.ssim import ssim

__all__ = ["PROTOCOLS", "Protocol", "ms_ssim", "pirm_ms_ssim", "psnr", "sr", "ssim"]
