"""`edgeir import --model`: published weights in edgeir's networks, compared with another implementation or a score."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgeir.checkpoint.foreign.convert import import_weights  # noqa: E402
from edgeir.checkpoint.foreign.maps import MAPS  # noqa: E402
from edgeir.checkpoint.load import load_checkpoint  # noqa: E402
from edgeir.core.errors import CheckpointError, ConfigError  # noqa: E402
from edgeir.models import PlainUSRConfig, PPCNEnhanceConfig, SMFANetConfig, SRCNNConfig, ppcn_enhance  # noqa: E402
from edgeir.models.srcnn import load_reference_weights  # noqa: E402


def test_the_maps_are_named_after_their_networks() -> None:
    assert list(MAPS) == sorted(MAPS)
    assert all(entry.kind == kind for kind, entry in MAPS.items())


@pytest.mark.parametrize("act_mode", ["R", "BR"])
def test_dncnn_computes_what_its_author_s_code_computes(act_mode: str, tmp_path: Path) -> None:
    pytest.importorskip("spandrel")
    from spandrel.architectures.DnCNN import DnCNN

    torch.manual_seed(0)
    theirs = DnCNN(in_nc=3, out_nc=3, nc=8, nb=8, act_mode=act_mode).eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    state = {key: value for key, value in theirs.state_dict().items() if "num_batches" not in key}
    torch.save(state, tmp_path / "dncnn.pth")
    card = import_weights(tmp_path / "dncnn.pth", model="dncnn", out=tmp_path / "made")
    assert (card.model["depth"], card.model["width"], card.model["channels"]) == (8, 8, 3)
    ours = load_checkpoint(tmp_path / "made")[0]
    x = torch.rand(1, 3, 20, 24)
    with torch.no_grad():
        assert torch.allclose(ours(x), theirs(x), atol=1e-6)
        assert torch.allclose(ours.deploy()(x), theirs(x).clamp(0, 1), atol=1e-6)


def test_ffdnet_is_a_chain_of_convolutions_between_the_phases(tmp_path: Path) -> None:
    torch.manual_seed(0)
    widths = [5, 6, 6, 4]
    state = {}
    for index, (given, out) in enumerate(pairwise(widths)):
        state[f"model.{2 * index}.weight"] = torch.randn(out, given, 3, 3) / 5
        state[f"model.{2 * index}.bias"] = torch.randn(out) / 5
    torch.save(state, tmp_path / "ffdnet.pth")
    import_weights(tmp_path / "ffdnet.pth", model="ffdnet", settings=["sigma=15"], out=tmp_path / "made")
    ours, card, _ = load_checkpoint(tmp_path / "made")
    assert card.facts.sigma == 15
    x = torch.rand(1, 1, 12, 16)
    features = torch.cat([torch.pixel_unshuffle(x, 2), torch.full((1, 1, 6, 8), 15 / 255)], 1)
    for index in range(3):
        weight, bias = state[f"model.{2 * index}.weight"], state[f"model.{2 * index}.bias"]
        features = torch.conv2d(features, weight, bias, padding=1)
        features = torch.relu(features) if index < 2 else features
    with torch.no_grad():
        assert torch.allclose(ours(x), torch.pixel_shuffle(features, 2), atol=1e-6)


def test_weights_of_another_network_and_wrong_settings(tmp_path: Path) -> None:
    torch.save({"layer.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    for kind in MAPS:
        with pytest.raises(CheckpointError, match=f"no weights of `{kind}`"):
            import_weights(tmp_path / "other.pth", model=kind, out=tmp_path / "made")
    state = {"model.0.weight": torch.zeros(8, 3, 3, 3), "model.0.bias": torch.zeros(8)}
    state |= {f"model.{n}.weight": torch.zeros(8, 8, 3, 3) for n in (2, 4)} | {"extra": torch.zeros(1)}
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="has no `model.2.bias`"):
        import_weights(tmp_path / "other.pth", model="dncnn", out=tmp_path / "made")
    with pytest.raises(ConfigError, match="dncnn.depth"):
        import_weights(tmp_path / "other.pth", model="dncnn", settings=["depth=0"], out=tmp_path / "made")
    assert not (tmp_path / "made").exists()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("div2k-srcnn", "srcnn"),
        ("ppcn-enhance-student", "ppcn-enhance"),
        ("ppcn-enhance-teacher", "ppcn-enhance"),
    ],
)
def test_published_arrays_land_where_the_reference_puts_them(shared_data, file, kind, tmp_path):
    """The loaders in `edgeir.models` reproduce the published scores of these files (`test_references`)."""
    path = shared_data / "weights" / f"{file}.npz"
    import_weights(path, model=kind, out=tmp_path / "made")
    ours = load_checkpoint(tmp_path / "made")[0]
    if kind == "srcnn":
        reference = SRCNNConfig().build()
        load_reference_weights(reference, path)
    else:
        reference = PPCNEnhanceConfig(size=file.rpartition("-")[2]).build()
        ppcn_enhance.load_reference_weights(reference, path)
    expected = reference.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in ours.state_dict().items())


def test_every_missing_further_and_reshaped_weight_is_listed(tmp_path: Path) -> None:
    config = PlainUSRConfig(channels=6, widths=(6, 5, 4, 5, 6), scale=2)
    own = config.build().state_dict()
    state = {name: own[place] for place, name in MAPS["plainusr"].names(config, {}).items()}
    for name in ("block1.body.2.bias", "block4.body.5.body.3.weight"):
        del state[name]
    state |= {
        "ema.step": torch.zeros(1),
        "block5.body.0.bias": torch.zeros(6),
        "tail.0.bias": torch.zeros(11),
    }
    torch.save({"params": state}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError) as caught:
        import_weights(tmp_path / "other.pth", out=tmp_path / "made")
    said = str(caught.value)
    assert "has no `block1.body.2.bias`, `block4.body.5.body.3.weight`;" in said
    assert "`block5.body.0.bias`, `ema.step` have no place in `plainusr`;" in said
    assert "`tail.0.bias` is 11, not 12:" in said
    assert not (tmp_path / "made").exists()


def test_weights_of_an_own_network_need_no_facts(tmp_path: Path) -> None:
    config = SMFANetConfig(channels=4, blocks=1)
    own = config.build().state_dict()
    state = {name: own[place] for place, name in MAPS["smfanet"].names(config, {}).items()}
    torch.save(state, tmp_path / "teacher.pth")
    with pytest.raises(ConfigError, match="weights of `smfanet`, whose facts are known"):
        import_weights(tmp_path / "teacher.pth", scale=4, out=tmp_path / "made")
    network, card, _ = load_checkpoint(tmp_path / "teacher.pth")  # every command takes the file itself
    assert card.provenance["names"] == "Zheng-MJ/SMFANet"
    assert all(torch.equal(value, own[name]) for name, value in network.state_dict().items())


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "parameters", "psnr_db"),
    [
        ("smfanet-plus-x4", 495_888, 32.511),
        ("smfanet-x4", 197_328, 32.252),
        ("bsrn-x4", 352_400, 32.349),
        ("plainusr-l-x4", 734_004, 32.257),
    ],
)
def test_published_networks_have_their_published_figures(
    shared_data, file, parameters, psnr_db, tmp_path, monkeypatch
):
    """Set5, x4, Y: 32.51 (SMFANet+) and 32.25 dB (SMFANet) in their authors' table 1, 32.35 dB (BSRN); measured with
    the authors' code to three digits."""
    from edgeir.benchmarking.quality.evaluate import evaluate

    monkeypatch.setenv("EDGEIR_DATA", str(shared_data))
    card = import_weights(shared_data / "weights" / f"{file}.safetensors", out=tmp_path / "made")
    assert card.parameters == parameters
    assert "licence" in card.provenance["metadata"]
    (row,) = evaluate(str(tmp_path / "made"), "set5-x4")["rows"]
    assert row["quality"]["sets"][0]["psnr_db"] == pytest.approx(psnr_db, abs=0.01)


