"""ncnn sessions: a folder is a file, a bad one is one line and never ends this process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import ncnn
import numpy as np
import pytest

from edgeir.core.errors import ArtifactError, MissingExtraError
from edgeir.core.files import sha256_tree
from edgeir.restoring.tiling import run_tiled
from edgeir.runtime import catalog
from edgeir.runtime.loading import load
from edgeir.runtime.ncnn import FACTS
from edgeir.runtime.ncnn_file import BIN, PARAM
from edgeir.runtime.session import RemoteSession

MUTATIONS = 40


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


@pytest.fixture
def altered(made: Path, tmp_path: Path) -> Callable[[str, Callable[[bytes], bytes]], Path]:
    """A copy of the artifact with another file in its model folder, and a manifest that has the new hash."""

    def alter(name: str, change: Callable[[bytes], bytes]) -> Path:
        folder = tmp_path / f"copy{len(list(tmp_path.iterdir()))}"
        shutil.copytree(made / "ncnn", folder)
        file = folder / "model.ncnn" / name
        file.write_bytes(change(file.read_bytes()))
        rehash(folder)
        return folder

    return alter


def rehash(folder: Path) -> None:
    manifest = json.loads((folder / "artifact.json").read_text())
    manifest["files"][0]["sha256"] = sha256_tree(folder / "model.ncnn")
    (folder / "artifact.json").write_text(json.dumps(manifest))


def test_it_is_found_by_folder_manifest_and_model_folder(made: Path) -> None:
    for path in ("ncnn", "ncnn/artifact.json", "ncnn/model.ncnn"):
        session = load(made / path)
        assert (session.runtime, session.fixed_size, session.input.layout) == ("ncnn", None, "NCHW")
        assert session.source_sha256 == sha256_tree(made / "ncnn" / "model.ncnn")
    assert catalog.is_model_file(made / "ncnn" / "model.ncnn")
    assert not catalog.is_model_file(made / "ncnn")


def test_the_process_computes_what_ncnn_does_here(made: Path) -> None:
    """The same binding in this process is the oracle for what the pipes carry."""
    folder, x = made / "ncnn" / "model.ncnn", image(12, 10, 3)
    net = ncnn.Net()
    net.opt.num_threads = 1
    assert net.load_param(str(folder / PARAM)) == 0
    assert net.load_model(str(folder / BIN)) == 0
    extractor = net.create_extractor()
    planes = np.ascontiguousarray(x.transpose(2, 0, 1))
    extractor.input("in0", ncnn.Mat(planes).clone())
    expected = np.array(extractor.extract("out0")[1]).transpose(1, 2, 0)
    np.testing.assert_array_equal(load(made / "ncnn").run(x), expected)


def test_colours_rows_and_columns_stay_where_they_are(made: Path) -> None:
    session, reference = load(made / "ncnn"), load(made / "student")
    for channel in range(3):
        x = np.zeros((9, 14, 3), np.float32)
        x[2:4, 10:, channel] = 1
        np.testing.assert_allclose(session.run(x), reference.run(x), atol=1e-5)


def test_an_app_that_feeds_bytes_gets_the_same(made: Path) -> None:
    """The steps of docs/targets/ncnn.md, in ncnn's own binding: from_pixels, and 1/255."""
    folder = made / "ncnn" / "model.ncnn"
    rgb = np.random.default_rng(2).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    net = ncnn.Net()
    net.load_param(str(folder / PARAM))
    net.load_model(str(folder / BIN))
    planes = ncnn.Mat.from_pixels(rgb, ncnn.Mat.PixelType.PIXEL_RGB, 10, 12)
    planes.substract_mean_normalize([], [1 / 255] * 3)
    extractor = net.create_extractor()
    extractor.input("in0", planes)
    got = np.array(extractor.extract("out0")[1]).transpose(1, 2, 0)
    np.testing.assert_allclose(got, load(made / "ncnn").run(rgb.astype(np.float32) / 255), atol=1e-6)


def test_tiles_are_the_whole(made: Path) -> None:
    session, x = load(made / "ncnn"), image(40, 37, 3)
    tiled = run_tiled(session.run, x, session.facts, (20, 24))
    np.testing.assert_allclose(tiled, session.run(x), atol=1e-5)


def test_one_process_serves_every_image_and_ends_with_the_session(made: Path) -> None:
    session = load(made / "ncnn", threads=2)
    assert isinstance(session, RemoteSession)
    pid = session._worker.pid  # type: ignore[attr-defined]
    for size in ((12, 10), (8, 30), (64, 64)):
        session.run(image(*size, 3))
    assert session._worker.pid == pid  # type: ignore[attr-defined]
    before, peak = session.memory_mib()
    if sys.platform == "linux":
        assert before is not None
        assert before < peak  # type: ignore[operator]
    session.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(AssertionError, match="closed"):
        session.run(image(12, 10, 3))


