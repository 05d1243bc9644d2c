"""What a network reads of the whole image is gathered from tiles, and tiled output equals whole-image output.

Convolutions in float32 are equal to 1e-5 only (see `test_networks`).
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from edgeir.core.errors import ArtifactError  # noqa: E402
from edgeir.core.moments import Moments  # noqa: E402
from edgeir.imaging.files import Photo  # noqa: E402
from edgeir.imaging.resize import enlarge  # noqa: E402
from edgeir.models import FDRNetConfig, PPCNEnhanceConfig, PPCNSRConfig, RCANConfig  # noqa: E402
from edgeir.models.blocks.global_statistics import ImageMean, InstanceNorm  # noqa: E402
from edgeir.models.constants import calibrate, with_constants  # noqa: E402
from edgeir.restoring.global_statistics import gather  # noqa: E402
from edgeir.restoring.image import plan_photo, restore_photo  # noqa: E402
from edgeir.restoring.tiling import Plan, cut, plan, read_window  # noqa: E402
from edgeir.runtime.torch import TorchSession  # noqa: E402

from .conftest import assert_same_levels, mirrored_whole  # noqa: E402


def network_of(config):  # type: ignore[no-untyped-def]
    """Weights that matter: as they start, the features hardly vary."""
    generator = torch.Generator().manual_seed(0)
    network = config.build().eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                fan_in = module.weight[0].numel()
                module.weight.copy_(torch.randn(module.weight.shape, generator=generator) / fan_in**0.5)
                module.bias.copy_(0.1 * torch.randn(module.bias.shape, generator=generator))
            elif isinstance(module, InstanceNorm):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.uniform_(-0.3, 0.3, generator=generator)
    return network


def session_of(config) -> TorchSession:  # type: ignore[no-untyped-def]
    network = network_of(config)
    return TorchSession(network.deploy(), network.facts, name=config.kind)


SESSIONS = {
    "student": session_of(PPCNEnhanceConfig()),
    "teacher": session_of(PPCNEnhanceConfig(size="teacher")),
    "sr": session_of(PPCNSRConfig()),
    "fdr-net": session_of(FDRNetConfig(channels=8, phases=2, process_blocks=1, auxiliary_blocks=1)),
    "rcan": session_of(RCANConfig(channels=16, groups=1, blocks=2, scale=2)),
}


def samples(*shape: int) -> np.ndarray:
    """Noise over a slope, so that no tile has the whole image's mean."""
    noise = np.random.default_rng(0).integers(0, 100, shape, dtype=np.int64)
    return (noise + np.linspace(0, 155, shape[0]).astype(int)[:, None, None]).astype(np.uint8)