@pytest.mark.shared
@pytest.mark.slow
def test_the_published_dncnn3_repairs_jpeg_as_published(shared_data, tmp_path):
    """Classic5, luma, JPEG quality 10: 29.40 dB, from 27.82 dB (Zhang et al., TIP 2017, Table V)."""
    from io import BytesIO

    from PIL import Image

    import_weights(shared_data / "weights" / "dncnn3-gray.safetensors", model="dncnn", out=tmp_path / "made")
    network = load_checkpoint(tmp_path / "made")[0].deploy()
    scores = []
    for path in sorted((shared_data / "test" / "classic5").iterdir()):
        clean = Image.open(path).convert("L")
        packed = BytesIO()
        clean.save(packed, "JPEG", quality=10)
        given = np.asarray(Image.open(packed), dtype=np.float32) / 255
        with torch.no_grad():
            out = network(torch.from_numpy(given.copy())[None, None])[0, 0].numpy()
        error = np.mean((np.round(out * 255) - np.asarray(clean, dtype=np.float64)) ** 2)
        scores.append(10 * np.log10(255**2 / error))
    assert len(scores) == 5
    assert np.mean(scores) == pytest.approx(29.40, abs=0.03)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(("file", "kind"), [("ffdnet-color", "ffdnet"), ("dncnn-color-blind", "dncnn")])
def test_published_colour_denoisers_denoise(shared_data, file, kind, tmp_path):
    """Eight images of CBSD68, sigma 25: within 0.2 dB of the 31.2 dB that both have on all 68."""
    from PIL import Image

    import_weights(shared_data / "weights" / f"{file}.safetensors", model=kind, out=tmp_path / "made")
    network = load_checkpoint(tmp_path / "made")[0].deploy()
    rng = np.random.default_rng(0)
    scores = []
    for name in (shared_data / "test" / "cbsd68.txt").read_text().split()[:8]:
        photo = Image.open(shared_data / "test" / "bsds500-val" / f"{name}.jpg").convert("RGB")
        clean = np.asarray(photo, dtype=np.float32)[: photo.height // 2 * 2, : photo.width // 2 * 2] / 255
        noisy = clean + rng.normal(0, 25 / 255, clean.shape).astype(np.float32)
        with torch.no_grad():
            out = network(torch.from_numpy(noisy).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
        scores.append(10 * np.log10(1 / np.mean((np.round(out * 255) / 255 - clean) ** 2)))
    assert np.mean(scores) == pytest.approx(31.2, abs=0.2)
