"""How the channels of a network respond to degradations: their correlation, and their response to each kind.

The interpretative experiment of FDR-Net (section 4.5, Fig. 8), for any network and any two of its taps. The paper does
not define its two measures; here

- the correlation of two channels is Pearson's over all positions of an image with mixed degradations, averaged in
  absolute value over the images; "on average" is over all pairs of different channels;
- the response of a channel to a degradation is the mean over positions and images of |f(degraded) - f(clean)|: it
  depends on the change, not on the content of the images. Each of the ten strengths of blur, noise and JPEG is the
  middle of a bin of the hybrid protocol.

Two figures show whether different channels respond to different kinds of degradation: the mean cosine between the
responses to different strengths of one kind, and that between different kinds. The first should be the larger one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ConfigError, DataError
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import honours_trust
from edgeir.data.degrade import Hybrid
from edgeir.data.degrade.base import Degraded, Pixels, to_bytes, to_unit
from edgeir.data.degrade.blur import gaussian_blur
from edgeir.data.degrade.blur_noise_jpeg import KERNEL_SIZE
from edgeir.data.degrade.hybrid import BLUR_EDGES, NOISE_EDGES, QUALITY_EDGES
from edgeir.data.degrade.jpeg import compress
from edgeir.data.sources.base import Source
from edgeir.data.sources.embedded import Embedded
from edgeir.imaging.luma import luma_of

if TYPE_CHECKING:
    from edgeir.models.base import Network

__all__ = ["ChannelStudy", "channels"]

Features = NDArray[np.float64]


class ChannelStudy(Config):
    """The result of `channels`; C is the number of channels of a tap."""

    model: str
    before: str
    """Name of the first tap."""
    after: str
    """Name of the second tap."""
    images: int
    size: int
    """Side of the crops in pixels, a multiple of what the network takes."""
    correlation_before: tuple[tuple[float, ...], ...]
    """C x C, mean absolute correlation."""
    correlation_after: tuple[tuple[float, ...], ...]
    mean_correlation_before: float
    """Over pairs of different channels."""
    mean_correlation_after: float
    strengths: dict[str, tuple[float, ...]]
    """Blur sigma in pixels, noise sigma on the 0-255 scale, JPEG quality; mildest first."""
    responses: dict[str, tuple[tuple[float, ...], ...]]
    """Per kind of degradation: strengths x C, of the second tap."""
    cosine_same_kind: float
    cosine_other_kind: float


@honours_trust
def channels(
    model: str | Path,
    *,
    before: str | None = None,
    after: str | None = None,
    sources: Sequence[Source] = (Embedded(),),
    limit: int = 8,
    size: int = 128,
    trust_code: bool = False,
    progress: Progress = no_progress,
) -> ChannelStudy:
    """Measure the channels of two taps of a checkpoint.

    Args:
        model: a checkpoint folder, run or zoo name, of a network that keeps the image's size.
        before, after: taps; default for an FDR-Net: what enters and leaves its first feature disentanglement module.
        sources: clean images, of which a network of one channel sees the luma. limit: how many, the first ones.
        size: side of the crop from the middle of each, rounded down to the multiple that the network takes.
        trust_code: see `edgeir.load`.

    Raises:
        CheckpointError, UntrustedCodeError: there is no such checkpoint, or it may not be loaded.
        ConfigError: the network enlarges; a tap does not exist, or none is given and the network has no disentanglement
            module; or `size` is less than that multiple.
        DataError: no image is as large as `size`.
    """
    from edgeir.checkpoint.load import load_checkpoint

    network, card, _ = load_checkpoint(model)
    if card.facts.net_scale != 1:
        raise ConfigError(["the network enlarges; only one that keeps the size can be studied"], where=model)
    before, after = _taps(network, before, after)
    multiple = card.facts.size_multiple
    if size < multiple:
        raise ConfigError(
            [f"the network takes sides of a multiple of {multiple}, so `size` (={size}) is too small"]
        )
    size = size // multiple * multiple
    images = _images(sources, limit, size)
    if card.facts.colour == "y":
        # Degraded afterwards, as everywhere: luma of colour noise would be weaker.
        images = [luma_of(image) for image in images]
    kinds = _kinds()
    total = len(images) * (1 + sum(len(levels) for levels, _ in kinds.values()))
    done = 0

    read = _Reader(network, (before, after))
    mixed: tuple[list[Features], list[Features]] = ([], [])
    change: dict[str, list[list[Features]]] = {
        kind: [[] for _ in levels] for kind, (levels, _) in kinds.items()
    }
    for index, image in enumerate(images):
        degraded = Hybrid().degrade(image, np.random.default_rng(index))
        for values, features in zip(mixed, read(degraded), strict=True):
            values.append(_correlation(features))
        clean = read(image)[1]
        done += 1
        for kind, (levels, degrade) in kinds.items():
            for position, level in enumerate(levels):
                change[kind][position].append(np.abs(read(degrade(image, level))[1] - clean).mean(1))
                done += 1
                progress(done, total, f"{kind} {level:g}")
    matrices = [np.mean(values, axis=0) for values in mixed]
    responses = {
        kind: np.array([np.mean(values, axis=0) for values in rows]) for kind, rows in change.items()
    }
    same, other = _cosines(list(responses.values()))
    return ChannelStudy(
        model=str(model),
        before=before,
        after=after,
        images=len(images),
        size=size,
        correlation_before=_rows(matrices[0]),
        correlation_after=_rows(matrices[1]),
        mean_correlation_before=_mean_of_pairs(matrices[0]),
        mean_correlation_after=_mean_of_pairs(matrices[1]),
        strengths={kind: tuple(levels) for kind, (levels, _) in kinds.items()},
        responses={kind: _rows(values) for kind, values in responses.items()},
        cosine_same_kind=same,
        cosine_other_kind=other,
    )


class _Reader:
    """Features of two taps for an image: two arrays, channels x positions."""

    def __init__(self, network: Network, taps: tuple[str, str]) -> None:
        from edgeir.distillation.taps import TapRecorder

        self._network, self._taps = network.eval(), taps
        self._recorder = TapRecorder(network, taps, role="network", where="channels")

    def __call__(self, image: Degraded) -> tuple[Features, Features]:
        import torch

        with torch.no_grad():
            tensor = torch.from_numpy(np.ascontiguousarray(to_unit(image).transpose(2, 0, 1)))[None]
            features = self._recorder.take(self._network(tensor)).features
        first, second = (features[tap][0].flatten(1).double().numpy() for tap in self._taps)
        return first, second


def _taps(network: Network, before: str | None, after: str | None) -> tuple[str, str]:
    if before is not None and after is not None:
        return before, after
    standard = ("phase.0.entry", "phase.0.disentangle")
    if any(name not in network.taps() for name in standard):
        raise ConfigError(
            ["the network has no feature disentanglement module, so two taps must be named"],
            fix=f"its taps are {', '.join(network.taps())}",
        )
    return before or standard[0], after or standard[1]


def _images(sources: Sequence[Source], limit: int, size: int) -> list[Pixels]:
    crops: list[Pixels] = []
    for ref in (ref for source in sources for ref in source.images()):
        image = ref.load()
        if min(image.shape[:2]) >= size:
            top, left = (image.shape[0] - size) // 2, (image.shape[1] - size) // 2
            crops.append(np.ascontiguousarray(image[top : top + size, left : left + size]))
        if len(crops) == limit:
            break
    if not crops:
        raise DataError(f"no image is as large as {size}x{size}", fix="choose a smaller size")
    return crops


def _kinds() -> dict[str, tuple[list[float], Callable[[Pixels, float], Degraded]]]:
    def middle(edges: NDArray[np.float64]) -> list[float]:
        return [float(value) for value in (edges[:-1] + edges[1:]) / 2]

    def noisy(image: Pixels, sigma: float) -> Degraded:
        noise = np.random.default_rng(0).standard_normal(image.shape, np.float32)
        return to_bytes(to_unit(image) + np.float32(sigma / 255) * noise)

    return {
        "blur": (
            middle(BLUR_EDGES),
            lambda p, sigma: to_bytes(gaussian_blur(to_unit(p), sigma, KERNEL_SIZE)),
        ),
        "noise": (middle(NOISE_EDGES), noisy),
        "JPEG": (
            [float(round(value)) for value in middle(QUALITY_EDGES)],  # libjpeg's qualities are whole
            lambda p, quality: compress(p, int(quality)),
        ),
    }


def _correlation(features: Features) -> Features:
    """(C, P) to C x C of |Pearson|; a constant channel is correlated with none but itself."""
    centred = features - features.mean(1, keepdims=True)
    norm = np.sqrt((centred**2).sum(1, keepdims=True))
    unit = np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 0)
    result: Features = np.abs(unit @ unit.T)
    np.fill_diagonal(result, 1.0)
    return result


def _mean_of_pairs(matrix: Features) -> float:
    return float(matrix[~np.eye(len(matrix), dtype=bool)].mean()) if len(matrix) > 1 else 0.0


def _cosines(responses: list[Features]) -> tuple[float, float]:
    """Mean cosine between the profiles of one kind, and between those of different kinds.

    A strength without any response (the mildest blur changes no byte) has no profile.
    """
    norms = [np.linalg.norm(rows, axis=1, keepdims=True) for rows in responses]
    unit = [
        rows[norm[:, 0] > 0] / norm[norm > 0][:, None] for rows, norm in zip(responses, norms, strict=True)
    ]
    same = float(np.mean([_mean_of_pairs(rows @ rows.T) for rows in unit]))
    other = [(a @ b.T).mean() for position, a in enumerate(unit) for b in unit[position + 1 :]]
    return same, float(np.mean(other))


def _rows(matrix: Features) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)