def whole_with_own_statistics(
    session: TorchSession, image: np.ndarray, *, mirrored: bool
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """The oracle: one run, in which every layer takes float64 statistics of the pixels of `image` alone, and those."""
    radius = session.facts.receptive_radius if mirrored else 0
    height, width = image.shape[:2]
    found = []

    def note(module, inputs) -> None:  # type: ignore[no-untyped-def]
        values = inputs[0].double().numpy()[:, :, radius : radius + height, radius : radius + width]
        found.append((values.mean((0, 2, 3)), values.var((0, 2, 3))))
        module.set_statistics(Moments(*found[-1]))

    assert session._module is not None
    modules = [m for m in session._module.modules() if isinstance(m, (InstanceNorm, ImageMean))]
    handles = [module.register_forward_pre_hook(note) for module in modules]
    output = session.run(np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric"))
    for handle, module in zip(handles, modules, strict=True):
        handle.remove()
        module.set_statistics(None)
    scale = session.facts.net_scale
    first = radius * scale
    return output[first : first + height * scale, first : first + width * scale], found


def windows_of(session: TorchSession, image: np.ndarray, tile: int, *, mirrored: bool) -> Plan:
    facts = session.facts.model_copy(update={"global_operations": ()})
    return plan(*image.shape[:2], facts, fixed=None, largest=tile, mirrored=mirrored)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    tile=st.integers(24, 60),
    size=st.sampled_from(["student", "teacher"]),
    mirrored=st.booleans(),
)
def test_gathered_statistics_are_those_of_the_whole_image(height, width, tile, size, mirrored) -> None:  # type: ignore[no-untyped-def]
    session = SESSIONS[size]
    image = samples(height, width, 3).astype(np.float32) / np.float32(255)
    windows = windows_of(session, image, tile, mirrored=mirrored)
    known = gather(session, windows, lambda row, column: read_window(image, row, column))  # type: ignore[arg-type,return-value]
    whole, expected = whole_with_own_statistics(session, image, mirrored=mirrored)
    assert len(known) == len(expected) == (3 if size == "student" else 5)
    for found, (mean, variance) in zip(known, expected, strict=True):
        np.testing.assert_allclose(found.mean, mean, atol=2e-6)
        np.testing.assert_allclose(found.variance, variance, rtol=2e-5, atol=2e-6)
    for row, column in windows:
        part = session.run_with_statistics(read_window(image, row, column), known)  # type: ignore[arg-type]
        error = part[cut(row, 1), cut(column, 1)] - whole[row.first : row.last, column.first : column.last]
        assert np.abs(error).max() <= 1e-5


@pytest.mark.parametrize(
    ("name", "size", "tile"),
    [
        ("student", (197, 183), 110),
        ("student", (40, 30), 110),  # one window
        ("teacher", (197, 183), 110),
        ("teacher", (60, 401), 110),
        ("sr", (90, 81), 80),
    ],
)
def test_tiled_output_equals_whole_image_output(name, size, tile) -> None:  # type: ignore[no-untyped-def]
    session = SESSIONS[name]
    photo = Photo(samples(*size, 3))
    enlarged = session.facts.scale
    assert (len(plan_photo(*size, session, tile)) > 1) == (size != (40, 30))
    given_ = enlarge(photo.pixels, enlarged).astype(np.float32) / np.float32(255)
    whole, _ = whole_with_own_statistics(session, given_, mirrored=True)
    assert_same_levels(restore_photo(photo, session, tile=tile).pixels, whole, within=2e-5)
    tops = restore_photo(Photo(photo.pixels[: size[0] // 2]), session, tile=tile).pixels
    half = size[0] // 2 * enlarged
    assert np.abs(tops - whole[:half] * 255).mean() > 1  # half a photo has other statistics


@pytest.mark.parametrize("name", ["fdr-net", "rcan"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_attention_settles_to_that_of_the_whole_photo(name, mirrored) -> None:  # type: ignore[no-untyped-def]
    """Every window with its own attention would be off by more than a level."""
    session = SESSIONS[name]
    image = samples(150, 130, 3).astype(np.float32) / np.float32(255)
    windows = windows_of(session, image, 90, mirrored=mirrored)
    passes = []

    def read(row, column):  # type: ignore[no-untyped-def]
        passes.append((row, column))
        return read_window(image, row, column)

    known = gather(session, windows, read)
    assert len(passes) <= 3 * len(windows)
    whole, _ = whole_with_own_statistics(session, image, mirrored=mirrored)
    scale = session.facts.scale
    given_, own = np.empty_like(whole), np.empty_like(whole)
    for row, column in windows:
        place = (slice(row.first * scale, row.last * scale), slice(column.first * scale, column.last * scale))
        inside = cut(row, scale), cut(column, scale)
        given_[place] = session.run_with_statistics(read_window(image, row, column), known)[inside]  # type: ignore[arg-type]
        own[place] = session.run(read_window(image, row, column))[inside]  # type: ignore[arg-type]
    assert np.abs(given_ - whole).max() * 255 < 0.02
    assert np.abs(own - whole).max() * 255 > 1


@pytest.mark.parametrize("mirrored", [False, True])
def test_attention_that_has_not_settled_is_gathered_again(mirrored) -> None:  # type: ignore[no-untyped-def]
    """Ten blocks of random weights on a photo that darkens to one side: one pass leaves 0.9 of 255 levels."""
    session = session_of(RCANConfig(channels=16, groups=2, blocks=5, scale=1))
    slope = np.linspace(0.05, 1, 160, dtype=np.float32)[:, None, None] ** 2
    image = slope * samples(160, 140, 3).astype(np.float32) / np.float32(255)
    windows = windows_of(session, image, 120, mirrored=mirrored)
    read: list[object] = []

    def counted(row, column):  # type: ignore[no-untyped-def]
        read.append(row)
        return read_window(image, row, column)

    known = gather(session, windows, counted)
    assert len(read) > 2 * len(windows)
    whole, _ = whole_with_own_statistics(session, image, mirrored=mirrored)
    for row, column in windows:
        part = session.run_with_statistics(read_window(image, row, column), known)  # type: ignore[arg-type]
        error = part[cut(row, 1), cut(column, 1)] - whole[row.first : row.last, column.first : column.last]
        assert np.abs(error).max() * 255 < 0.05


def test_windows_are_larger_for_a_network_that_sees_far() -> None:
    far = SESSIONS["fdr-net"].facts.model_copy(update={"receptive_radius": 92, "global_operations": ()})
    session = TorchSession(torch.nn.Identity(), far, name="far")
    assert plan_photo(3000, 4000, session).size[0] > 600
    assert plan_photo(3000, 4000, SESSIONS["rcan"]).size[0] <= 256


@pytest.mark.parametrize("name", ["fdr-net", "rcan"])
def test_a_photo_over_the_limit_goes_through_attention(name, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("edgeir.restoring.image.WHOLE_LIMIT", 1000)
    session, photo = SESSIONS[name], Photo(samples(150, 130, 3))
    calls: list[tuple[float, float]] = []
    found = restore_photo(
        photo, session, tile=90, progress=lambda done, total, _: calls.append((done, total))
    )
    whole, _ = whole_with_own_statistics(
        session, photo.pixels.astype(np.float32) / np.float32(255), mirrored=True
    )
    assert_same_levels(found.pixels, whole, within=1e-4)
    assert calls == sorted(calls)
    assert calls[-1][0] == calls[-1][1]


def test_constants_need_one_pass_and_leave_no_global_operation() -> None:
    network = network_of(PPCNEnhanceConfig())
    images = samples(2 * 40, 50, 3).reshape(2, 40, 50, 3).astype(np.float32) / np.float32(255)
    constant = with_constants(network, calibrate(network, images))
    session = TorchSession(constant.deploy(), constant.facts, name="constant")
    assert session.stages == 0
    assert session.facts.global_operations == ()
    photo = Photo(samples(197, 183, 3))
    calls: list[tuple[float, float]] = []
    found = restore_photo(
        photo, session, tile=120, progress=lambda done, total, _: calls.append((done, total))
    )
    assert calls[-1] == (4, 4)
    assert_same_levels(
        found.pixels, mirrored_whole(session, photo.pixels.astype(np.float32) / np.float32(255))
    )


def test_progress_counts_the_windows_of_all_passes() -> None:
    calls: list[tuple[float, float]] = []
    session = SESSIONS["student"]
    photo = Photo(samples(60, 70, 3))
    restore_photo(photo, session, tile=40, progress=lambda done, total, _: calls.append((done, total)))
    count = len(plan_photo(60, 70, session, 40)) * 4
    assert calls == [(done, count) for done in range(count + 1)]


def test_memory_is_that_of_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo over the limit of what is run in one piece goes through; numpy's share of the memory is measured."""
    session = SESSIONS["student"]
    monkeypatch.setattr("edgeir.restoring.image.WHOLE_LIMIT", 1000)
    monkeypatch.setattr("edgeir.restoring.image.ALLOCATOR_BLOCK", 1)
    photo = Photo(samples(500, 700, 3))
    tracemalloc.start()
    result = restore_photo(photo, session, tile=96)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - result.pixels.nbytes < 8 * 2**20  # 16 channels of the whole photo in float64 take 43 MiB


def test_statistics_that_are_not_all_a_network_reads_do_not_make_tiles_exact() -> None:
    network = network_of(PPCNEnhanceConfig())
    more = (*network.facts.global_operations, "channel attention")
    facts = network.facts.model_copy(update={"global_operations": more})
    session = TorchSession(network.deploy(), facts, name="more")
    assert session.stages == 0
    assert len(plan_photo(600, 600, session)) == 1
    with pytest.raises(ArtifactError, match="channel attention"):
        plan_photo(3000, 3000, session)