@pytest.mark.skipif(sys.platform == "win32", reason="has no signals")
def test_a_killed_process_is_one_line(made: Path) -> None:
    session = load(made / "ncnn")
    os.kill(session._worker.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    for _ in range(2):
        with pytest.raises(ArtifactError, match=r"the file crashes ncnn \(SIGKILL\)") as caught:
            session.run(image(12, 10, 3))
        assert "\n" not in str(caught.value)


def test_a_file_that_really_ends_the_process_that_runs_it(altered) -> None:
    """More inputs than the convolution's weights say: ncnn reads past their end."""

    def change(text: bytes) -> bytes:
        lines = text.decode().splitlines()
        number = next(i for i, line in enumerate(lines) if line.startswith("PixelShuffle"))
        lines[number] = lines[number].replace("0=4", "0=2147483647")
        return "\n".join(lines).encode()

    folder = altered(PARAM, change)
    with pytest.raises(ArtifactError, match=r"crashes ncnn|ncnn failed|ncnn cannot load it|made \("):
        load(folder).run(image(12, 10, 3))


def test_an_unknown_layer_is_refused_before_ncnn_loads_it(altered) -> None:
    folder = altered(PARAM, lambda text: text.replace(b"PixelShuffle ", b"torch.roll   "))
    with pytest.raises(ArtifactError, match="ncnn cannot load it: it has no layer `torch.roll`"):
        load(folder)


@pytest.mark.parametrize("name", [PARAM, BIN, FACTS])
def test_a_missing_file_is_one_line(name, altered) -> None:
    folder = altered(name, lambda content: content)
    (folder / "model.ncnn" / name).unlink()
    with pytest.raises(ArtifactError, match="changed after it was exported"):
        load(folder)
    rehash(folder)
    with pytest.raises(ArtifactError, match=f"{name} cannot be read"):
        load(folder)


@pytest.mark.parametrize("name", [PARAM, BIN, FACTS])
@pytest.mark.parametrize("damage", ["empty", "truncated", "noise", "longer"])
def test_a_damaged_file_whose_hash_was_made_to_fit_is_one_line(name, damage, altered) -> None:
    def change(content: bytes) -> bytes:
        noise = np.random.default_rng(0).integers(0, 256, len(content), dtype=np.uint8).tobytes()
        return {
            "empty": b"",
            "truncated": content[: len(content) // 3],
            "noise": noise,
            "longer": content + b"1234",
        }[damage]

    with pytest.raises(ArtifactError) as caught:
        load(altered(name, change))
    assert "\n" not in str(caught.value)


def _damaged(content: bytes, seed: int) -> bytes:
    rng, changed = np.random.default_rng(seed), bytearray(content)
    for position in rng.integers(0, len(content), rng.integers(1, 5)):
        changed[position] = (
            rng.integers(0, 256) if seed % 2 else changed[position] ^ (1 << rng.integers(0, 8))
        )
    return bytes(changed)


@pytest.mark.parametrize("name", [PARAM, BIN])
def test_no_damage_ends_this_process(name, altered) -> None:
    """What still loads and runs gives an image of the right shape; the rest is an error of one line."""
    ran, refusals = 0, []
    for seed in range(MUTATIONS):
        folder = altered(name, lambda content, seed=seed: _damaged(content, seed))
        try:
            session = load(folder)
            try:
                assert session.run(image(12, 10, 3)).shape == (48, 40, 3)
            finally:
                session.close()
            ran += 1
        except ArtifactError as error:
            refusals.append(str(error))
    assert not any("\n" in refusal for refusal in refusals)
    assert ran > 0 if name == BIN else len(refusals) > MUTATIONS / 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m["facts"].update(scale=2), "the file itself says scale 4, the manifest 2"),
        (lambda m: m["files"][0]["inputs"][0].update(name="photo"), "has `in0`, the manifest says `photo`"),
        (lambda m: m["files"][0]["inputs"][0].update(shape=[1, 3, 12, 10]), "the manifest says float32 NCHW"),
        (lambda m: m["files"][0]["outputs"][0].update(dtype="uint8"), "the manifest says uint8"),
    ],
)
def test_a_manifest_that_lies_is_refused(change, words, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made / "ncnn", folder)
    manifest = json.loads((folder / "artifact.json").read_text())
    change(manifest)
    (folder / "artifact.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=words):
        load(folder)


def test_a_graph_of_another_scale_shows_it_when_it_runs(altered) -> None:
    folder = altered(PARAM, lambda text: text.replace(b"0=4 1=0", b"0=2 1=0"))
    with pytest.raises(
        ArtifactError, match=r"made \(1, 12, 24, 20\) of \(1, 3, 12, 10\), the manifest says scale 4"
    ):
        load(folder).run(image(12, 10, 3))


def test_without_ncnn_it_says_what_to_install(made: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ncnn", None)
    with pytest.raises(MissingExtraError, match="running an .ncnn artifact needs the package `ncnn`"):
        load(made / "ncnn")
