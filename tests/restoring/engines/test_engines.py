"""The seam: any engine gives the same files and the same report; what an engine cannot do is said before it starts."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeir.checkpoint.resolve import Found
from edgeir.cli.app import main
from edgeir.cli.options import EngineChoice
from edgeir.core.errors import ArtifactError, ConfigError, MissingExtraError
from edgeir.core.progress import Progress
from edgeir.imaging.files import write_rgb
from edgeir.restoring.engines import Local, Ray, engine_names
from edgeir.restoring.engines.base import Network, Record
from edgeir.restoring.engines.ray_worker import Desk
from edgeir.restoring.engines.shipped_network import ShippedNetwork
from edgeir.restoring.jobs import Job
from edgeir.restoring.one_photo import OnePhoto
from edgeir.restoring.photo import Restoration, restore
from edgeir.runtime.loading import load, located


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for index, name in enumerate(["a.png", "b.jpg", "c.tif"]):
        pixels = np.random.default_rng(index).integers(0, 256, (9 + index, 11, 3)).astype(np.uint8)
        write_rgb(pixels, folder / name)
    (folder / "bad.jpg").write_text("this is a text")
    return folder


class Backwards:
    """An engine that nobody has foreseen: the last photo first."""

    kind = "backwards"

    def check(self, network: Network, *, several: bool) -> None:
        pass

    def run(
        self, jobs: Sequence[Job], network: Network, one: OnePhoto, record: Record, progress: Progress
    ) -> None:
        session = network.load()
        record.loaded(session.name, session.runtime)
        for index in reversed(range(len(jobs))):
            record.tried(index, one(jobs[index], session, progress))


def test_another_engine_gives_the_same_files_and_the_same_report(
    fake: Any, photos: Path, tmp_path: Path
) -> None:
    reports = {}
    for name, engine in (("local", Local()), ("other", Backwards())):
        reports[name] = restore(photos, tmp_path / name, model=fake(), engine=engine)  # type: ignore[arg-type]
    for path in (tmp_path / "local").iterdir():
        assert (tmp_path / "other" / path.name).read_bytes() == path.read_bytes()
    one, other = reports.values()
    assert [entry.output.name for entry in one.restored] == ["a.png", "b.jpg", "c.tif"]
    assert [entry.output.name for entry in other.restored] == ["a.png", "b.jpg", "c.tif"]
    assert one.failed == other.failed
    assert [entry.input.name for entry in one.failed] == ["bad.jpg"]


def test_the_command_line_knows_every_engine() -> None:
    assert [entry.value for entry in EngineChoice] == engine_names()


@pytest.mark.parametrize(
    ("engine", "network", "several", "message"),
    [
        (Ray(), Network("sr-x4"), False, "restores folders, not a single photo .*leave out --engine ray"),
        (Ray(), Network("sr-x4", threads=2), True, "one thread, not 2 .*--workers"),
        (Ray(), Network(object()), True, "loaded session"),  # type: ignore[arg-type]
        (Ray(address="ray://a:1"), Network("sr-x4"), True, "Ray Client.*--ray-address auto"),
    ],
)
def test_what_a_cluster_cannot_do(engine: Ray, network: Network, several: bool, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        engine.check(network, several=several)


def test_without_ray_the_install_line_is_said_and_nothing_is_written(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "ray" else real(name, *more)
    )
    with pytest.raises(MissingExtraError, match=r"pip install 'edgeir\[ray\]'"):
        restore(photos, tmp_path / "out", model="sr-x4", engine=Ray())
    words = ["restore", str(photos), str(tmp_path / "out"), "--model", "sr-x4", "--engine", "ray"]
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "edgeir: error: restoring on a cluster needs the package `ray`, which is not installed "
        "(pip install 'edgeir[ray]')\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [["--workers", "2"], ["--ray-address", "auto"]])
def test_options_of_a_cluster_without_one(
    photos: Path, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", str(photos), str(tmp_path / "out"), "--model", "sr-x4", *words]) == 2
    assert f"{words[0]} is for a Ray cluster only (add --engine ray)" in capsys.readouterr().err


def test_with_nothing_left_to_do_no_cluster_is_started(fake: Any, photos: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs edgeir[ray]")
    (photos / "bad.jpg").unlink()
    restore(photos, tmp_path / "out", model=fake())
    run = Restoration(photos, tmp_path / "out", model="sr-x4", skip_existing=True, engine=Ray(address="no:1"))
    assert len(run.run().existing) == 3


def test_the_desk_ends_a_run() -> None:
    desk = Desk()
    assert [desk.begin(3), desk.begin(3), desk.begin(5)] == [1, 2, 1]
    assert not desk.over()
    assert sorted(desk.stop()) == [3, 5]
    assert desk.over()
    assert desk.begin(7) == 0


def _shipped(name: str | Path, **options: str) -> tuple[ShippedNetwork, dict[str, bytes], Found]:
    found = located(name, **options)  # type: ignore[arg-type]
    return *ShippedNetwork.of(found), found


def test_a_network_that_lies_here_is_read_here() -> None:
    shipped, _, found = _shipped("sr-x4-xs", runtime="litert")
    with shipped.unpacked(lambda: pytest.fail("it was fetched")) as path:
        assert path == found.folder.resolve()


@pytest.mark.parametrize("runtime", ["torch", "litert"])
def test_a_network_travels_whole(tmp_path: Path, runtime: str) -> None:
    pytest.importorskip({"torch": "torch", "litert": "ai_edge_litert"}[runtime])
    here = located("sr-x4-xs", runtime=runtime).folder
    away = tmp_path / "away"
    shutil.copytree(here, away)
    (away / "more.txt").write_text("not a part of it")
    shipped, files, _ = _shipped(away, runtime=runtime)
    assert "more.txt" not in files
    session = load(away, runtime=runtime)
    image = np.random.default_rng(0).random((*(session.fixed_size or (20, 24)), 3), np.float32)
    expected = session.run(image)
    session.close()
    changed = next(iter(files))
    (away / changed).write_bytes(b"another one")
    with shipped.unpacked(lambda: files) as path:
        assert path != away
        copy = load(path, runtime=runtime)
        np.testing.assert_array_equal(copy.run(image), expected)
        copy.close()
    assert not path.exists()


def test_one_file_of_several_travels_by_its_name(make_artifact: Any, tmp_path: Path) -> None:
    folder = make_artifact(tmp_path / "artifact", sizes=((4, 4), (8, 8)))
    shipped, files, _ = _shipped(folder / "model-8x8.tflite")
    assert set(files) == {"artifact.json", "model.tflite", "model-8x8.tflite"}
    shutil.rmtree(folder)
    with shipped.unpacked(lambda: files) as path:
        assert path.name == "model-8x8.tflite"
        assert located(path).file == path
        assert json.loads((path.parent / "artifact.json").read_text())["source"] == "net"


def test_a_network_that_was_tampered_with_is_not_sent(make_artifact: Any, tmp_path: Path) -> None:
    folder = make_artifact(tmp_path / "artifact")
    (folder / "model.tflite").write_bytes(b"no")
    with pytest.raises(ArtifactError, match=r"model\.tflite"):
        _shipped(folder)
